"""The input-output table with rare-earth rows: mass, money and accounts are all conserved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from reestim.data.dataset import Dataset
from reestim.errors import InputError
from reestim.supply_chain import ree_rows
from reestim.supply_chain.accounts import accounts
from reestim.supply_chain.ree_rows import ree_input_output
from tests.unit.supply_world import ELEMENTS, Tables, tiny_world


@pytest.fixture(scope="module", params=["tiny", "simulated-2010"])
def world(request: pytest.FixtureRequest) -> tuple[Dataset, xr.Dataset]:
    if request.param == "tiny":
        data = tiny_world()
    else:
        from reestim.data.dataset import load_dataset

        data = load_dataset(request.param)
    return data, ree_input_output(data)


def flows(io: xr.Dataset) -> dict[str, xr.DataArray]:
    """Levels from the shares, by the accounting identities of docs/model.md section 3."""
    spent = io.trade_share * io.expenditure.rename(country="importer")
    revenue = (spent / ((1 + io.tariff) * (1 + io.export_tax))).sum("importer").rename(exporter="country")
    other = (1 - io.ree_share) * revenue
    use = (io.input_share * other).sum("sector").rename(input="sector")
    on_elements = (io.element_share * io.ree_share * revenue).sum("sector").rename(element="sector")
    use = use + on_elements.reindex(sector=io.sector).fillna(0.0)
    tariffs = (spent * io.tariff / (1 + io.tariff)).sum(["exporter", "sector"]).rename(importer="country")
    taxes = spent * io.export_tax / ((1 + io.tariff) * (1 + io.export_tax))
    return {
        "spent": spent,
        "revenue": revenue,
        "final": io.expenditure - use,
        "income": (io.factor_share * other).sum(["factor", "sector"]),
        "taxes": tariffs + taxes.sum(["importer", "sector"]).rename(exporter="country"),
    }


def test_labels_and_dims_are_those_of_the_contract(world: tuple[Dataset, xr.Dataset]) -> None:
    data, io = world
    assert tuple(io.sector.values) == (*data.goods, *data.elements)
    assert tuple(io.factor.values) == ("labor", "capital", *(f"resource_{e}" for e in data.elements))
    dims = {
        "trade_share": ("importer", "exporter", "sector"),
        "expenditure": ("country", "sector"),
        "tariff": ("importer", "exporter", "sector"),
        "export_tax": ("importer", "exporter", "sector"),
        "factor_share": ("country", "factor", "sector"),
        "input_share": ("country", "input", "sector"),
        "ree_share": ("country", "sector"),
        "element_share": ("country", "element", "sector"),
        "trade_elasticity": ("sector",),
        "trade_elasticity_sd": ("sector",),
        "element_tonnes": ("country", "element", "sector"),
    }
    assert {name: io[name].dims for name in dims} == dims
    for name in io.data_vars:
        assert np.isfinite(io[name]).all(), name
        assert float(io[name].min()) >= 0, name
        assert io[name].attrs["units"], name


def test_every_tonne_put_in_is_used_and_sold(world: tuple[Dataset, xr.Dataset]) -> None:
    data, io = world
    put_in = data["element_use"].groupby("element")["tonnes"].sum().reindex(data.elements)
    np.testing.assert_allclose(io.element_tonnes.sum(["country", "sector"]), put_in, rtol=1e-12)
    np.testing.assert_allclose(io.element_supply.sum("country"), put_in, rtol=1e-12)
    bought = io.element_tonnes.sum("sector").rename(country="importer")
    shares = io.trade_share.sel(sector=list(data.elements)).rename(sector="element")
    sold = (shares * bought).sum("importer").rename(exporter="country")
    xr.testing.assert_allclose(sold, io.element_supply, rtol=1e-9)  # each producer sells exactly its supply


def test_china_exports_what_the_file_says_and_buys_at_home(world: tuple[Dataset, xr.Dataset]) -> None:
    data, io = world
    table = data["element_exports"]
    stated = float(table.loc[(table["country"] == "CHN") & (table["year"] == 2008), "tonnes"].iloc[0])
    china = io.sel(country="CHN")
    exports = float(china.element_supply.sum() - china.element_tonnes.sum())
    assert exports == pytest.approx(stated, rel=1e-9)
    own = io.trade_share.sel(importer="CHN", exporter="CHN", sector=list(data.elements))
    used = china.element_tonnes.sum("sector") > 0
    np.testing.assert_allclose(own, used.astype(float), atol=1e-12)


def test_accounting_identities(world: tuple[Dataset, xr.Dataset]) -> None:
    data, io = world
    f = flows(io)
    total = io.factor_share.sum("factor") + io.input_share.sum("input")
    np.testing.assert_allclose(total, 1.0, atol=1e-12)
    np.testing.assert_allclose(io.trade_share.sum("exporter"), (io.expenditure > 0).values, atol=1e-12)
    assert float((f["final"] / io.expenditure.where(io.expenditure > 0, 1.0)).min()) > -1e-9
    on_elements = f["final"].sel(sector=list(data.elements))
    assert float(abs(on_elements).max()) < 1e-9 * float(io.expenditure.sel(sector=list(data.elements)).max())
    deficit = f["final"].sum("sector") - f["income"] - f["taxes"]
    assert abs(float(deficit.sum())) < 1e-9 * float(f["income"].sum())
    mix = io.element_share.sum("element")
    np.testing.assert_allclose(mix, (io.ree_share > 0).values, atol=1e-12)
    assert float(io.input_share.sel(input=list(data.elements)).max()) == 0.0


def test_value_of_host_and_elements_together_is_conserved(world: tuple[Dataset, xr.Dataset]) -> None:
    data, io = world
    before, after = accounts(data), flows(io)
    together = [data.meta.host_sector, *data.elements]
    spent = io.expenditure.sel(sector=together).sum("sector").rename(country="importer")
    np.testing.assert_allclose(spent, before.trade.sel(sector=data.meta.host_sector).sum("exporter"), rtol=1e-11)
    sold = after["spent"].sel(sector=together).sum(["importer", "sector"])
    np.testing.assert_allclose(sold, before.trade.sel(sector=data.meta.host_sector).sum("importer"), rtol=1e-11)
    others = [s for s in data.goods if s != data.meta.host_sector]
    unmoved = after["spent"].sel(sector=others).transpose("importer", "exporter", "sector")
    np.testing.assert_allclose(unmoved, before.trade.sel(sector=others), rtol=1e-12)
    final = before.trade.sum("exporter").rename(importer="country") - before.inputs.sum("sector").rename(input="sector")
    np.testing.assert_allclose(after["final"].sel(sector=list(data.goods)), final, rtol=1e-8, atol=1e-6)


def test_what_users_pay_is_tonnes_times_the_price_of_their_market(world: tuple[Dataset, xr.Dataset]) -> None:
    data, io = world
    revenue = flows(io)["revenue"]
    paid = (io.element_share * io.ree_share * revenue).sel(sector=list(data.goods))
    worth = (io.element_tonnes * io.element_price / 1000).sel(sector=list(data.goods))
    xr.testing.assert_allclose(paid.transpose(*worth.dims), worth, rtol=1e-9)
    assert io.attrs["ree_value"] == pytest.approx(float(worth.sum()), rel=1e-12)
    price = data["element_prices"].set_index(["element", "year", "market"])["price"]
    for country, market in (("CHN", "domestic_CHN"), ("JPN", "export")):
        assert float(io.element_price.sel(country=country, element="Nd")) == price[("Nd", 2008, market)]


def test_an_elements_sector_pays_its_rent_and_has_its_supply_elasticities() -> None:
    io = ree_input_output(tiny_world())
    resource = io.factor_share.sel(factor="resource_Nd", sector="Nd")
    np.testing.assert_allclose(resource, 0.4, rtol=1e-12)  # also where nobody mines it
    np.testing.assert_allclose(io.supply_elasticity.sel(element="Ce"), 0.2)
    np.testing.assert_allclose(io.long_run_supply_elasticity, 0.8)
    assert io.supply_elasticity.dims == ("country", "element")
    assert float(io.factor_share.sel(factor="resource_Nd").drop_sel(sector="Nd").max()) == 0.0


def test_the_economy_takes_it_and_the_identities_hold() -> None:
    from reestim.equilibrium.economy import Economy

    economy = Economy(ree_input_output(tiny_world()))
    assert float(economy.check()["relative_gap"].max()) < 1e-9


def test_host_flows_too_small_for_their_elements_are_rebalanced() -> None:
    """JPN buys almost no chemicals from China: their flow cannot hold the elements in it, the totals must."""

    def shrink(tables: Tables) -> None:
        flow = tables["trade"]
        cell = (flow["importer"] == "JPN") & (flow["exporter"] == "CHN") & (flow["sector"] == "chemicals")
        home = (flow["importer"] == "CHN") & (flow["exporter"] == "CHN") & (flow["sector"] == "chemicals")
        moved = float(flow.loc[cell, "value"].iloc[0]) - 1.1  # a tariff of 10 %: China's revenue stays the same
        flow.loc[cell, "value"] -= moved
        flow.loc[home, "value"] += moved / 1.1

    data = tiny_world(shrink)
    io = ree_input_output(data)
    f = flows(io)
    assert io.attrs["rebalanced_host_flows"] == 1
    assert float(f["spent"].sel(importer="JPN", exporter="CHN", sector="chemicals")) > 0
    assert float((f["final"] / io.expenditure.where(io.expenditure > 0, 1.0)).min()) > -1e-9
    deficit = f["final"].sum("sector") - f["income"] - f["taxes"]
    assert abs(float(deficit.sum())) < 1e-9 * float(f["income"].sum())
    spent = io.expenditure.sel(sector=["chemicals", *ELEMENTS]).sum("sector").rename(country="importer")
    np.testing.assert_allclose(spent, accounts(data).trade.sel(sector="chemicals").sum("exporter"), rtol=1e-11)


def test_order_of_rows_does_not_matter() -> None:
    def shuffle(tables: Tables) -> None:
        for stem in ("input_output", "value_added", "element_use", "element_prices", "application_sector"):
            tables[stem] = tables[stem].sample(frac=1, random_state=3).reset_index(drop=True)

    xr.testing.assert_allclose(ree_input_output(tiny_world(shuffle)), ree_input_output(tiny_world()), rtol=1e-12)


def test_without_known_exports_countries_share_uses_by_output() -> None:
    io = ree_input_output(tiny_world(lambda tables: tables.pop("element_exports")))
    output = flows(io)["revenue"].sel(sector="electronics")
    used = io.element_tonnes.sel(element="Nd", sector="electronics")
    np.testing.assert_allclose(used / used.sum(), output / output.sum(), rtol=1e-9)


def set_cell(stem: str, where: dict[str, object], column: str, value: object) -> Callable[[Tables], None]:
    def edit(tables: Tables) -> None:
        frame = tables[stem]
        mask = pd.Series(True, index=frame.index)
        for name, wanted in where.items():
            mask &= frame[name] == wanted
        assert mask.any()
        frame[column] = frame[column].astype(object if isinstance(value, str) else float)
        frame.loc[mask, column] = value

    return edit


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (set_cell("element_prices", {"element": "Ce"}, "price", 1e7), "worth more than all that the sector buys"),
        (set_cell("element_output", {"element": "Nd"}, "tonnes", 0.0), "nobody mines it in 2008"),
        (set_cell("element_exports", {}, "tonnes", 5000.0), "exports of rare earths are larger"),
        (set_cell("element_exports", {}, "tonnes", 0.001), "uses more of the element than it supplies"),
        (set_cell("application_sector", {"application": "other"}, "weight", 0.9), "lost or invented"),
        (set_cell("element_prices", {"year": 2008}, "year", 2020.0), "a price is missing"),
        (set_cell("value_added", {"sector": "services", "country": "JPN"}, "value", 1.0), "not equal to output"),
    ],
)
def test_what_cannot_be_is_refused_by_name(edit: Callable[[Tables], None], said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        ree_input_output(tiny_world(edit))
    assert all(p.advice for p in caught.value.problems)


def test_the_table_of_a_dataset_is_built_once_and_nobody_shares_it(monkeypatch: pytest.MonkeyPatch) -> None:
    data, again = tiny_world(), tiny_world()
    built: list[Any] = []
    split = ree_rows.split_host
    monkeypatch.setattr(ree_rows, "split_host", lambda *given: built.append(given) or split(*given))
    first = ree_input_output(data)
    first["trade_share"][:] = 0.0
    second = ree_input_output(data)
    assert len(built) == 1
    assert float(second["trade_share"].sum()) > 0
    ree_input_output(again)
    assert len(built) == 2, "another dataset has a table of its own"
