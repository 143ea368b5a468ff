"""NAFTA in Caliendo and Parro (2015), Table 2, both rules of deficits: docs/model.md section 5, item 6."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import reestim as ree
from reestim.errors import InputError
from replications import nafta
from tests.replication.page import printed, without_rounding_errors

#: Exact change of real income without deficits, per cent.
EXACT = {"CAN": -0.110, "MEX": 0.007, "USA": 0.074}


@pytest.fixture(scope="module")
def ours(shared_data: Path) -> pd.DataFrame:
    return nafta.computed(shared_data)


def test_the_data_are_not_an_equilibrium_and_say_so(raw: xr.Dataset) -> None:
    with pytest.raises(InputError, match="final demand is not negative"):
        ree.Economy(raw)
    with pytest.raises(InputError, match="rebased"):
        ree.solve(ree.Economy(raw, allow_imbalance=True), ree.Scenario(), ree.Parameters())


def test_every_printed_figure_is_found(ours: pd.DataFrame) -> None:
    """Fifteen figures of two decimals: each rounds to what is printed, or lies on the edge between two roundings."""
    assert sum(len(row) for row in nafta.PRINTED.values()) == 15
    for at, row in nafta.PRINTED.items():
        for name, figure in row.items():
            assert ours.loc[at, name] == pytest.approx(figure, abs=0.0055), (at, name)


def test_the_page_prints_them(ours: pd.DataFrame, shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nafta, "computed", lambda _: ours)
    made = nafta.table(shared_data).markdown()
    assert without_rounding_errors(made) == without_rounding_errors(printed("nafta"))


def test_exact_welfare(ours: pd.DataFrame) -> None:
    for member, exact in EXACT.items():
        assert ours.loc[("balanced", member), "exact"] == pytest.approx(exact, abs=0.0005)
    assert ours["residual"].max() < 1.5e-12


def test_small_steps_of_the_first_order_measure_converge_to_the_exact_one(
    raw: xr.Dataset, tariffs: xr.DataArray, economy: ree.Economy, ours: pd.DataFrame
) -> None:
    """Summed over K small steps the accounting is an integral: its error falls like 1/K."""
    old = raw.tariff
    exact = 100 * np.log1p(float(ours.loc[("balanced", "MEX"), "exact"]) / 100)
    # Mexico's gap is large enough to see the rate; the others are within rounding of it already.
    errors = [abs(float(ours.loc[("balanced", "MEX"), "welfare_first_order"]) - exact)]
    for steps in (2, 4):
        current, total = economy, 0.0
        for k in range(1, steps + 1):
            tariff = old + (tariffs - old) * k / steps
            result = ree.solve(current, ree.Scenario(tariff=tariff), ree.Parameters())
            total += float(result.welfare_first_order.sel(country="MEX"))
            moved = current.ds.assign(trade_share=result.trade_share, expenditure=result.expenditure, tariff=tariff)
            current = ree.Economy(moved)
        errors.append(abs(total - exact))
    assert errors[1] < 0.65 * errors[0]
    assert errors[2] == pytest.approx(errors[1] / 2, rel=0.2)


def test_what_is_missing_or_broken_is_said(shared_data: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--data"):
        nafta.world(tmp_path)
    whole = dict(np.load(shared_data / "cp2015.npz", allow_pickle=False))
    del whole["tariff_nafta_cf"]
    np.savez(tmp_path / "cp2015.npz", **whole)
    with pytest.raises(InputError, match="tariff_nafta_cf"):
        nafta.tariffs(tmp_path, nafta.world(tmp_path))
