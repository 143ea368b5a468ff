"""Datasets built from a world table: complete, checked, never half-written; and the real world of 2008."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from reestim.data.dataset import check_dataset, load_dataset
from reestim.errors import InputError
from reestim.importers import build
from reestim.importers.sources import wiod
from reestim.supply_chain.exposure import exposure
from reestim.supply_chain.ree_rows import ree_input_output
from tests.unit.wiod_files import YEARS, write_years

MAPPING = "country,region\nCHN,CHN\nJPN,JPN\nUSA,ROW\nRoW,ROW\n"


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_years(tmp_path_factory.mktemp("wiod"))


@pytest.fixture(scope="module")
def built(tables: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build.build_from_tables(tables, 2008, tmp_path_factory.mktemp("out") / "world", "full", seed=7)


def test_the_dataset_is_sound_and_says_what_is_simulated(built: Path) -> None:
    assert check_dataset(built) == []
    data = load_dataset(built)
    assert data.countries == ("CHN", "JPN", "USA", "ROW")
    assert data.goods == tuple(f"c{k}" for k in range(1, 36))
    assert data.meta.synthetic == ["label_audit.csv", "patent_labels.csv"]
    assert data.meta.truth is not None
    assert "sigma" in data.meta.truth
    notes = " ".join(data.meta.notes)
    for said in (
        "simulated",
        "World Input-Output Database",
        "negative final uses",
        "c14 electrical and optical",
        "RoW",
    ):
        assert said in notes, said
    assert sorted(p.name for p in built.parent.iterdir()) == ["world"]


def test_the_economy_is_that_of_the_tables(built: Path, tables: Path) -> None:
    table = wiod.read_table(tables, 2008)
    io = ree_input_output(load_dataset(built))
    spent = io.expenditure.sel(sector=[s for s in io.sector.values if s.startswith("c") and s != "c9"])
    raw = table.trade.sum(0).T[:, [k for k, i in enumerate(table.industries) if i != "c9"]]
    np.testing.assert_allclose(spent, raw, rtol=1e-9)
    mined = io.element_supply.sum("element")
    assert float(mined.sel(country="CHN") / mined.sum()) > 0.9
    assert float(mined.sel(country="ROW")) > 0  # India and Russia are in the rest of these small tables


def test_exports_are_real_and_of_all_years(built: Path, tables: Path) -> None:
    panel = load_dataset(built)["outcomes"]
    assert set(panel["outcome"]) == {"exports"}
    assert set(panel["year"]) == set(YEARS)
    table = wiod.read_table(tables, 2010)
    cell = panel[(panel["country"] == "JPN") & (panel["sector"] == "c14") & (panel["year"] == 2010)]
    by_hand = sum(table.trade[1, 13, n] for n in (0, 2, 3))
    assert float(cell["value"].iloc[0]) == pytest.approx(by_hand)
    idle = (panel["country"] == "CHN") & (panel["sector"] == "c19")
    assert not idle.any()  # nothing is sold: no row, its log would be minus infinity


def test_same_seed_same_bytes_and_another_seed_other_patents(built: Path, tables: Path, tmp_path: Path) -> None:
    again = build.build_from_tables(tables, 2008, tmp_path / "world", "full", seed=7)
    names = sorted(p.relative_to(built) for p in built.rglob("*") if p.is_file())
    assert names == sorted(p.relative_to(again) for p in again.rglob("*") if p.is_file())
    for name in names:
        assert (built / name).read_bytes() == (again / name).read_bytes(), name
    other = build.build_from_tables(tables, 2008, tmp_path / "other", "full", seed=8)
    assert (other / "trade.csv").read_bytes() == (built / "trade.csv").read_bytes()
    assert (other / "patent_labels.csv").read_bytes() != (built / "patent_labels.csv").read_bytes()


def test_a_mapping_file_aggregates_and_says_what_it_drops(tables: Path, tmp_path: Path) -> None:
    (tmp_path / "regions.csv").write_text(MAPPING, encoding="utf-8")
    out = build.build_from_tables(tables, 2008, tmp_path / "three", tmp_path / "regions.csv")
    data = load_dataset(out)
    assert data.countries == ("CHN", "JPN", "ROW")
    assert set(data["ree_use_panel"]["country"]) == {"JPN"}
    assert any("is without USA" in note for note in data.meta.notes)


def test_another_base_year_takes_its_export_tax_from_the_two_prices(tables: Path, tmp_path: Path) -> None:
    data = load_dataset(build.build_from_tables(tables, 2010, tmp_path / "2010", "full"))
    prices = data["element_prices"].set_index(["element", "year", "market"])["price"]
    policy = data["policy"].set_index("sector")
    wedge = prices[("Nd", 2010, "export")] / prices[("Nd", 2010, "domestic_CHN")] - 1
    assert float(policy.loc["Nd", "export_tax"]) == pytest.approx(wedge, abs=1e-6)
    assert not policy["verified"].any()
    assert ree_input_output(data).attrs["base_year"] == 2010


def test_all_problems_come_together_and_nothing_is_written(tables: Path, tmp_path: Path) -> None:
    (tmp_path / "regions.csv").write_text(MAPPING.replace("JPN,JPN\n", ""), encoding="utf-8")
    (tmp_path / "taken").mkdir()
    with pytest.raises(InputError) as caught:
        build.build_from_tables(tables, 1990, tmp_path / "taken", tmp_path / "regions.csv", facts=tmp_path)
    said = str(caught.value)
    for part in ("base year is missing", "no region", "exists already", "file of facts is missing"):
        assert part in said
    with pytest.raises(InputError, match="no such folder"):
        build.build_from_tables(tmp_path / "no", 2008, tmp_path / "new")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["regions.csv", "taken"]
    assert list((tmp_path / "taken").iterdir()) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interruption_leaves_nothing_behind(
    tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(build, "simulate_evidence", stop)
    with pytest.raises(error):
        build.build_from_tables(tables, 2008, tmp_path / "world", "full")
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named(tables: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    with pytest.raises(InputError, match="cannot be written"):
        build.build_from_tables(tables, 2008, tmp_path / "file" / "world", "full")


def test_a_damaged_year_of_the_panel_is_named(tmp_path: Path) -> None:
    folder = write_years(tmp_path / "wiod")
    (folder / "wiod2013_2010.npz").write_bytes(b"cut")
    with pytest.raises(InputError, match=r"wiod2013_2010\.npz: the file cannot be read"):
        build.build_from_tables(folder, 2008, tmp_path / "world", "full")


def real_tables(shared_data: Path) -> Path:
    folder = shared_data / "wiod2013"
    if not folder.is_dir():
        pytest.skip("the folder ../shared/data/wiod2013 is not here")
    return folder


@pytest.mark.parametrize(("mapping", "regions"), [(None, 12), pytest.param("full", 41, marks=pytest.mark.slow)])
def test_most_exposed_industries_of_the_real_world(
    shared_data: Path, tmp_path: Path, mapping: str | None, regions: int
) -> None:
    """World averages weighted by output: electronics first, then glass, vehicles, machinery; then refining, metals."""
    data = load_dataset(build.build_from_tables(real_tables(shared_data), 2008, tmp_path / "world", mapping))
    assert len(data.countries) == regions
    assert {"CHN", "JPN", "KOR", "TWN", "USA", "DEU", "ROW"} <= set(data.countries)
    io = ree_input_output(data)
    total, goods = exposure(io).total, list(data.goods)
    spent = io.trade_share * io.expenditure.rename(country="importer")
    output = (spent / (1 + io.export_tax)).sum("importer").rename(exporter="country")
    world = ((total * output).sum("country") / output.sum("country")).sel(sector=goods).to_series()
    ranking = list(world.sort_values(ascending=False).index)
    assert ranking[0] == "c14"
    assert set(ranking[:4]) == {"c14", "c11", "c13", "c15"}
    assert {"c8", "c12"} <= set(ranking[:8])
    assert 1000 < io.attrs["ree_value"] < 4000  # million US$: a tiny sector, as all of the literature says
    assert float(io.element_supply.sel(country="CHN").sum() / io.element_supply.sum()) > 0.9
    assert float(io.ree_share.max()) < 1e-3
    assert_balanced(io)


def assert_balanced(io: xr.Dataset) -> None:
    from reestim.equilibrium.economy import Economy

    assert float(Economy(io).check()["relative_gap"].max()) < 1e-9


def test_gains_from_trade_as_printed(shared_data: Path) -> None:
    """Costinot and Rodriguez-Clare (2014), Table 4.1, first column: 1 - (domestic share)^(1/5), per cent, 2008."""
    table = wiod.read_table(real_tables(shared_data), 2008)
    trade = table.trade.sum(1)
    gains = pd.Series(100 * (1 - (np.diag(trade) / trade.sum(0)) ** 0.2), index=table.regions)
    printed = {
        "AUS": 2.3,
        "AUT": 5.7,
        "BEL": 7.5,
        "BRA": 1.5,
        "CAN": 3.8,
        "DEU": 4.5,
        "HUN": 8.1,
        "IRL": 8.0,
        "JPN": 1.7,
    }
    printed |= {"KOR": 4.3, "MEX": 3.3, "USA": 1.8}
    for country, value in printed.items():
        assert gains[country] == pytest.approx(value, abs=0.11), country
