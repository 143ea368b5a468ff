"""The dataset of 2023: accounts close, the margins are those that were published, one command makes it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from reestim.data.dataset import Dataset, check_dataset, load_dataset
from reestim.equilibrium.economy import Economy
from reestim.errors import InputError
from reestim.importers.real_2023 import ORIGINALS, main, write_2023
from reestim.importers.update import flows_of
from reestim.io.resources import TODAY
from reestim.supply_chain.ree_rows import ree_input_output


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_dataset(TODAY)


@pytest.fixture(scope="module")
def originals(shared_data: Path) -> Path:
    missing = [place for place in ORIGINALS.values() if not (shared_data / place).exists()]
    if missing:
        pytest.skip(f"not in ../shared/data: {', '.join(missing)}")
    return shared_data


def test_it_is_sound_and_every_cell_has_a_source(data: Dataset) -> None:
    assert check_dataset(TODAY) == []
    assert data.countries == ("CHN", "JPN", "KOR", "USA", "DEU", "FRA", "GBR", "ITA", "IND", "AUS", "ROW")
    assert len(data.goods) == 20
    assert data.meta.synthetic == []
    assert data.meta.updated == ["trade.csv", "input_output.csv", "value_added.csv"]
    for stem, table in data.tables.items():
        kind = table["source"].str.extract(r"^(read|recalled|imputed|updated)\b")[0]
        assert kind.notna().all(), stem
        if stem != "elements":  # its rows mix properties read, scores recalled and elasticities imputed
            assert (table["verified"] == (kind == "read")).all(), stem
        assert (kind == "updated").all() == (f"{stem}.csv" in data.meta.updated), stem
    for credit in ("Timmer", "OECD (2023), OECD Inter-Country Input-Output Tables", "United Nations", "BEA-BLS"):
        assert credit in data.meta.licence
    assert sum(p.stat().st_size for p in TODAY.rglob("*") if p.is_file()) < 2e6


def test_the_accounts_close_to_a_billionth(data: Dataset) -> None:
    flows = flows_of(data)
    gap = flows.inputs.sum(axis=1) + flows.value_added - flows.output
    assert np.abs(gap).max() <= 1e-9 * flows.output.min()
    assert (flows.final >= 0).all()
    economy = Economy(ree_input_output(data))
    assert economy.check()["relative_gap"].max() < 1e-9


def test_the_margins_are_those_of_2023(data: Dataset) -> None:
    """Value added of the UN's main aggregates, typed here: China 17,794,782, Japan 4,181,087, the United States
    27,720,706 million US$; manufacturing of Japan 842,797; exports of China 3,512,232."""
    flows = flows_of(data)
    added = dict(zip(flows.countries, flows.value_added.sum(axis=1), strict=True))
    assert added["CHN"] == pytest.approx(17_794_782, rel=1e-6)
    assert added["JPN"] == pytest.approx(4_181_087, rel=1e-6)
    assert added["USA"] == pytest.approx(27_720_706, rel=1e-6)
    assert flows.exports[0].sum() == pytest.approx(3_512_232, rel=1e-6)
    stated = pd.read_csv(TODAY / "sources" / "margins.csv")
    assert len(stated) == 11 * 20 * 2 + 10 * 2
    rows = stated[stated["measure"].isin(["output", "value_added"])]
    for measure, group in rows.groupby("measure"):
        made = [
            getattr(flows, str(measure))[flows.countries.index(c), flows.sectors.index(s)]
            for c, s in zip(group["country"], group["sectors"], strict=True)
        ]
        np.testing.assert_allclose(made, group["value"], rtol=1e-5, atol=0.05)


def test_prices_are_averages_and_no_shadow_price_is_among_them(data: Dataset) -> None:
    """Dysprosium was asked at 700 to 1,000 US$/kg in Europe in May 2025, and 96 % of all that was used cost 224."""
    prices = data["element_prices"].set_index(["element", "year", "market"])["price"]
    assert prices["Dy", 2023, "export"] == 330
    assert prices["Dy", 2025, "export"] == 239
    assert prices["Y", 2025, "export"] == 9
    asked = pd.read_csv(TODAY / "sources" / "marginal_prices_2025.csv")
    worst = asked[asked["kind"].str.startswith("marginal")].groupby("element")["low"].min()
    for element, low in worst.items():
        assert prices[element].max() < low or element == "Tb", element
    assert prices["Tb", 2025, "export"] < worst["Tb"]


def test_rare_earths_are_worth_what_is_published_and_are_where_they_are_used(data: Dataset) -> None:
    io = ree_input_output(data)
    worth = float((io["element_tonnes"] * io["element_price"]).sum()) / 1e3
    assert 5e3 < worth < 12e3  # million US$; Goldman Sachs: about 6 billion in 2024, when prices were a fifth lower
    tonnes = io["element_tonnes"].sum(["element", "sector"])
    # Japan's demand of 2022 and 2024, which stands for Korea's too; apparent consumption of the United States
    assert float(tonnes.sel(country=["JPN", "KOR"]).sum()) == pytest.approx(17_437, rel=0.01)
    assert float(tonnes.sel(country="USA")) == pytest.approx(8_600, rel=0.01)
    made = io["element_supply"] / io["element_supply"].sum("country")
    assert float(made.sel(country="CHN", element="Nd")) == pytest.approx(0.92, abs=1e-3)
    assert float(made.sel(country="CHN", element="Dy")) == pytest.approx(0.99, abs=1e-3)


def test_a_missing_original_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        write_2023(tmp_path / "out", tmp_path)
    assert len(caught.value.problems) == len(ORIGINALS)


@pytest.mark.slow
def test_the_command_makes_every_file_byte_for_byte(originals: Path, tmp_path: Path) -> None:
    main(["--originals", str(originals), "--out", str(tmp_path / "again")])
    made = {p.relative_to(tmp_path / "again"): p for p in (tmp_path / "again").rglob("*") if p.is_file()}
    kept = {p.relative_to(TODAY): p for p in TODAY.rglob("*") if p.is_file()}
    assert set(made) == set(kept)
    assert [str(name) for name in kept if kept[name].read_bytes() != made[name].read_bytes()] == []
