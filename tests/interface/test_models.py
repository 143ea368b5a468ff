"""The studies that ship in models/: each can be read, built on the bundled dataset, and sampled."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import reestim as ree
from reestim.data.dataset import Dataset
from reestim.estimate.gates import GateWarning
from reestim.study.spec import Spec

MODELS = Path(__file__).resolve().parents[2] / "models"

#: Study: what it has that the default does not, and what it lacks.
STUDIES = {
    "substitution": (set(), set()),
    "substitution_numpyro": (set(), set()),
    "equilibrium_in_the_loop": (set(), set()),
    "patents_only": (set(), {"event_estimate", "use_share_change", "ree_use_noise"}),
    "event_study_only": (set(), {"patent_count", "label_audit", "confusion", "use_share_change"}),
    "no_label_error": (set(), {"confusion", "label_audit"}),
    "no_pooling": (set(), set()),
    "lags": ({"lag_weights"}, set()),
    "elements": (set(), set()),
    "patents_as_levels": (set(), set()),
    "with_patents": (set(), set()),
}
#: Compiling is what takes long, so the default suite samples the smallest.
FAST = {"event_study_only"}


@pytest.fixture(scope="module")
def data() -> Dataset:
    return ree.load_dataset("simulated-2010")


@pytest.fixture(scope="module")
def default(data: Dataset) -> set[str]:
    """Variables of the default study."""
    return variables(ree.build(read("substitution"), data))


def variables(model: Any) -> set[str]:
    """Names of what a model states, in either language."""
    return set(model.sites) if hasattr(model, "sites") else set(model.named_vars)


def read(name: str) -> Spec:
    return ree.read_spec(MODELS / f"{name}.toml")


def test_every_study_is_here() -> None:
    assert {path.stem for path in MODELS.glob("*.toml")} == set(STUDIES)


@pytest.mark.parametrize("name", list(STUDIES))
def test_a_study_asks_a_question_and_every_prior_has_a_source(name: str) -> None:
    spec = read(name)
    if spec.based_on:
        first = spec.text.splitlines()[0]
        assert first.startswith("# ")
    for prior in spec.priors.values():
        assert prior.source
    assert spec.sampler.chains >= 4
    assert (spec.gates.max_divergences, spec.gates.max_r_hat, spec.gates.min_ess) == (0, 1.01, 400.0)


@pytest.mark.parametrize("name", list(STUDIES))
def test_a_study_is_the_default_but_for_what_it_asks(name: str, data: Dataset, default: set[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # few clusters, said in the report
        found = variables(ree.build(read(name), data))
    more, fewer = STUDIES[name]
    assert found >= {
        "sigma",
        "kappa",
        "spillover",
        "spillover_gap",
        "innovation_passthrough",
        "long_run_elasticity",
        "adjustment_rate",
        "obsolescence",
        "knowledge_growth",
        "element_elasticity",
        "impact_ratio",
        "supply_elasticity",
        "long_run_supply_elasticity",
        *more,
    }
    assert not fewer & found
    assert fewer <= default
    assert not more & default


@pytest.mark.parametrize("name", [n if n in FAST else pytest.param(n, marks=pytest.mark.slow) for n in STUDIES])
def test_a_study_runs(name: str, data: Dataset) -> None:
    spec = read(name)
    tiny = spec.sampler.model_copy(update={"draws": 5, "tune": 10, "chains": 2, "max_tree_depth": 3})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("ignore", GateWarning)
        post = ree.fit(ree.build(spec, data), tiny, seed=1, progress=False)
    draws = post["posterior"].to_dataset()
    bound = 1 + 1 / (draws["kappa"] * (1 + draws["spillover"]))
    assert bool(((draws["sigma"] > 0) & (draws["sigma"] < bound)).all())
    for name_, values in draws.data_vars.items():
        assert np.isfinite(values).all(), name_
        assert values.attrs["long_name"], name_
    assert set(post["prior"].data_vars) == set(draws.data_vars)
