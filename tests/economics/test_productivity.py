"""Growth accounting: identities, cases done by hand, known technologies, and accounts that cannot be used."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reestim as ree
from reestim.data.dataset import check_dataset
from reestim.errors import InputError
from reestim.evidence.productivity import as_table, outcome_rows, without_ree, write_results
from tests.unit.spoiled_folder import Folder
from tests.unit.test_dataset_problems import folder  # noqa: F401  (a copy of the bundled dataset)

INPUTS = ("labor", "capital", "intermediates", "ree")


def accounts(seed: int = 1, series: int = 3, years: int = 6, ree_share: float = 0.02) -> pd.DataFrame:
    """Random accounts with rare earths; shares sum to 1."""
    rng = np.random.default_rng(seed)
    rows = []
    for k in range(series):
        volume = np.exp(np.cumsum(rng.normal(0.02, 0.2, (years, 5)), axis=0))
        share = rng.dirichlet([6, 3, 8], years) * (1 - ree_share)
        for t in range(years):
            rows.append([f"C{k % 2}", f"s{k}", 2000 + t, *volume[t], *share[t], ree_share])
    names = ["country", "sector", "year", "output", *INPUTS, *(f"{name}_share" for name in INPUTS)]
    return pd.DataFrame(rows, columns=names)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), series=st.integers(1, 4), years=st.integers(2, 8), share=st.floats(1e-9, 0.5))
def test_output_growth_is_the_sum_of_contributions_and_tfp(seed: int, series: int, years: int, share: float) -> None:
    table = accounts(seed, series, years, share)
    ds = ree.growth_accounting(table)
    total = ds.contribution.sum("production_input", skipna=False) + ds.tfp_growth
    np.testing.assert_allclose(total, ds.output_growth, rtol=0, atol=1e-14)
    for (country, sector), rows in table.groupby(["country", "sector"]):
        raw = np.diff(np.log(rows["output"]))
        ours = ds.output_growth.sel(country=country, sector=sector).values
        np.testing.assert_allclose(ours[1:], raw, atol=1e-14)
        chained = np.exp(np.cumsum(ds.tfp_growth.sel(country=country, sector=sector).values[1:]))
        np.testing.assert_allclose(ds.tfp.sel(country=country, sector=sector)[1:], chained, rtol=1e-13)


def test_a_case_done_by_hand() -> None:
    """Output +10 %, labour +5 %, capital +2 %, intermediates +8 %, rare earths -50 %, shares moving."""
    table = pd.DataFrame(
        {
            "country": "JPN",
            "sector": "c14",
            "year": [2010, 2011],
            "output": [100.0, 110.0],
            "labor": [100.0, 105.0],
            "capital": [100.0, 102.0],
            "intermediates": [100.0, 108.0],
            "ree": [200.0, 100.0],
            "labor_share": [0.30, 0.28],
            "capital_share": [0.20, 0.20],
            "intermediates_share": [0.49, 0.50],
            "ree_share": [0.01, 0.02],
        }
    )
    ds = ree.growth_accounting(table).sel(country="JPN", sector="c14", year=2011)
    by_hand = {"labor": 0.014149, "capital": 0.003961, "intermediates": 0.038096, "ree": -0.010397}
    for name, value in by_hand.items():
        assert float(ds.contribution.sel(production_input=name)) == pytest.approx(value, abs=1e-6)
    assert float(ds.tfp_growth) == pytest.approx(0.095310 - sum(by_hand.values()), abs=2e-6)
    assert float(ds.tfp) == pytest.approx(np.exp(0.049502), abs=1e-5)


def test_tfp_of_a_known_technology_is_found_again() -> None:
    """Cobb-Douglas with constant shares: the Törnqvist index is exact, whatever the prices do."""
    table = accounts(3)
    share = {"labor": 0.3, "capital": 0.25, "intermediates": 0.44, "ree": 0.01}
    tfp = np.exp(0.03 * (table["year"] - 2000))
    table = table.assign(**{f"{k}_share": v for k, v in share.items()})
    table["output"] = tfp * np.prod([table[k] ** v for k, v in share.items()], axis=0)
    ds = ree.growth_accounting(table)
    np.testing.assert_allclose(ds.tfp_growth.to_series().dropna(), 0.03, atol=1e-14)


def test_same_inputs_and_more_output_is_all_tfp_and_units_do_not_matter() -> None:
    table = accounts(4)
    for name in INPUTS:
        table[name] = 7.0
    ds = ree.growth_accounting(table)
    np.testing.assert_array_equal(ds.tfp_growth, ds.output_growth)
    scaled = accounts(5)
    scaled[["output", *INPUTS]] *= [3.0, 10.0, 0.1, 55.0, 2000.0]
    one, two = ree.growth_accounting(accounts(5)), ree.growth_accounting(scaled)
    np.testing.assert_allclose(one.tfp_growth, two.tfp_growth, atol=1e-14)


def test_rare_earths_taken_out_of_intermediates_leave_tfp_as_it_was() -> None:
    whole = accounts(6)
    whole["intermediates_share"] += whole["ree_share"]
    together = ree.growth_accounting(whole.drop(columns=["ree", "ree_share"]))
    apart = ree.growth_accounting(without_ree(whole))
    np.testing.assert_allclose(apart.tfp_growth, together.tfp_growth, atol=1e-14)
    both = apart.contribution.sel(production_input=["intermediates", "ree"]).sum("production_input", skipna=False)
    np.testing.assert_allclose(both, together.contribution.sel(production_input="intermediates"), atol=1e-14)
    with pytest.raises(InputError, match="no rare earths to take apart"):
        without_ree(whole.drop(columns="ree"))


def test_series_of_other_lengths_and_without_rare_earths_stay_apart() -> None:
    table = accounts(7)
    table.loc[table["sector"] == "s1", ["ree", "ree_share"]] = np.nan
    table.loc[table["sector"] == "s1", "labor_share"] += 0.02
    table = table[(table["sector"] != "s2") | (table["year"] > 2002)]
    ds = ree.growth_accounting(table)
    s1 = ds.sel(country="C1", sector="s1")
    assert float(s1.contribution.sel(production_input="ree", year=2001)) == 0.0
    assert np.isnan(ds.tfp.sel(country="C1", sector="s0")).all()
    assert float(ds.tfp.sel(country="C0", sector="s2", year=2003)) == 1.0
    assert np.isnan(ds.tfp.sel(country="C0", sector="s2", year=2002))
    rows = outcome_rows(ds)
    assert len(rows) == len(table)
    assert list(rows.columns) == ["country", "sector", "year", "outcome", "value"]
    assert len(as_table(ds)) == len(table)


SPOILT = [
    ("labor_share", 3, -0.2, "a cost share is negative"),
    ("labor_share", 3, 0.9, "the cost shares do not sum to 1"),
    ("output", 2, 0.0, "a volume is not above 0"),
    ("ree", 4, np.nan, "rare earths have a share, no volume"),
    ("ree_share", 4, np.nan, "rare earths have a volume but no share"),
    ("year", 5, 2009, "years are missing: 2005, 2006, 2007, 2008"),
    ("year", 5, 2004, "the key is repeated"),
]


@pytest.mark.parametrize(("column", "row", "value", "said"), SPOILT)
def test_accounts_that_cannot_be_used_are_named(column: str, row: int, value: float, said: str) -> None:
    table = accounts(8)
    table.loc[row, column] = value
    with pytest.raises(InputError, match=said):
        ree.growth_accounting(table)
    one_year = accounts(8).drop(index=range(7, 12))
    with pytest.raises(InputError, match="one year only"):
        ree.growth_accounting(one_year)


def test_a_dataset_with_growth_accounts_is_checked(folder: Folder) -> None:  # noqa: F811
    table = accounts(9).assign(sector="machinery", country=lambda t: np.where(t["country"] == "C0", "JPN", "USA"))
    table = table.drop_duplicates(["country", "sector", "year"])
    path = folder.path / "growth_accounts.csv"
    table.to_csv(path, index=False)
    assert check_dataset(folder.path) == []
    assert set(ree.growth_accounting(ree.load_dataset(folder.path)["growth_accounts"]).country.values) == {"JPN", "USA"}
    bad = table.copy()
    bad.loc[1, "labor_share"] += 0.1
    bad.loc[2, "capital"] = -1.0
    bad[bad["year"] != 2003].to_csv(path, index=False)
    lines = [(p.row, p.message) for p in check_dataset(folder.path)]
    assert (4, "a volume index must be above 0") in lines
    assert any("years are missing: 2003" in message for _, message in lines)
    assert len(lines) == 2  # the series with the bad cell says nothing more until the cell is right


def test_results_go_to_files_and_other_outcomes_stay(tmp_path: Path) -> None:
    ds = ree.growth_accounting(accounts(10))
    outcomes = tmp_path / "outcomes.csv"
    outcomes.write_text("country,sector,year,outcome,value\nC0,s0,2000,exports,12.50\n", encoding="utf-8")
    write_results(ds, tmp_path / "tfp.csv", outcomes)
    lines = outcomes.read_text().splitlines()
    assert lines[1] == "C0,s0,2000,exports,12.50"
    assert lines[2].startswith("C0,s0,2000,tfp,1.0")
    before = outcomes.read_bytes()
    with pytest.raises(InputError, match=r"exists already(.|\n)*holds outcomes 'tfp' already"):
        write_results(ds, tmp_path / "tfp.csv", outcomes)
    assert outcomes.read_bytes() == before
    write_results(ds, tmp_path / "tfp.csv", outcomes, overwrite=True)
    assert outcomes.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["outcomes.csv", "tfp.csv"]
