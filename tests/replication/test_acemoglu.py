"""Acemoglu (2002): the slopes of technology and prices in supply, through a closed economy of the solver."""

from __future__ import annotations

import pandas as pd
import pytest

import reestim as ree
from reestim.errors import ParameterError
from replications import acemoglu
from tests.replication.page import printed, without_rounding_errors


@pytest.fixture(scope="module")
def slopes() -> pd.DataFrame:
    return acemoglu.slopes()


def test_slopes_are_the_papers(slopes: pd.DataFrame) -> None:
    for name in acemoglu.Slopes._fields:
        assert slopes[f"{name}_computed"].to_numpy() == pytest.approx(slopes[f"{name}_predicted"], abs=1e-10)
    assert set(slopes["sigma"].gt(1)) == {False, True}


def test_the_page_prints_them(slopes: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acemoglu, "slopes", lambda: slopes)
    made = acemoglu.table().markdown()
    assert without_rounding_errors(made) == without_rounding_errors(printed("acemoglu"))


def test_lab_equipment_and_state_dependence(slopes: pd.DataFrame) -> None:
    """Printed forms of the paper in σ and δ, without our κ."""
    for row in slopes.to_dict("records"):
        sigma, delta = row["sigma"], 1 - 1 / row["kappa"]
        assert row["technology_computed"] == pytest.approx((sigma - 1) / (1 - delta * sigma), abs=1e-10)
        assert row["price_computed"] == pytest.approx((sigma - 2 + delta) / (1 - delta * sigma), abs=1e-10)
        assert row["bias_computed"] >= -1e-12


def test_strong_bias_is_refused() -> None:
    """At σ = 1 + 1/κ the price would stop falling with supply: the model's corner."""
    assert acemoglu.predicted(2.0, 1.0).price == 0.0
    with pytest.raises(ParameterError, match="sigma"):
        ree.Parameters(sigma=2.0, kappa=1.0).to_arrays(acemoglu.economy())
