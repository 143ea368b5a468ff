"""A dataset added up to own regions and sectors: accounts close, alike parts give the same welfare, and what cannot
be added up is named."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer.testing
import xarray as xr

import reestim as ree
from reestim.cli.app import app
from reestim.data.dataset import Dataset, check_dataset, load_dataset
from reestim.errors import InputError
from reestim.importers.aggregate import aggregate_dataset
from reestim.importers.bundle import write_csv
from reestim.importers.dataset_toml import write_meta
from reestim.importers.update import flows_of
from reestim.io.resources import REAL, SIMULATED
from reestim.supply_chain.accounts import accounts
from reestim.supply_chain.ree_rows import ree_input_output
from tests.conftest import PROJECT
from tests.unit.supply_world import Tables, tiny_world

PARTS = (0.3, 0.7)
#: Columns that are sums over countries and over sectors, by file; where none, both parts are as the whole.
ADDED = {"trade": "value", "input_output": "value", "value_added": "value", "element_output": "tonnes"}


def five_regions() -> str:
    """The mapping of the page."""
    page = (PROJECT / "docs" / "own-data.md").read_text(encoding="utf-8")
    found = re.search(r"<!-- example of five regions -->\n```csv\n(.*?)```", page, re.DOTALL)
    assert found
    return found[1]


def cut(table: pd.DataFrame, column: str, label: str, value: str | None) -> pd.DataFrame:
    """The rows of ``label`` put twice, ``value`` shared out; the second part is called ``label`` + b."""
    if column not in table:
        return table
    here = table[column] == label
    parts = [table[here], table[here].assign(**{column: f"{label}b"})]
    if value is not None:
        parts = [part.assign(**{value: part[value] * share}) for part, share in zip(parts, PARTS, strict=True)]
    return pd.concat([table[~here], *parts], ignore_index=True)


def split_country(tables: Tables, label: str) -> None:
    for stem in list(tables):
        for column in ("country", "importer", "exporter"):
            tables[stem] = cut(tables[stem], column, label, ADDED.get(stem))
    trade = tables["trade"]
    tables["trade"] = trade.sort_values("importer", kind="stable", key=lambda names: names.str.rstrip("b"))


def split_sector(tables: Tables, label: str) -> None:
    for stem in list(tables):
        value = ADDED.get(stem) or ("weight" if stem == "application_sector" else None)
        for column in ("sector", "input"):
            tables[stem] = cut(tables[stem], column, label, value)


def on_disk(folder: Path, edit: Callable[[Tables], object] | None = None) -> Dataset:
    """The tiny world as a folder."""
    data = tiny_world(edit)
    folder.mkdir()
    for stem, table in data.tables.items():
        write_csv(table.assign(source="read: test", verified=True), folder / f"{stem}.csv")
    write_meta(folder, data.meta.model_dump(exclude={"uncertainty", "truth"}))
    return load_dataset(folder)


def mapping(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def identity_gap(data: Dataset) -> float:
    """Largest gap between output and inputs with value added as they stand in the files, relative to output."""
    found = accounts(data)
    added = data["value_added"].groupby(["country", "sector"])["value"].sum()
    inputs = data["input_output"].groupby(["country", "sector"])["value"].sum()
    output = found.output.to_series()
    cost = inputs.reindex(output.index, fill_value=0) + added.reindex(output.index, fill_value=0)
    return float((cost / output - 1).abs().max())


def welfare(data: Dataset) -> xr.DataArray:
    economy = ree.Economy(ree_input_output(data))
    quota = ree.ExportQuota(exporter="CHN", elements=["Nd"], quantity_change=0.7)
    scenario = ree.Scenario("quota", policies=(quota,))
    parameters = ree.Parameters(sigma=0.5, kappa=1.0, spillover=0.5, element_elasticity=0.8)
    return ree.solve(economy, scenario, parameters)["welfare"]


@pytest.mark.parametrize(
    ("split", "text", "option"),
    [
        (
            lambda tables: split_country(tables, "USA"),
            "country,region\nUSAb,USA\nUSA,USA\nCHN,CHN\nJPN,JPN\n",
            "regions",
        ),
        pytest.param(
            lambda tables: split_sector(tables, "electronics"),
            "industry,sector\nelectronicsb,electronics\nelectronics,electronics\n"
            "chemicals,chemicals\nservices,services\n",
            "sectors",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_parts_that_are_alike_add_up_to_what_they_were(
    split: Callable[[Tables], object], text: str, option: str, tmp_path: Path
) -> None:
    whole, parts = on_disk(tmp_path / "whole"), on_disk(tmp_path / "parts", split)
    made = aggregate_dataset(tmp_path / "parts", tmp_path / "out", **{option: mapping(tmp_path / "map.csv", text)})
    again = load_dataset(made.folder)
    before, after = ree_input_output(whole), ree_input_output(again).reindex_like(ree_input_output(whole))
    for name in before:
        np.testing.assert_allclose(after[name], before[name], rtol=1e-12, atol=1e-14, err_msg=str(name))
    assert identity_gap(again) < 1e-9
    found, apart = welfare(again), welfare(parts)
    xr.testing.assert_allclose(
        found.sel(country=["CHN", "JPN", "USA"]), apart.sel(country=["CHN", "JPN", "USA"]), atol=1e-9
    )
    assert float(abs(found).max()) > 1e-5


def test_five_regions_of_the_bundled_set(tmp_path: Path) -> None:
    old = load_dataset(REAL)
    made = aggregate_dataset(REAL, tmp_path / "five", mapping(tmp_path / "five.csv", five_regions()))
    assert check_dataset(made.folder) == []
    new = load_dataset(made.folder)
    assert set(new.countries) == {"CHN", "JPN", "USA", "EUR", "ROW"}
    assert identity_gap(new) < 1e-9
    before, after = ree_input_output(old), ree_input_output(new)
    members = {"EUR": ["DEU", "REU"], "USA": ["USA"]}
    for region, countries in members.items():
        for name in ("expenditure", "element_supply", "element_tonnes"):
            over = ["element", "sector"] if name == "element_tonnes" else []
            total = before[name].sel(country=countries).sum(["country", *over])
            found = after[name].sel(country=region).sum(over)
            # RAS brings China to its exports over other cells: elements of the others shift a little among themselves
            np.testing.assert_allclose(found, total, rtol=1e-3, err_msg=f"{region} {name}")
    said = " ".join(made.notes)
    assert "exports of" in said
    assert "EUR" in said
    assert set(new["outcomes"].query("outcome == 'exports'")["country"]) == {"CHN", "JPN", "USA"}
    assert len(new["growth_accounts"]) == len(old["growth_accounts"])
    assert any("Added up from rare-earths-2010" in note and "EUR = DEU REU" in note for note in new.meta.notes)
    assert new["trade"].query("importer == 'JPN' and exporter == 'CHN'")["source"].str.startswith("read: WIOD").all()


def test_taxes_inside_a_region_go_and_those_at_its_border_keep_what_governments_receive(tmp_path: Path) -> None:
    old = on_disk(tmp_path / "old")
    made = aggregate_dataset(
        tmp_path / "old", tmp_path / "new", mapping(tmp_path / "m.csv", "country,region\nJPN,PAC\nUSA,PAC\nCHN,CHN\n")
    )
    new = load_dataset(made.folder)
    before, after = accounts(old), accounts(new)
    np.testing.assert_allclose(
        after.output.sel(country="PAC"), before.output.sel(country=["JPN", "USA"]).sum("country"), rtol=1e-12
    )

    def tariffs(found: object, importers: list[str]) -> float:
        trade = found.trade.sel(importer=importers, exporter="CHN", sector="chemicals")
        rate = found.tariff.sel(importer=importers, exporter="CHN", sector="chemicals")
        return float((trade * rate / (1 + rate)).sum())

    assert tariffs(after, ["PAC"]) == pytest.approx(tariffs(before, ["JPN", "USA"]), rel=1e-9)
    inside = before.trade.sel(importer="JPN", exporter="USA", sector="chemicals")
    flows = flows_of(old)
    k = flows.sectors.index("chemicals")
    intermediate = flows.inputs[1, k].sum() / flows.spending[1, k]
    freed = float(inside) * 0.1 / 1.1
    earned = after.value_added.sel(country="PAC").sum() - before.value_added.sel(country=["JPN", "USA"]).sum()
    assert float(earned) == pytest.approx(freed * intermediate, rel=1e-9)


def test_weights_are_those_of_what_is_added_up(tmp_path: Path) -> None:
    old = on_disk(tmp_path / "old")
    text = "industry,sector\nelectronics,made\nchemicals,made\nservices,services\n"
    new = load_dataset(
        aggregate_dataset(tmp_path / "old", tmp_path / "new", None, mapping(tmp_path / "s.csv", text)).folder
    )
    trade = old["trade"].query("importer != exporter").groupby("sector")["value"].sum()
    mean = (3.0 * trade["chemicals"] + 8.0 * trade["electronics"]) / (trade["chemicals"] + trade["electronics"])
    found = new["trade_elasticities"].set_index("sector")["trade_elasticity"]
    assert found["made"] == pytest.approx(mean, abs=1e-8)
    assert found["services"] == 5.0
    assert new.meta.host_sector == "made"
    assert new["application_sector"].groupby("application")["weight"].sum().to_dict() == pytest.approx(
        dict.fromkeys(("magnets", "polishing", "other"), 1.0)
    )
    before, after = ree_input_output(old), ree_input_output(new)
    cost = before["ree_share"].sel(country="JPN")
    output = accounts(old).output.sel(country="JPN", sector=["chemicals", "electronics"])
    mean = float((cost * output).sum() / output.sum())  # θ is a cost share: its weights are output
    assert float(after["ree_share"].sel(country="JPN", sector="made")) == pytest.approx(mean, rel=5e-3)


def test_patents_add_up_and_the_truth_behind_them_is_not_carried(tmp_path: Path) -> None:
    old = load_dataset(SIMULATED)
    sectors = "industry,sector\nmachinery,equipment\nelectrical_optical,equipment\n" + "".join(
        f"{name},{name}\n" for name in old.goods if name not in ("machinery", "electrical_optical")
    )
    made = aggregate_dataset(
        SIMULATED, tmp_path / "new", mapping(tmp_path / "r.csv", five_regions()), mapping(tmp_path / "s.csv", sectors)
    )
    new = load_dataset(made.folder)
    key = ["year", "label"]
    pd.testing.assert_series_equal(
        new["patent_labels"].query("country == 'EUR' and sector == 'equipment'").set_index(key)["count"].sort_index(),
        old["patent_labels"]
        .query("country in ['DEU', 'REU'] and sector in ['machinery', 'electrical_optical']")
        .groupby(key)["count"]
        .sum(),
        check_dtype=False,
    )
    pd.testing.assert_frame_equal(new["label_audit"][list(old["label_audit"])], old["label_audit"], check_dtype=False)
    assert new.meta.truth is None
    assert new.meta.synthetic == old.meta.synthetic
    assert any("tfp of" in note and "equipment" in note for note in made.notes)


def test_a_mapping_that_only_renames_changes_nothing_else(tmp_path: Path) -> None:
    old = on_disk(tmp_path / "old")
    names = "country,region\nJPN,Japan\nUSA,USA\nCHN,CHN\n"
    new = load_dataset(aggregate_dataset(tmp_path / "old", tmp_path / "new", mapping(tmp_path / "m.csv", names)).folder)
    before = ree_input_output(old)
    after = ree_input_output(new)
    for name in ("trade_share", "expenditure", "ree_share", "export_tax", "tariff"):
        np.testing.assert_allclose(after[name].values, before[name].values, rtol=1e-12, atol=1e-15, err_msg=name)
    assert new["policy"]["importer"].tolist() == ["*", "*", "Japan"]


def test_everything_wrong_with_a_mapping_is_said(tmp_path: Path) -> None:
    on_disk(tmp_path / "old")
    runner = typer.testing.CliRunner()
    asked = ["data", "aggregate", str(tmp_path / "old"), "--out", str(tmp_path / "new")]
    regions = mapping(tmp_path / "r.csv", "country,region\nJPN,Asia Pacific\nUSB,USA\nCHN,CHN\n")
    sectors = mapping(tmp_path / "s.csv", "industry,sector\nchemicals,Nd\nelectronics,b\nservices,b\n")
    result = runner.invoke(app, [*asked, "--mapping", str(regions), "--sectors", str(sectors)])
    assert result.exit_code == 1
    for words in ("USB", "USA", "the name of an element"):
        assert words in result.output
    assert not (tmp_path / "new").exists()
    with pytest.raises(InputError, match="no mapping is given"):
        aggregate_dataset(tmp_path / "old", tmp_path / "new")
    china = mapping(tmp_path / "c.csv", "country,region\nCHN,ASIA\nJPN,ASIA\nUSA,USA\n")
    with pytest.raises(InputError, match="China is not a region of its own"):
        aggregate_dataset(tmp_path / "old", tmp_path / "new", china)
    spaces = mapping(tmp_path / "p.csv", "country,region\nJPN,Asia Pacific\nUSA,all\nCHN,CHN\n")
    with pytest.raises(InputError, match="no name for a region") as error:
        aggregate_dataset(tmp_path / "old", tmp_path / "new", spaces)
    assert [problem.value for problem in error.value.problems] == ["Asia Pacific", "all"]
