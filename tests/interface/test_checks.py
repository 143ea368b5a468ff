"""``reestim check``: what rests on its prior is called so, what the data decide is not; failures are exit code 2."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

import reestim as ree
from reestim.checks import determinacy
from reestim.checks.prior_sensitivity import check, verdict
from reestim.cli.app import app
from reestim.reports.section import Notes, TableBlock
from reestim.reports.sections import priors

SHAPE = (4, 500)


@pytest.fixture
def judged(post: xr.DataTree) -> xr.DataTree:
    """κ from its prior N(1, 0.2) alone, ξ from data N(1.6, 0.01) with a wide prior, ω fixed; normal densities."""
    rng = np.random.default_rng(2)
    lead = ("chain", "draw")
    kappa, spillover = rng.normal(1.0, 0.2, SHAPE), rng.normal(1.6, 0.01, SHAPE)
    posterior = xr.Dataset(
        {"kappa": (lead, kappa), "spillover": (lead, spillover), "spillover_gap": (lead, 0.1 + 0 * kappa)}
    )
    post["posterior"] = xr.DataTree(posterior.assign_coords(chain=range(4), draw=range(500)))
    priors = {"kappa": (lead, -0.5 * ((kappa - 1) / 0.2) ** 2), "spillover": (lead, -0.5 * (spillover / 5) ** 2)}
    post["log_prior"] = xr.DataTree(xr.Dataset(priors))
    data = -0.5 * ((spillover - 1.6) / 0.01) ** 2
    post["log_likelihood"] = xr.DataTree(xr.Dataset({"y": (lead, data)}))
    return post


def test_a_parameter_that_rests_on_its_prior_is_called_so(judged: xr.DataTree) -> None:
    found = check(judged)
    assert found.verdict == "informational"
    verdicts = dict(zip(found.table["parameter"], found.table["verdict"], strict=True))
    assert verdicts == {"kappa": "prior", "spillover": "data"}
    assert "κ rests on its prior" in found.sentences[0]
    assert "not identified" in found.sentences[0]
    assert ", prior " in found.sentences[0], "posterior stands beside the prior"
    assert "ξ is learnt from the data" in found.sentences[1]


def test_it_is_stored_and_a_section_of_the_report(judged: xr.DataTree, tmp_path: Path) -> None:
    sensitivity = ree.prior_sensitivity(judged)
    assert sensitivity is not None
    judged["prior_sensitivity"] = xr.DataTree(sensitivity)
    back = ree.load(ree.save(judged, tmp_path / "run"))
    tables = priors.tables(back)
    assert tables["prior_posterior"].loc[0, "prior"] == pytest.approx(float(sensitivity["prior"][0]))
    section = priors.section(back, tables)
    assert section is not None
    shown, notes = section.blocks
    assert isinstance(notes, Notes)
    assert any("rests on its prior" in line for line in notes.lines)
    assert isinstance(shown, TableBlock)
    assert "90 % equal-tailed" in shown.caption


def test_the_command_says_all_and_fails_by_exit_code(judged: xr.DataTree, tmp_path: Path) -> None:
    ree.save(judged, tmp_path / "run")
    done = CliRunner().invoke(app, ["check", str(tmp_path / "run")])
    assert done.exit_code == 2, "one of 80 draws is unsolved: more than 1 %"
    for part in ("sampler: pass", "solver: FAIL", "79 of 80", "rests on its prior"):
        assert part in done.output
    result = json.loads(CliRunner().invoke(app, ["check", str(tmp_path / "run"), "--json"]).stdout)
    assert [c["verdict"] for c in result["checks"]] == ["pass", "fail", *6 * ["informational"]]


def test_draws_near_a_second_equilibrium_are_counted_and_too_many_fail(post: xr.DataTree) -> None:
    ds = post["counterfactual"].to_dataset()
    assert determinacy.check(post).verdict == "informational", "the run does not say"
    good = ds["solved"].astype(float).where(ds["solved"])
    verdicts = []
    for near, counted in ((0, 0), (1, 1), (10, 9)):  # one of the ten is unsolved
        sure = good.copy()
        sure.loc[{"technology": "directed", "chain": good["chain"][0]}][..., :near] = 0.0
        post["counterfactual"] = xr.DataTree(ds.assign(determinate=sure))
        found = determinacy.check(post)
        verdicts.append(found.verdict)
        assert set(found.table["not_determinate"]) == {0, counted}
    assert verdicts == ["pass", "informational", "fail"]


def test_a_run_without_log_densities_is_told_what_to_do_and_judged_by_widths(post: xr.DataTree) -> None:
    post["posterior"]["kappa"] = post["prior"]["kappa"].copy()
    found = check(post)
    assert "fit it again" in found.sentences[0]
    verdicts = dict(zip(found.table["parameter"], found.table["verdict"], strict=True))
    assert verdicts["kappa"] == "prior"
    assert verdicts["sigma[machinery]"] == "data"


@pytest.mark.parametrize(
    ("sensitivities", "ratio", "expected"),
    [
        ((0.01, 0.3), 0.3, "data"),
        ((0.3, 0.01), 0.3, "prior"),
        ((0.3, 0.3), 0.5, "both"),
        ((0.3, 0.1), 1.05, "shifted"),
        ((0.01, 0.1), 0.95, "shifted"),
        ((0.01, 0.01), 0.3, "neither"),
        ((0.01, 0.01), 0.95, "prior"),
        ((np.nan, np.nan), np.nan, "unknown"),
    ],
)
def test_one_verdict_from_widths_and_sensitivities(
    sensitivities: tuple[float, float], ratio: float, expected: str
) -> None:
    assert verdict(*sensitivities, ratio) == expected
