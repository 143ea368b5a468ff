"""``reestim tfp`` and the section of the report on growth accounting."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
import typer.testing
import xarray as xr

import reestim as ree
from reestim.cli.app import app
from tests.economics.test_productivity import accounts


@pytest.fixture
def file(tmp_path: Path) -> Path:
    accounts(1).to_csv(tmp_path / "growth_accounts.csv", index=False)
    return tmp_path / "growth_accounts.csv"


def reestim(*arguments: object) -> typer.testing.Result:
    return typer.testing.CliRunner().invoke(app, ["tfp", *map(str, arguments)])


def test_table_and_files(file: Path, tmp_path: Path) -> None:
    said = reestim(file, "--out", tmp_path / "tfp.csv", "--outcomes", tmp_path / "outcomes.csv")
    assert said.exit_code == 0, said.output
    assert "2000-2005" in said.output
    table = pd.read_csv(tmp_path / "tfp.csv")
    parts = [name for name in table.columns if name.endswith("_contribution")]
    assert len(parts) == 4
    gap = table[[*parts, "tfp_growth"]].sum(axis=1, skipna=False) - table["output_growth"]
    assert gap.abs().max() < 1e-14
    assert set(pd.read_csv(tmp_path / "outcomes.csv")["outcome"]) == {"tfp"}
    rows = json.loads(reestim(file, "--json").output)["rows"]
    assert len(rows) == len(table)


def test_bad_accounts_give_one_list_and_no_file(file: Path, tmp_path: Path) -> None:
    table = pd.read_csv(file)
    table.loc[2, "labor_share"] = -0.5
    table.loc[4, "output"] = 0.0
    table.to_csv(file, index=False)
    said = reestim(file, "--out", tmp_path / "tfp.csv")
    assert said.exit_code == 1
    assert "row 4, column 'labor_share'" in said.output
    assert "row 6, column 'output'" in said.output
    assert reestim(tmp_path / "no").exit_code == 1
    assert reestim("simulated-2010").exit_code == 1  # the bundled dataset holds no growth accounts
    assert [p.name for p in tmp_path.iterdir()] == ["growth_accounts.csv"]


def test_intermediates_that_hold_the_rare_earths(file: Path, tmp_path: Path) -> None:
    table = pd.read_csv(file).assign(intermediates_share=lambda t: t["intermediates_share"] + t["ree_share"])
    table.to_csv(file, index=False)
    refused = reestim(file)
    assert refused.exit_code == 1
    assert "rare earths count apart" in refused.output
    assert reestim(file, "--ree-within").exit_code == 0


def test_the_report_shows_it(fake_run: xr.DataTree, tmp_path: Path) -> None:
    run = fake_run.copy()
    run["growth_accounting"] = xr.DataTree(ree.growth_accounting(accounts(1)))
    page = ree.report(run, tmp_path / "report").read_text(encoding="utf-8")
    assert 'id="productivity"' in page
    shown = pd.read_csv(tmp_path / "report" / "tables" / "productivity.csv")
    assert len(shown) == 3
    parts = shown.filter(like="_contribution").sum(axis=1) + shown["tfp_growth"]
    assert (parts - shown["output_growth"]).abs().max() < 1e-14
