"""The stylised world of 2008: exact identities, cited margins, and policy placed by label."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from reestim.data.identities import cube
from reestim.data.policy import policy_arrays
from reestim.dims import CAPITAL, LABOR
from reestim.errors import InputError
from reestim.importers.stylised_world import Marginals, read_marginals, world_tables
from reestim.io.resources import SIMULATED

#: Marginals are printed with four significant digits: half a unit of the fourth is at most 5e-4 of the figure.
ROUNDING = 5e-4


@pytest.fixture(scope="module")
def cited() -> Marginals:
    return read_marginals(SIMULATED / "sources")


@pytest.fixture(scope="module")
def arrays(cited: Marginals) -> dict[str, np.ndarray]:
    """The world as read back from the committed files."""
    countries, sectors = cited.countries, cited.sectors
    files = {stem: pd.read_csv(SIMULATED / f"{stem}.csv") for stem in ("trade", "input_output", "value_added")}
    return {
        "trade": cube(files["trade"], ("importer", "exporter", "sector"), (countries, countries, sectors)),
        "inputs": cube(files["input_output"], ("country", "input", "sector"), (countries, sectors, sectors)),
        "added": cube(files["value_added"], ("country", "factor", "sector"), (countries, (LABOR, CAPITAL), sectors)),
    }


def test_identities_hold_to_rounding_of_float64(arrays: dict[str, np.ndarray]) -> None:
    output = arrays["trade"].sum(axis=0)
    cost = arrays["inputs"].sum(axis=1) + arrays["added"].sum(axis=1)
    np.testing.assert_allclose(cost, output, rtol=1e-12)
    bought, used = arrays["trade"].sum(axis=1), arrays["inputs"].sum(axis=2)
    assert (bought - used > 0).all()
    income = (
        arrays["added"].sum(axis=(1, 2)) + bought.sum(axis=1) - output.sum(axis=1)
    )  # value added + imports - exports
    np.testing.assert_allclose((bought - used).sum(axis=1), income, rtol=1e-12)


def test_margins_are_the_cited_ones(arrays: dict[str, np.ndarray], cited: Marginals) -> None:
    trade = arrays["trade"]
    home = trade[np.arange(10), np.arange(10)]
    np.testing.assert_allclose(trade.sum(axis=0), cited.output, rtol=1e-12)
    np.testing.assert_allclose(trade.sum(axis=0) - home, cited.exports, rtol=1e-6, atol=0.01)
    np.testing.assert_allclose(trade.sum(axis=1) - home, cited.imports, rtol=ROUNDING, atol=0.01)
    np.testing.assert_allclose(arrays["added"].sum(axis=1), cited.value_added, rtol=1e-6)
    # Final demand is what is left of expenditure: it moves by the rounding of expenditure, not by its own.
    final = trade.sum(axis=1) - arrays["inputs"].sum(axis=2)
    assert (np.abs(final - cited.final_demand) <= ROUNDING * trade.sum(axis=1)).all()
    np.testing.assert_allclose(final.sum(), cited.final_demand.sum(), rtol=ROUNDING)


def test_labour_gets_two_thirds_and_zero_exports_stay_zero(arrays: dict[str, np.ndarray], cited: Marginals) -> None:
    added = arrays["added"]
    np.testing.assert_allclose(added[:, 0], 2 / 3 * added.sum(axis=1), atol=0.001)
    foreign = arrays["trade"] * (1 - np.eye(10))[:, :, None]
    assert (foreign.sum(axis=0)[cited.exports == 0] == 0).all()
    assert (cited.exports == 0).any()


def test_trade_keeps_the_pattern_of_total_goods_trade(arrays: dict[str, np.ndarray], cited: Marginals) -> None:
    """RAS keeps cross ratios of its seed: within a sector, relative bilateral trade is that of all goods."""
    flows, pattern = arrays["trade"][:, :, cited.sectors.index("machinery")].T, cited.pattern
    for i, j, n, m in ((0, 1, 4, 5), (2, 5, 6, 8), (3, 9, 0, 4)):
        ours = flows[i, n] * flows[j, m] / (flows[i, m] * flows[j, n])
        theirs = pattern[i, n] * pattern[j, m] / (pattern[i, m] * pattern[j, n])
        assert ours == pytest.approx(theirs, rel=1e-5)


def test_marginals_that_cannot_be_met_are_refused(cited: Marginals) -> None:
    taiwan, agriculture = cited.countries.index("TWN"), 0
    exports, added = cited.exports.copy(), cited.value_added.copy()
    exports[taiwan, agriculture] *= 1e3
    with pytest.raises(InputError, match="'TWN, agriculture': exports exceed output"):
        world_tables(dataclasses.replace(cited, exports=exports))
    added[taiwan] *= 10
    with pytest.raises(InputError, match=r"\(20 problems\)(.|\n)*value added exceeds output"):
        world_tables(dataclasses.replace(cited, value_added=added))


def test_tables_have_no_zero_cells_and_whole_thousands_of_dollars(cited: Marginals) -> None:
    for table in world_tables(cited).values():
        assert (table["value"] > 0).all()
        np.testing.assert_allclose(table["value"] * 1000, np.rint(table["value"] * 1000), rtol=1e-12)


def test_policy_stars_mean_all_others_and_the_fuller_name_wins() -> None:
    rows = [
        ("*", "CHN", "Nd", 0.0, 0.31),
        ("USA", "CHN", "Nd", 0.02, 0.0),
        ("USA", "*", "steel", 0.25, 0.0),
        ("*", "CHN", "steel", 0.0, 0.1),
    ]
    policy = pd.DataFrame(rows, columns=["importer", "exporter", "sector", "tariff", "export_tax"])
    for shuffled in (policy, policy.iloc[::-1]):
        tariff, export_tax = policy_arrays(shuffled, ("CHN", "USA", "JPN"), ("steel", "Nd"))
        assert export_tax[:, 0, 1].tolist() == [0.0, 0.0, 0.31]  # not on itself; the pair named in full wins
        assert tariff[1, 0, 1] == 0.02
        assert tariff[:, :, 0].tolist() == [[0, 0, 0], [0.25, 0, 0.25], [0, 0, 0]]
        assert export_tax[:, 0, 0].tolist() == [0.0, 0.1, 0.1]  # China's tax meets the American tariff
        assert export_tax[:, 1:, :].sum() == 0
