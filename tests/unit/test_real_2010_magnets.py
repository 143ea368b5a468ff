"""The world of 2008 with magnets as a stage: makers' shares that were read, accounts close, one command makes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import reestim as ree
from reestim.data.dataset import Dataset, check_dataset, load_dataset
from reestim.errors import InputError
from reestim.importers.real_2010_magnets import ORIGINALS, main, write_2010_magnets
from reestim.importers.update import flows_of
from reestim.io.resources import REAL, REAL_MAGNETS
from reestim.supply_chain.ree_rows import ree_input_output
from tests.unit.originals import folder_with

KEYS = {
    "trade": ["importer", "exporter", "sector"],
    "input_output": ["country", "input", "sector"],
    "value_added": ["country", "factor", "sector"],
}


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_dataset(REAL_MAGNETS)


def test_it_is_sound_and_every_cell_says_where_it_is_from(data: Dataset) -> None:
    assert check_dataset(REAL_MAGNETS) == []
    assert data.carriers == ("magnets",)
    assert data.meta.synthetic == []
    for stem, table in data.tables.items():
        kind: Any = table["source"].str.extract(r"^(read|recalled|imputed)\b")[0]
        if stem != "elements":  # its rows mix properties read, scores recalled and elasticities imputed
            assert kind.notna().all(), stem
            assert (table["verified"] == (kind == "read")).all(), stem
    assert ree.Economy(ree_input_output(data)).check()["relative_gap"].max() < 1e-9


@pytest.mark.parametrize("stem", list(KEYS))
def test_the_stage_moves_metals_and_their_users_alone(data: Dataset, stem: str) -> None:
    older = load_dataset(REAL)[stem].set_index(KEYS[stem])
    here = data[stem].set_index(KEYS[stem])
    both: Any = older.add_suffix("_old").join(here, how="inner")
    moved: Any = both[(both["value"] - both["value_old"]).abs() > 0.01]
    assert (moved["value"] < moved["value_old"]).all()  # magnets are taken out, nothing else comes in
    for labels in moved.index:
        assert "metals" in labels, labels
    same: Any = both.drop(index=moved.index)
    assert (same["source"] == same["source_old"]).all()
    assert moved["source"].str.startswith("imputed").all()
    assert set(older.index) <= set(here.index)


def test_magnets_are_made_where_they_were_made(data: Dataset) -> None:
    """Of sintered blanks China made 79.4 % and Japan 19.3 % in 2010; its tonnes are near the 55,600 t of 2009."""
    made = dict(zip(data.countries, flows_of(data).output[:, data.goods.index("magnets")], strict=True))
    world = sum(made.values())
    assert made["CHN"] / world == pytest.approx(0.794, abs=1e-4)
    assert made["JPN"] / world == pytest.approx(0.193, abs=1e-4)
    unit_value = 376.4e3 / 9363  # US$/kg of China's exports in 2009
    assert made["CHN"] / unit_value * 1e3 == pytest.approx(55_600, rel=0.06)


def test_rare_earths_cost_in_a_magnet_what_its_oxide_costs(data: Dataset) -> None:
    io = ree_input_output(data)
    held = io["ree_share"].sel(sector="magnets")
    made = flows_of(data).output[:, data.goods.index("magnets")]
    tonnes = io["element_tonnes"].sel(sector="magnets")
    worth = (tonnes * io["element_price"]).sum("element").sel(country=list(data.countries)).to_numpy() / 1e3
    np.testing.assert_allclose(held.to_numpy(), np.divide(worth, made, out=0 * made, where=made > 0), atol=2e-4)
    assert 0.2 < float(held.sel(country="CHN")) < 0.3 < float(held.sel(country="JPN")) < 0.5
    # the oxide of both datasets is the same: a stage is added, no use is
    plain = ree_input_output(load_dataset(REAL))["element_tonnes"].sum(["country", "sector"])
    np.testing.assert_allclose(io["element_tonnes"].sum(["country", "sector"]), plain, rtol=1e-9)


def test_exports_without_production_are_left_out_by_name(data: Dataset) -> None:
    trade: Any = pd.read_csv(REAL_MAGNETS / "sources" / "magnet_trade.csv")
    said = next(note for note in data.meta.notes if "no production stands behind" in note)
    sold = trade.groupby("exporter")["value"].sum() * 376.4 / 589.2
    for country in ("USA", "ROW"):
        assert f"{country} {sold[country]:,.0f} of {sold[country]:,.0f}" in said
    assert "CHN" not in said
    taiwan = trade[trade["importer"] == "TWN"]
    assert (taiwan["status"] == "imputed").all()
    assert taiwan["value"].sum() == pytest.approx(18.0, rel=0.02)


def test_a_missing_original_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="an original is missing") as caught:
        write_2010_magnets(tmp_path / "out", tmp_path)
    assert len(caught.value.problems) == len(ORIGINALS)


@pytest.mark.slow
def test_the_command_makes_every_file_byte_for_byte(shared_data: Path, tmp_path: Path) -> None:
    originals = folder_with(ORIGINALS, shared_data)
    main(["--originals", str(originals), "--out", str(tmp_path / "again")])
    made = {p.relative_to(tmp_path / "again"): p for p in (tmp_path / "again").rglob("*") if p.is_file()}
    kept = {p.relative_to(REAL_MAGNETS): p for p in REAL_MAGNETS.rglob("*") if p.is_file()}
    assert set(made) == set(kept)
    assert [str(name) for name in kept if kept[name].read_bytes() != made[name].read_bytes()] == []
