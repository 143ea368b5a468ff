"""Several scenarios, their transitions, and what drives uncertainty, in the report of a reloaded run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import reestim as ree
from reestim.cli import printing
from reestim.reports.sections import all_sections, all_tables
from reestim.results.format import with_interval
from tests.interface.conftest import USERS, with_everything
from tests.interface.test_report import Page


@pytest.fixture(scope="module")
def rich(fake_run: xr.DataTree) -> xr.DataTree:
    return with_everything(fake_run.copy(deep=True))


@pytest.fixture(scope="module")
def tables(rich: xr.DataTree) -> dict[str, pd.DataFrame]:
    return all_tables(rich)


@pytest.fixture(scope="module")
def folder(rich: xr.DataTree, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("scenarios")
    ree.save(rich, place / "run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("reestim.reports.section.image", lambda *_: b"")
        return ree.report(ree.load(place / "run"), place / "report").parent


def test_sections_of_a_run_with_everything(folder: Path) -> None:
    page = Page((folder / "report.html").read_text(encoding="utf-8"))
    targets = {attrs["id"] for _, attrs in page.tags if "id" in attrs}
    assert {"welfare", "scenarios", "transition", "uncertainty", "elasticities", "sampler", "solver"} <= targets
    names = {p.stem for p in (folder / "figures").glob("*.svg")}
    assert {"scenario_differences", "welfare_path-ban-heavy", "exports_path-china-quota-2010"} <= names
    assert "welfare_variance-ban-heavy" in names
    both = {p.name for p in (folder / "tables").iterdir()}
    assert {name.replace(".csv", ".tex") for name in both} == {name for name in both if name.endswith(".tex")}
    words = " ".join(page.words.split())
    assert "against china-quota-2010, draw by draw" in words
    assert "ban <heavy>" in words
    assert "Rests on synthetic inputs: patent_labels.csv." in words


def test_differences_of_scenarios_are_those_of_the_same_draws(
    rich: xr.DataTree, tables: dict[str, pd.DataFrame]
) -> None:
    table = tables["scenario_differences"].set_index(["scenario", "country", "technology"])
    row = table.loc[("ban <heavy>", "JPN", "fixed")]
    both = ree.scenario_difference(rich, "ban <heavy>", "china-quota-2010")["welfare"]
    draws = 100 * np.expm1(both.sel(technology="fixed", country="JPN"))
    assert row["median_percent"] == pytest.approx(float(draws.median()))
    assert row["probability_lower"] == pytest.approx(float((draws < 0).mean()))
    world = tables["scenarios"].set_index(["scenario", "technology"]).loc[("china-quota-2010", "fixed")]
    worth = np.asarray(ree.Economy(rich["economy"].to_dataset()).baseline.income)
    change = np.expm1(rich["counterfactual"]["welfare"].sel(scenario="china-quota-2010", technology="fixed"))
    assert world["median_money"] == pytest.approx(float((change * worth).sum("country").median()))
    assert world["losers"] == 2
    assert world["gainers"] == 1
    assert world["lowest"] == "JPN"


def test_paths_are_summarised_year_by_year(rich: xr.DataTree, tables: dict[str, pd.DataFrame]) -> None:
    table = tables["welfare_path"].set_index(["scenario", "country", "year"])
    ds = rich["counterfactual"].to_dataset()
    one = ds.sel(scenario="ban <heavy>", country="JPN", year=2012)
    draws = 100 * np.expm1(one["welfare_path"].where(one["solved_path"]))
    row = table.loc[("ban <heavy>", "JPN", 2012)]
    assert row["high_percent"] == pytest.approx(float(draws.quantile(0.95)))
    assert row["solved"] == 79
    quota = tables["quota_path"].set_index(["scenario", "year"])
    assert quota.loc[("china-quota-2010", 2010), "probability_binds"] == 1
    assert quota.loc[("china-quota-2010", 2012), "probability_binds"] == 0
    assert quota.loc[("china-quota-2010", 2010), "median_rent"] == pytest.approx(5.0)
    assert set(tables["exports_path"]["sector"]) == set(USERS)


def test_the_terminal_prints_every_year_of_a_transition(
    rich: xr.DataTree, tables: dict[str, pd.DataFrame], capsys: pytest.CaptureFixture[str]
) -> None:
    printing.print_result(rich)
    out = capsys.readouterr().out
    start = out.index("ban <heavy>, year by year: welfare in per cent, below it million US$")
    shown = out[start : out.index("rents of its quotas", start)]
    assert [year in shown for year in ("2010", "2011", "2012")] == [True] * 3
    for row in tables["welfare_path"].query("scenario == 'ban <heavy>' and country == 'JPN'").to_dict("records"):
        assert with_interval(row["median_money"], row["low_money"], row["high_money"]) in shown
    rents = out[out.index("china-quota-2010: rents of its quotas") :]
    assert rents.index("2010") < rents.index("100 %") < rents.index("2012")


def test_shares_of_variance_and_what_counts_as_known(rich: xr.DataTree, tables: dict[str, pd.DataFrame]) -> None:
    table = tables["welfare_variance"]
    keys = ["scenario", "technology", "country"]
    np.testing.assert_allclose(table.groupby(keys)["share"].sum(), 1.0)
    said = _said_of_uncertainty(rich, tables)
    assert "Exact equilibria at 40 of 80 draws" in said
    assert (
        "With fixed technology the largest shares, mean over countries, are those of σ 70 %, use of elements 30 %"
        in said
    )
    assert "Drawn with their stated errors: use of elements. Taken as known: sectors of use, countries" in said
    without = rich.filter(lambda node: node.name != "inputs")
    assert "The data are taken as known: no share below is theirs." in _said_of_uncertainty(without, tables)


def test_what_to_measure_next_is_listed_by_what_it_is_worth(rich: xr.DataTree, tables: dict[str, pd.DataFrame]) -> None:
    table = tables["evppi"]
    assert (table["reduction_points"] <= table["band_points"]).all()
    assert not table["beyond_chance"].any(), "welfare of the made-up run follows from nothing"
    section = next(s for s in all_sections_undrawn(rich, tables) if s.id == "information")
    assert not [b for b in section.blocks if b.kind == "table"]
    clear = tables | {"evppi": table.assign(beyond_chance=table["component"] != "kappa")}
    section = next(s for s in all_sections_undrawn(rich, clear) if s.id == "information")
    block = next(b for b in section.blocks if b.kind == "table")
    worth = [float(row[1].removesuffix(" %")) for row in block.rows if row[0].endswith(", fixed")]
    assert worth == sorted(worth, reverse=True)
    assert any(row[0].startswith("σ[") for row in block.rows)
    assert not any(row[0].startswith("κ,") for row in block.rows)


def _said_of_uncertainty(post: xr.DataTree, tables: dict[str, pd.DataFrame]) -> str:
    section = next(s for s in all_sections_undrawn(post, tables) if s.id == "uncertainty")
    return " ".join(line for block in section.blocks if block.kind == "notes" for line in block.lines)


def test_a_shock_too_large_for_first_order_accounting_is_not_split(post: xr.DataTree) -> None:
    ds = post["counterfactual"].to_dataset()
    post["counterfactual"] = xr.DataTree(ds.assign(terms_of_trade=1e4 * ds["terms_of_trade"]))
    section = next(s for s in all_sections_undrawn(post, all_tables(post)) if s.id == "welfare")
    assert "welfare_parts" not in [getattr(block, "name", "") for block in section.blocks]
    assert any("too large for first-order accounting" in b.lines[0] for b in section.blocks if b.kind == "notes")


def all_sections_undrawn(post: xr.DataTree, tables: dict[str, pd.DataFrame]) -> list:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("reestim.reports.section.image", lambda *_: b"")
        return all_sections(post, tables)
