"""The input-output table with rare-earth rows: identities, tonnes, provenance of cells, who is exposed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer.testing
import xarray as xr

import reestim as ree
from reestim.cli.app import app
from reestim.data.dataset import Dataset
from reestim.supply_chain.exposure_ranking import exposure_tables, total_requirements
from reestim.supply_chain.flows import revenue
from reestim.supply_chain.ree_rows import split_world
from reestim.supply_chain.split_checks import SPLIT_TOLERANCE, identities_of
from reestim.supply_chain.split_provenance import KINDS, ree_table
from tests.unit.supply_world import tiny_world


@pytest.fixture(scope="module", params=["tiny", "simulated-2010"])
def data(request: pytest.FixtureRequest) -> Dataset:
    return tiny_world() if request.param == "tiny" else ree.load_dataset(request.param)


@pytest.fixture(scope="module")
def io(data: Dataset) -> xr.Dataset:
    return ree.ree_input_output(data)


def test_every_identity_holds(data: Dataset) -> None:
    table = ree.split_identities(data)
    assert bool(table["holds"].all()), table.to_string()
    assert float(table["relative_gap"].max()) < SPLIT_TOLERANCE
    assert len(table) >= 15
    assert bool((table["cells"] > 0).all())


@pytest.mark.parametrize(
    ("flow", "place", "identity"),
    [
        ("inputs", {"country": "JPN", "input": "Nd", "sector": "electronics"}, "users of an element pay"),
        ("inputs", {"country": "JPN", "input": "services", "sector": "electronics"}, "final demand"),
        ("trade", {"importer": "JPN", "exporter": "CHN", "sector": "Nd"}, "what is bought of an element"),
        ("trade", {"importer": "USA", "exporter": "JPN", "sector": "chemicals"}, "importers spend"),
        ("trade", {"importer": "USA", "exporter": "JPN", "sector": "services"}, "trade in other goods"),
        ("factors", {"country": "USA", "factor": "resource_Ce", "sector": "Ce"}, "costs of each sector"),
    ],
)
def test_a_cell_that_is_off_by_a_millionth_is_found(flow: str, place: dict[str, str], identity: str) -> None:
    data = tiny_world()
    split = split_world(data)
    spoilt = getattr(split.world, flow).copy()
    spoilt.loc[place] = spoilt.loc[place] * (1 + 1e-5)
    table = identities_of(data, split._replace(world=split.world._replace(**{flow: spoilt})))
    assert any(name.startswith(identity) for name in table.loc[~table["holds"], "identity"]), table.to_string()
    negative = spoilt.copy()
    negative.loc[place] = -1e-3
    table = identities_of(data, split._replace(world=split.world._replace(**{flow: negative})))
    assert table.loc[~table["holds"], "identity"].str.contains("negative").any()


def test_tonnes_in_final_demand_are_the_tonnes_put_in(data: Dataset, io: xr.Dataset) -> None:
    """Total requirements (Leontief) times what leaves the chain give back world use of each element: nothing is lost.

    Chains end in final demand and in the mines of the elements, whose own inputs hold a few tonnes.
    """
    spent = io.trade_share * io.expenditure.rename(country="importer")
    elements = list(io.element.values)
    goods = (1 - io.ree_share) * revenue(io).where(~io.sector.isin(elements), 0.0)
    used = (io.input_share * goods).sum("sector").rename(input="sector")
    final = (io.expenditure - used).where(~io.sector.isin(elements), 0.0)
    share = final / io.expenditure.where(io.expenditure > 0, 1.0)
    net = spent * share.rename(country="importer") / ((1 + io.tariff) * (1 + io.export_tax))
    received = net.sum("importer").rename(exporter="country")
    found = (total_requirements(io) * received).sum(["country", "sector"])
    put_in = data["element_use"].groupby("element")["tonnes"].sum().reindex(elements)
    np.testing.assert_allclose(found, put_in, rtol=1e-9)


def test_rankings_add_up_to_the_world(data: Dataset, io: xr.Dataset) -> None:
    tables = exposure_tables(io)
    put_in = data["element_use"].groupby("element")["tonnes"].sum()
    for name in ("exposure_sectors", "exposure_countries", "exposure_cells"):
        table = tables[name]
        assert table["tonnes"].sum() == pytest.approx(put_in.sum(), rel=1e-12)
        assert table["value"].sum() == pytest.approx(io.attrs["ree_value"], rel=1e-12)
        assert (table["total"] >= table["direct"]).all()
        assert table["direct"].is_monotonic_decreasing
    for name in ("exposure_sectors", "exposure_countries"):
        found = tables[name].filter(like="tonnes_").sum()
        np.testing.assert_allclose(found, put_in[[c.removeprefix("tonnes_") for c in found.index]], rtol=1e-12)
    sectors = tables["exposure_sectors"].set_index("sector")
    np.testing.assert_allclose(sectors["direct"], 100 * sectors["value"] / sectors["output"], rtol=1e-9)
    by_element = tables["exposure_elements"].groupby("sector")["total"].sum()
    np.testing.assert_allclose(by_element[sectors.index], sectors["total"], rtol=1e-9)


def test_the_most_exposed_sectors_make_sense() -> None:
    tables = exposure_tables(ree.ree_input_output(ree.load_dataset("simulated-2010")))
    ranked = tables["exposure_sectors"]["sector"].tolist()
    assert ranked[0] == "electrical_optical"
    expected = {"electrical_optical", "mineral_products", "transport_equipment", "machinery", "petroleum", "metals"}
    assert expected <= set(ranked[:8])


def test_provenance_of_every_cell(data: Dataset) -> None:
    tables = ree_table(data)
    split = split_world(data)
    inputs, trade = tables["ree_inputs"], tables["ree_trade"]
    assert set(inputs["provenance"]) | set(trade["provenance"]) <= set(KINDS)
    assert trade["value"].sum() == pytest.approx(float(split.world.trade.sum()))
    assert inputs["value"].sum() == pytest.approx(float(split.world.inputs.sum() + split.world.factors.sum()))
    host = inputs[(inputs["input"] == data.meta.host_sector) & inputs["sector"].isin(list(data.goods))]
    users = inputs[inputs["input"].isin(list(data.elements))]
    assert set(users["provenance"]) <= {"concordance", "imputed"}
    pairs = pd.MultiIndex.from_frame(host[["country", "sector"]]).isin(
        pd.MultiIndex.from_frame(users[["country", "sector"]])
    )
    assert set(host.loc[pairs, "provenance"]) == {"residual"}
    plain = host.loc[~pairs & (host["sector"] != data.meta.host_sector), "provenance"]
    assert set(plain) <= {"data" if data.meta.name == "tiny" else "imputed"}
    mines = inputs[inputs["sector"].isin(list(data.elements))]
    assert set(mines["provenance"]) == {"imputed"}


def test_an_imputed_price_makes_the_purchases_at_that_price_imputed() -> None:
    data = tiny_world()
    prices = data["element_prices"].assign(source="read: a gazette")
    at = (prices["element"] == "Nd") & (prices["market"] == "export") & (prices["year"] == 2008)
    prices.loc[at, "source"] = "imputed: twice that of Ce"
    use = data["element_use"].assign(source="read: a survey")
    use.loc[use["application"] == "polishing", "source"] = "imputed: a guess"
    data = replace(data, tables={**data.tables, "element_prices": prices, "element_use": use})
    table = ree_table(data)["ree_inputs"].set_index(["country", "input", "sector"])["provenance"]
    assert table["JPN", "Nd", "electronics"] == "imputed"  # price
    assert table["CHN", "Nd", "electronics"] == "concordance"  # its own market
    assert table["CHN", "Ce", "electronics"] == "imputed"  # use
    assert table["JPN", "services", "services"] == "data"


def test_the_command(tmp_path: Path) -> None:
    runner = typer.testing.CliRunner()
    said = runner.invoke(app, ["exposure", "--out", str(tmp_path / "new"), "--checks"])
    assert said.exit_code == 0, said.output
    assert "electrical_optical" in said.output
    assert "all hold" in said.output
    assert {p.name for p in (tmp_path / "new").iterdir()} == {
        "exposure.png",
        "exposure.svg",
        "exposure_sectors.csv",
        "exposure_countries.csv",
        "exposure_cells.csv",
        "exposure_elements.csv",
        "split_identities.csv",
        "ree_inputs.csv",
        "ree_trade.csv",
    }
    found = json.loads(runner.invoke(app, ["exposure", "--json"]).output)
    assert found["exposure_sectors"][0]["sector"] == "electrical_optical"
    assert all(row["holds"] for row in found["split_identities"])
    again = runner.invoke(app, ["exposure", "--out", str(tmp_path / "new")])
    assert again.exit_code == 1
    assert "nothing is overwritten" in again.output
