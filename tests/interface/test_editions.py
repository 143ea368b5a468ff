"""What the first edition had: said with what to do, shown as it was, never mixed in silence."""

from __future__ import annotations

import pytest
import xarray as xr

import reestim as ree
from reestim.errors import InputError
from reestim.estimate.priors import PriorBook
from reestim.evidence.truth import Truth
from reestim.reports.compare import compare
from reestim.reports.summary import warnings
from reestim.results import tables
from reestim.study.prior import Prior


@pytest.fixture
def old(post: xr.DataTree) -> xr.DataTree:
    """A run of the first edition; its ``determinate`` meant something else."""
    parameters = post["posterior"].to_dataset().rename(spillover_gap="crowding_out")
    post["posterior"] = xr.DataTree(parameters)
    ds = post["counterfactual"].to_dataset()
    post["counterfactual"] = xr.DataTree(ds.assign(determinate=0.0 * ds["solved"]))
    return post


def test_a_prior_or_a_truth_of_the_first_edition_says_what_to_do() -> None:
    book = PriorBook({"crowding_out": Prior.model_validate({"distribution": "Beta", "alpha": 2.0, "beta": 2.0})})
    (problem,) = book.problems()
    assert "first edition" in problem.message
    assert "[priors.spillover_gap]" in problem.advice
    with pytest.raises(InputError, match=r"first edition.*Simulate the dataset again"):
        Truth.from_dict({"kappa": 1.0, "crowding_out": 0.2})
    with pytest.raises(ree.ParameterError, match=r"first edition.*spillover_gap"):
        ree.Parameters(kappa=1.0, crowding_out=0.2)
    assert ree.Parameters(0.3).sigma == 0.3


def test_draws_of_the_first_edition_do_not_enter_the_second(old: xr.DataTree) -> None:
    economy = ree.Economy(old["economy"].to_dataset())
    with pytest.raises(InputError, match=r"first edition.*Fit the study again"):
        ree.counterfactual(economy, ree.Scenario(), old, progress=False)


def test_its_run_is_shown_as_it_was_and_says_so(old: xr.DataTree, fake_run: xr.DataTree) -> None:
    shown = tables.parameters(old)
    assert "crowding_out" in shown["parameter"].tolist()
    assert "not_determinate" not in tables.solver(old)
    known = {"gates": tables.gates(old), "inputs": tables.inputs(old), "solver": tables.solver(old)}
    assert "edition" in [kind for kind, _ in warnings(old, known)]
    assert any("same edition" in words for words in compare({"old": old, "new": fake_run}).sentences)
    assert not any("same edition" in words for words in compare({"a": fake_run, "b": fake_run}).sentences)
