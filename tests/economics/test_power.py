"""Power of blocks: predictions over errors, what would match, and the sentence that a block identifies nothing."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from reestim.checks import power
from reestim.estimate import kinds
from reestim.estimate.structure import structure_at_draws
from tests.recovery.study import TRUTH, inputs_of

_SIGMA = 0.5
(_EXPORTS,) = (block for block in kinds.blocks() if block.name == "exports")


@pytest.fixture(scope="module")
def inputs() -> xr.Dataset:
    return inputs_of(seed=3, countries=4)[0]


def draws(inputs: xr.Dataset, **changes: object) -> xr.Dataset:
    """Two equal draws at stated values."""
    values: dict[str, object] = {
        "sigma": ("sector", np.full(inputs.sizes["sector"], _SIGMA)),
        "kappa": ((), 1.2),
        "spillover": ((), 1.6),
        "spillover_gap": ((), 0.0),
        "trade_elasticity": ("traded_sector", np.full(inputs.sizes["traded_sector"], 4.0)),
        "adjustment_rate": ((), 0.25),
        "obsolescence": ((), 0.15),
        "knowledge_growth": ((), 0.05),
        "ree_use_noise": ((), 0.3),
        "concentration": ((), 1e9),
        "confusion": (("true_label", "machine_label"), np.asarray(TRUTH.confusion)),
    } | changes
    one = xr.Dataset(values, coords={d: inputs[d].values for d in ("sector", "traded_sector")})
    return one.expand_dims(chain=[0], draw=[0, 1])


def test_with_more_rare_earths_in_cost_the_event_study_has_more_power(inputs: xr.Dataset) -> None:
    """To first order effects on exports are proportional to θ, and so is their power."""
    table = power.power_table(inputs, {"prior": draws(inputs)}).set_index("block")
    small = inputs.assign(ree_share=inputs["ree_share"] / 1000)
    less = power.power_table(small, {"prior": draws(inputs)}).set_index("block")
    for column in ("prior_row", "prior_joint"):
        assert table.loc["exports", column] / less.loc["exports", column] == pytest.approx(1000, rel=0.05)
        assert table.loc["patents", column] == pytest.approx(less.loc["patents", column]), "θ is not in equation (12)"
    assert power.identifies_nothing(less.loc["exports"].to_dict())
    said = power.sentences(less.reset_index())
    assert any("exports" in s and "IDENTIFIES NOTHING" in s for s in said)
    assert not any(s.startswith("patents") and "NOTHING" in s for s in said)


def test_estimates_that_are_a_multiple_of_the_prediction_say_so(inputs: xr.Dataset) -> None:
    (one, _) = structure_at_draws(inputs, draws(inputs))
    rows = np.flatnonzero(inputs["outcome"].values == "exports")
    estimate = inputs["event_estimate"].values.copy()
    estimate[rows] = 3 * _EXPORTS.signal(one).prediction
    given = inputs.assign(event_estimate=("effect", estimate))
    table = power.power_table(given, {"posterior": draws(inputs)}).set_index("block")
    assert table.loc["exports", "match_share"] == pytest.approx(3)
    gap = draws(inputs, spillover_gap=((), 2.5))
    estimate[rows] = _EXPORTS.signal(structure_at_draws(inputs, gap)[0]).prediction
    table = power.power_table(inputs.assign(event_estimate=("effect", estimate)), {"posterior": draws(inputs)})
    assert table.set_index("block").loc["exports", "match_gap"] == pytest.approx(2.5)


def test_counts_without_error_know_a_log_odds_as_a_binomial_does(inputs: xr.Dataset) -> None:
    """n·p·(1−p) for each cell; noisy labels know less, overdispersed counts less again."""
    exact = draws(inputs, confusion=(("true_label", "machine_label"), np.eye(4)))
    (one, _) = structure_at_draws(inputs, exact)
    counts = inputs["patent_count"].transpose("country", "sector", "year", "label")
    p = float(counts.sel(label="enhancing").sum() / counts.sum())
    f = one.enhancing[..., inputs.get_index("price_year").get_indexer(inputs["year"].values)]
    f = f - f.mean(axis=2, keepdims=True)
    f = f - f.mean(axis=(0, 1), keepdims=True)
    known = np.sqrt((counts.sum("label").values * p * (1 - p) * f**2).sum())
    found = [
        power.power_table(inputs, {"prior": d}).set_index("block").loc["patents", "prior_joint"]
        for d in (exact, draws(inputs), draws(inputs, concentration=((), 5.0)))
    ]
    assert found[0] == pytest.approx(known, rel=1e-6)
    assert found[0] > found[1] > found[2]


def test_a_model_of_another_kind_is_named(inputs: xr.Dataset) -> None:
    other = draws(inputs).drop_vars(["kappa", "spillover_gap"])
    assert power.unknown(inputs, other) == "the model has no kappa, spillover_gap"
    assert power.unknown(inputs, draws(inputs)) == ""
