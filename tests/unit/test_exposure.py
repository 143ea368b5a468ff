"""Direct and total exposure against a Leontief inverse written out by hand, and its sum rules."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import xarray as xr

from reestim.supply_chain.exposure import exposure, primary_shares, purchases
from reestim.supply_chain.ree_rows import ree_input_output
from tests.unit.supply_world import tiny_world


@pytest.fixture(scope="module")
def io() -> xr.Dataset:
    return ree_input_output(tiny_world())


def two_by_two() -> xr.Dataset:
    """Two countries, two goods, one element; round numbers, no taxes."""
    country, sector = ["A", "B"], ["metal", "motor", "Nd"]
    trade = np.zeros((2, 2, 3))
    trade[0, :, 0], trade[1, :, 0] = (0.8, 0.2), (0.1, 0.9)
    trade[0, :, 1], trade[1, :, 1] = (0.5, 0.5), (0.3, 0.7)
    trade[:, 0, 2] = 1.0
    inputs = np.zeros((2, 3, 3))
    inputs[0, 0, :2], inputs[0, 1, :2] = (0.2, 0.3), (0.1, 0.0)
    inputs[1, 0, :2], inputs[1, 1, :2] = (0.1, 0.4), (0.0, 0.2)
    theta = np.array([[0.00, 0.10, 0.0], [0.05, 0.02, 0.0]])
    mix = np.zeros((2, 1, 3))
    mix[:, 0, :2] = theta[:, :2] > 0
    coords = {"country": country, "importer": country, "exporter": country, "sector": sector, "input": sector}
    return xr.Dataset(
        {
            "trade_share": (("importer", "exporter", "sector"), trade),
            "tariff": (("importer", "exporter", "sector"), np.zeros_like(trade)),
            "export_tax": (("importer", "exporter", "sector"), np.zeros_like(trade)),
            "input_share": (("country", "input", "sector"), inputs),
            "factor_share": (("country", "factor", "sector"), 1.0 - inputs.sum(1, keepdims=True)),
            "ree_share": (("country", "sector"), theta),
            "element_share": (("country", "element", "sector"), mix),
        },
        coords=coords | {"factor": ["labor"], "element": ["Nd"]},
    )


def test_total_is_the_leontief_inverse_by_hand() -> None:
    io = two_by_two()
    cells = list(product(io.country.values, io.sector.values))
    coefficient = np.zeros((6, 6))
    for (row, (i, k)), (column, (n, s)) in product(enumerate(cells), enumerate(cells)):
        other = 1 - float(io.ree_share.sel(country=n, sector=s))
        share = float(io.input_share.sel(country=n, input=k, sector=s))
        coefficient[row, column] = other * share * float(io.trade_share.sel(importer=n, exporter=i, sector=k))
    by_hand = io.ree_share.values.ravel() @ np.linalg.inv(np.eye(6) - coefficient)
    result = exposure(io)
    np.testing.assert_allclose(result.total.values.ravel(), by_hand, rtol=1e-12)
    np.testing.assert_allclose(purchases(io), coefficient, rtol=1e-12)
    # the metal of A holds rare earths only through motors: 0.1 bought, half of them from each country, and so on
    assert (
        float(result.total.sel(country="A", sector="metal"))
        > 0
        == float(result.direct.sel(country="A", sector="metal"))
    )


def test_what_is_not_rare_earths_is_factors_or_taxes(io: xr.Dataset) -> None:
    """Every dollar of cost ends with an element, a factor or a treasury: the three contents sum to 1."""
    bought = purchases(io)
    size = len(bought)
    paid = ((1 - io.ree_share) * io.input_share.sum("input")).transpose("country", "sector").values.ravel()
    leak = paid - bought.sum(0)  # border taxes
    assert leak.max() > 1e-4
    ends = primary_shares(io).values.ravel() + leak
    rest = np.linalg.solve(np.eye(size) - bought.T, ends)
    np.testing.assert_allclose(exposure(io).total.values.ravel() + rest, 1.0, rtol=1e-12)


def test_total_is_the_sum_of_all_rounds_and_of_the_elements(io: xr.Dataset) -> None:
    result, bought = exposure(io), purchases(io)
    here = round_ = io.ree_share.values.ravel()
    for _ in range(200):
        round_ = round_ @ bought
        here = here + round_
    np.testing.assert_allclose(result.total.values.ravel(), here, rtol=1e-12)
    for kind in ("direct", "total"):
        xr.testing.assert_allclose(result[f"{kind}_by_element"].sum("element"), result[kind], rtol=1e-12)
    assert bool((result.total >= result.direct).all())


def test_without_intermediate_inputs_total_is_direct() -> None:
    io = two_by_two()
    io["input_share"] = io.input_share * 0.0
    result = exposure(io)
    np.testing.assert_allclose(result.total, result.direct, rtol=1e-15)
