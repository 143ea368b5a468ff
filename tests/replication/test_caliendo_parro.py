"""NAFTA in Caliendo and Parro (2015), Table 2 with balanced trade: model.md section 5, item 6."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import reestim as ree
from reestim.errors import InputError
from tests.replication.cp2015 import bilateral

#: Canada, Mexico, United States, per cent: as printed, and the exact change of real income in the same equilibrium.
MEMBERS = ["Canada", "Mexico", "USA"]
PRINTED = {
    "terms_of_trade": [-0.11, -0.41, 0.04],
    "volume_of_trade": [0.04, 1.72, 0.04],
    "welfare_first_order": [-0.06, 1.31, 0.08],
}
EXACT = [-0.110, 0.007, 0.074]


@pytest.fixture(scope="module")
def nafta(archive: dict[str, np.ndarray], economy: ree.Economy) -> xr.Dataset:
    scenario = ree.Scenario(name="NAFTA", tariff=bilateral(archive, archive["tariff_nafta_cf"]))
    members = [economy.countries[i] for i in archive["nafta_idx"]]
    return ree.solve(economy, scenario, ree.Parameters()).sel(country=sorted(members))


def test_the_data_are_not_an_equilibrium_and_say_so(raw: xr.Dataset) -> None:
    with pytest.raises(InputError, match="final demand is not negative"):
        ree.Economy(raw)
    with pytest.raises(InputError, match="rebased"):
        ree.solve(ree.Economy(raw, allow_imbalance=True), ree.Scenario(), ree.Parameters())


def test_published_first_order_measure(nafta: xr.Dataset) -> None:
    for name, printed in PRINTED.items():
        np.testing.assert_allclose(nafta[name], printed, atol=0.0055, err_msg=name)


def test_exact_welfare(nafta: xr.Dataset) -> None:
    np.testing.assert_allclose(100 * nafta.welfare, EXACT, atol=0.0005)
    assert float(nafta.residual) < 1e-10


def test_small_steps_of_the_first_order_measure_converge_to_the_exact_one(
    archive: dict[str, np.ndarray], economy: ree.Economy, nafta: xr.Dataset
) -> None:
    """Summed over K small steps the accounting is an integral: its error falls like 1/K."""
    old, new = archive["tariff_1993"], archive["tariff_nafta_cf"]
    errors = []
    for steps in (2, 4):
        current, total = economy, 0.0
        for k in range(1, steps + 1):
            tariff = bilateral(archive, old + (new - old) * k / steps)
            result = ree.solve(current, ree.Scenario(tariff=tariff), ree.Parameters())
            total = total + result.welfare_first_order
            moved = current.ds.assign(trade_share=result.trade_share, expenditure=result.expenditure, tariff=tariff)
            current = ree.Economy(moved)
        errors.append(np.abs(total.sel(country=nafta.country) - 100 * nafta.welfare).values)
    # Mexico's gap is large enough to see the rate; the others are within rounding of it already.
    mexico = list(nafta.country.values).index("Mexico")
    first = abs(PRINTED["welfare_first_order"][1] - EXACT[1])
    assert errors[0][mexico] < 0.65 * first
    assert errors[1][mexico] == pytest.approx(errors[0][mexico] / 2, rel=0.2)
