"""The dataset of 2023: accounts close, the margins are those that were published, one command makes it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import reestim as ree
from reestim.data.dataset import Dataset, check_dataset, load_dataset
from reestim.equilibrium.economy import Economy
from reestim.errors import InputError
from reestim.importers.balance import Flows
from reestim.importers.magnets import with_magnets
from reestim.importers.real_2023 import COST_SHARE, ORIGINALS, main, write_2023
from reestim.importers.update import economy_rows, flows_of
from reestim.io.resources import REAL, TODAY
from reestim.supply_chain.exposure import exposure
from reestim.supply_chain.prices import relative_prices
from reestim.supply_chain.ree_rows import ree_input_output
from tests.unit.originals import folder_with


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_dataset(TODAY)


@pytest.fixture(scope="module")
def originals(shared_data: Path) -> Path:
    return folder_with(ORIGINALS, shared_data)


def test_it_is_sound_and_every_cell_has_a_source(data: Dataset) -> None:
    assert check_dataset(TODAY) == []
    assert data.countries == ("CHN", "JPN", "KOR", "USA", "DEU", "FRA", "GBR", "ITA", "IND", "AUS", "ROW")
    assert len(data.goods) == 21  # the twenty of 2010, and magnets
    assert data.carriers == ("magnets",)
    assert data.meta.synthetic == []
    assert data.meta.updated == ["trade.csv", "input_output.csv", "value_added.csv"]
    for stem, table in data.tables.items():
        kind = table["source"].str.extract(r"^(read|recalled|imputed|updated)\b")[0]
        assert kind.notna().all(), stem
        if stem != "elements":  # its rows mix properties read, scores recalled and elasticities imputed
            assert (table["verified"] == (kind == "read")).all(), stem
        assert (kind == "updated").any() == (f"{stem}.csv" in data.meta.updated), stem
        if stem in ("trade", "input_output", "value_added"):
            own = table[[c for c in ("sector", "input") if c in table]].eq("magnets").any(axis=1)
            assert (kind[own] == "imputed").all()
            assert (kind[~own] == "updated").all()
    for credit in ("Timmer", "OECD (2023), OECD Inter-Country Input-Output Tables", "United Nations", "BEA-BLS"):
        assert credit in data.meta.licence
    assert sum(p.stat().st_size for p in TODAY.rglob("*") if p.is_file()) < 2e6


def test_the_accounts_close_to_a_billionth(data: Dataset) -> None:
    flows = flows_of(data)
    gap = flows.inputs.sum(axis=1) + flows.value_added - flows.output
    assert (np.abs(gap) <= 1e-9 * np.maximum(flows.output, 1.0)).all()
    assert flows.final.min() > -1e-9
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
    # magnets are taken out of metals, so the margin of metals is that of the two
    rows = stated[stated["measure"].isin(["output", "value_added"]) & (stated["sectors"] != "metals")]
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


def test_magnets_are_made_of_rare_earths_and_bought_where_motors_are_made(data: Dataset) -> None:
    io = ree_input_output(data)
    economy = Economy(io)
    made = economy.baseline.output[:, economy.sectors.index("magnets")]
    share = dict(zip(economy.countries, np.asarray(made / made.sum()), strict=True))
    assert share["CHN"] == pytest.approx(0.92, abs=1e-3)
    assert share["JPN"] == pytest.approx(0.06, abs=1e-3)
    held = io["ree_share"].sel(sector="magnets")
    np.testing.assert_allclose(held.sel(country=["CHN", "JPN", "DEU"]), 0.76, atol=2e-3)
    both = io["element_share"].sum("element") + io["carrier_share"].sum("carrier")
    np.testing.assert_allclose(both.where(io["ree_share"] > 0, 1.0), 1.0, atol=1e-12)
    # what abroad buys from China: HS 850511 of 2023, 3.5 billion US$
    sold = (io["trade_share"] * io["expenditure"].rename(country="importer")).sel(sector="magnets", exporter="CHN")
    assert float(sold.drop_sel(importer="CHN").sum()) == pytest.approx(
        float(magnet_pairs().query("exporter == 'CHN'")["value"].sum()), rel=1e-6
    )
    assert float(sold.sel(importer="USA") / io["expenditure"].sel(country="USA", sector="magnets")) > 0.9
    assert float(held.sel(country="USA")) == 0.0
    assert float(io["carrier_share"].sel(country="USA", carrier="magnets", sector="transport_equipment")) > 0.9
    shares = exposure(io)  # magnets' oxide reaches cars through the chain
    assert float(shares["total"].sel(country="USA", sector="transport_equipment")) > 10 * float(
        shares["direct"].sel(country="USA", sector="transport_equipment")
    )
    with pytest.raises(InputError, match="carrier"):
        relative_prices(data, io)


def magnet_pairs() -> pd.DataFrame:
    return pd.read_csv(TODAY / "sources" / "magnet_trade.csv")


def without_carrier(data: Dataset) -> tuple[Dataset, Flows]:
    """The same economy before magnets were taken out of metals, users processing the oxide themselves."""
    flows = flows_of(data)
    s, host = flows.sectors.index("magnets"), flows.sectors.index("metals")
    inputs, trade = flows.inputs.copy(), flows.trade.copy()
    inputs[:, host], trade[:, :, host] = inputs[:, host] + inputs[:, s], trade[:, :, host] + trade[:, :, s]
    inputs[:, :, host] += inputs[:, :, s]
    inputs, trade = np.delete(np.delete(inputs, s, 1), s, 2), np.delete(trade, s, 2)
    joined = Flows(flows.countries, flows.sectors[:s], trade, inputs, flows.wedge[:, :, :s])
    tables = {stem: table for stem, table in data.tables.items() if stem != "carriers"}
    old = load_dataset(REAL)
    tables |= {stem: old[stem] for stem in ("application_sector", "trade_elasticities")}
    tables |= economy_rows(joined, np.full((11, 20), 0.6), "test")
    return replace(data, tables=tables), joined


def with_part_of_it(data: Dataset, plain: Dataset, flows: Flows, part: float) -> Dataset:
    """Magnets as a carrier of only ``part`` of their oxide; the rest is processed by the users."""
    made = flows_of(data)
    s = made.sectors.index("magnets")
    weights = plain["application_sector"].query("application == 'magnets'").set_index("sector")["weight"]
    split = with_magnets(flows, part * made.output[:, s], part * made.abroad[:, :, s], weights.to_dict(), COST_SHARE)
    rows = plain["application_sector"].copy()
    rows.loc[rows["application"] == "magnets", "weight"] *= 1 - part
    more = pd.DataFrame([{"application": "magnets", "sector": "magnets", "weight": part}])
    tables = dict(plain.tables) | {
        "application_sector": pd.concat([rows, more], ignore_index=True),
        "trade_elasticities": data["trade_elasticities"],
        "carriers": data["carriers"],
    }
    return replace(plain, tables=tables | economy_rows(split, np.full((11, 21), 0.6), "test"))


def test_an_emptied_carrier_leaves_the_economy_without_it(data: Dataset) -> None:
    """Shares with a tenth and a fifth of the magnets, carried on to none of them, are those without the carrier. That
    equal shares have equal equilibria is in tests/economics/test_carriers.py."""
    plain, flows = without_carrier(data)
    io = ree_input_output(plain)
    fifth, tenth = (ree_input_output(with_part_of_it(data, plain, flows, part)) for part in (0.2, 0.1))
    here = {"sector": io["sector"].values, "input": io["input"].values}
    for name in ("ree_share", "input_share", "factor_share", "expenditure", "trade_share"):
        at = {dim: here[dim] for dim in io[name].dims if dim in here}
        one, two = tenth[name].sel(at), fifth[name].sel(at)
        scale = float(abs(io[name]).max())
        assert float(abs(2 * one - two - io[name]).max()) < 2e-4 * scale, name
        assert float(abs(one - io[name]).max()) < 0.7 * float(abs(two - io[name]).max()) + 1e-12, name


@pytest.mark.slow
def test_an_emptied_carrier_leaves_the_equilibrium_without_it(data: Dataset) -> None:
    plain, flows = without_carrier(data)
    quota = ree.Scenario(policies=(ree.ExportQuota("CHN", "all", 0.8),))
    parameters = ree.Parameters(sigma=0.4, kappa=1.2, spillover=1.6)
    none, tenth, fifth = (
        ree.solve(Economy(ree_input_output(d)), quota, parameters, technology="directed").welfare
        for d in (plain, *(with_part_of_it(data, plain, flows, part) for part in (0.1, 0.2)))
    )
    assert float(abs(fifth - none).max()) > 0.02 * float(abs(none).max())
    np.testing.assert_allclose(2 * tenth - fifth, none, atol=0.04 * float(abs(none).max()))


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
