"""The dataset of real figures: nothing simulated, every cell with its source, one command makes it byte for byte."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from reestim.data.dataset import Dataset, check_dataset, load_dataset
from reestim.errors import InputError
from reestim.importers import real_economy
from reestim.importers.real_dataset import ORIGINALS, country_use, main, write_real
from reestim.io.resources import REAL, REAL_MAGNETS, TODAY
from reestim.results.tables import inputs
from reestim.runs.parts import DataRecord
from reestim.runs.record import RunRecord
from reestim.supply_chain.ree_rows import ree_input_output
from tests.unit.originals import folder_with


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_dataset(REAL)


@pytest.fixture(scope="module")
def originals(shared_data: Path) -> Path:
    return folder_with(ORIGINALS, shared_data)


def test_it_is_sound_and_nothing_in_it_is_simulated(data: Dataset) -> None:
    assert check_dataset(REAL) == []
    assert data.meta.synthetic == []
    assert data.meta.truth is None
    assert "patent_labels" not in data
    assert data.countries == ("CHN", "JPN", "KOR", "TWN", "USA", "DEU", "REU", "IND", "AUS", "ROW")
    assert len(data.goods) == 20
    assert sum(p.stat().st_size for p in REAL.rglob("*") if p.is_file()) < 2e6


def test_every_cell_says_where_it_is_from_and_only_what_was_read_is_verified(data: Dataset) -> None:
    for stem, table in data.tables.items():
        assert {"source", "verified"} <= set(table), stem
        assert table["source"].str.len().min() > 0, stem
        kind = table["source"].str.extract(r"^(read|recalled|imputed)\b")[0]
        if stem != "elements":  # its rows mix properties read, scores recalled and elasticities imputed
            assert (table["verified"] == (kind == "read")).all(), stem
        assert (kind == "imputed").any() == (f"{stem}.csv" in data.meta.imputed) or stem == "elements", stem


@pytest.mark.parametrize("folder", [REAL, REAL_MAGNETS, TODAY], ids=lambda path: path.name)
def test_every_figure_in_sources_says_whether_it_was_read(folder: Path) -> None:
    made = {"margins", "moved"}  # by the command, from the originals
    for path in sorted((folder / "sources").glob("*.csv")):
        table = pd.read_csv(path, dtype=str)
        assert table["source"].notna().all() if path.stem != "moved" else "mean_change" in table, path.name
        if path.stem not in made and "verified" not in table:
            assert table["status"].str.match(r"(read|recalled|imputed)").all(), path.name


def test_quotations_give_the_gap_that_is_told_of_them() -> None:
    """September and October 2011: lanthanum cost 3.7 times as much abroad as inside China, dysprosium 1.6 times."""
    days = pd.read_csv(REAL / "sources" / "price_quotations.csv").set_index(["element", "date"])
    inside = pd.read_csv(REAL / "sources" / "prices.csv").query("series == 'domestic_day' and year == 2011")
    yuan = inside.set_index("element")[["low", "high"]].mean(axis=1)
    for element, ratio in (("La", 3.7), ("Ce", 3.5), ("Sm", 7.7), ("Nd", 1.5), ("Dy", 1.6)):
        abroad = days.loc[(element, "2011-09 to 2011-10"), "low"]
        assert abroad / (yuan[element] / 6.39) == pytest.approx(ratio, abs=0.1), element


def test_what_is_recalled_stands_among_the_inputs_of_a_run(data: Dataset) -> None:
    record = DataRecord.of(data, unused=())
    table = inputs(RunRecord(provenance=record).attached(xr.DataTree()))
    recalled = set(table.loc[table["kind"].str.contains("recalled"), "file"])
    assert {"element_use.csv", "country_use.csv", "element_prices.csv", "trade_elasticities.csv"} <= recalled
    assert recalled == {f"{s}.csv" for s, t in data.tables.items() if t["source"].str.contains(r"\brecalled\b").any()}


def test_prices_inside_china_are_without_tax_and_what_is_left_in_2014_is_tax_and_vat(data: Dataset) -> None:
    """Abroad over inside at a slack quota is 1.25 × 1.17 = 1.46 for the elements that the licence hardly touches."""
    wide = data["element_prices"].pivot_table(index=["market", "year"], columns="element", values="price")
    np.testing.assert_allclose(wide.loc[("domestic_CHN", 2011), "La"], 140 / 6.39 / 1.17, rtol=1e-5)
    wedge = wide.loc["export"] / wide.loc["domestic_CHN"]
    assert 1.3 < wedge.loc[2014, "Nd"] < 1.6
    assert wedge.loc[2011, ["La", "Ce", "Sm"]].min() > 5  # a licence per tonne weighs on the cheap ones
    assert (wedge > 0.999).all().all()


def test_china_uses_what_its_statistics_say(data: Dataset) -> None:
    """67,680 t inside China in 2008 and about 70,000 (ministry), Japan 21,000 to 32,000 t, the United States 15,000."""
    tonnes = ree_input_output(data)["element_tonnes"].sum(["element", "sector"])
    assert float(tonnes.sel(country="CHN")) == pytest.approx(67_680, rel=0.03)
    assert 18_000 < float(tonnes.sel(country="JPN")) < 32_400
    assert 12_000 < float(tonnes.sel(country="USA")) < 20_000


def test_magnets_are_where_they_are_made(data: Dataset) -> None:
    shares = data["country_use"]
    magnets = shares[shares["application"] == "magnets"].set_index("countries")["share"]
    assert magnets["CHN"] == 0.794
    share = ree_input_output(data)["ree_share"].sel(sector="machinery")  # its rare earths are nearly all in magnets
    assert float(share.sel(country="JPN")) > 10 * float(share.sel(country="USA"))
    np.testing.assert_allclose(shares.groupby("application")["share"].sum(), 1.0, atol=1e-5)


def test_shares_of_countries_follow_from_the_amounts(data: Dataset) -> None:
    made = country_use(REAL / "sources")
    pd.testing.assert_frame_equal(made, data["country_use"], check_dtype=False, check_index_type=False)


def test_a_missing_original_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        write_real(tmp_path / "out", tmp_path)
    assert len(caught.value.problems) == len(ORIGINALS)
    assert not (tmp_path / "out").exists()


def test_the_economy_is_the_table_added_up(data: Dataset, originals: Path) -> None:
    made = real_economy.economy(originals / "wiod2013", 2008)
    raw = np.load(originals / "wiod2013" / "wiod2013_2008.npz")
    assert float(data["trade"]["value"].sum()) == pytest.approx(float(raw["output"].sum()), rel=3e-3)
    inputs = data["input_output"]["value"].sum()
    assert float(inputs) == pytest.approx(float(raw["intermediate"].sum(dtype=float)), rel=1e-6)
    tables = real_economy.economy_tables(made, originals / ORIGINALS["accounts"])
    for stem, table in tables.items():
        pd.testing.assert_frame_equal(table, data[stem].reset_index(drop=True), check_dtype=False)


@pytest.mark.slow
def test_the_command_makes_every_file_byte_for_byte(originals: Path, tmp_path: Path) -> None:
    main(["--originals", str(originals), "--out", str(tmp_path / "again")])
    made = {p.relative_to(tmp_path / "again"): p for p in (tmp_path / "again").rglob("*") if p.is_file()}
    kept = {p.relative_to(REAL): p for p in REAL.rglob("*") if p.is_file()}
    assert set(made) == set(kept)
    assert [str(name) for name in kept if kept[name].read_bytes() != made[name].read_bytes()] == []
