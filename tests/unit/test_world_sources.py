"""World tables in the layouts of OECD, WIOD and EXIOBASE, as tidy CSV and arrays: read right, or refused in words."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import reestim as ree
from reestim.data.dataset import check_dataset, load_dataset
from reestim.errors import InputError
from reestim.importers import concordance, world
from reestim.importers.build import build_from_tables
from reestim.importers.mapping import region_mapping
from reestim.importers.sources import caliendo_parro, exiobase
from reestim.importers.world_tables import WORLD_SOURCES
from reestim.io.toml_files import value_text
from tests.unit import world_files

ICIO = list(pd.read_csv(concordance.HERE / "industries_icio.csv")["industry"])
POLICY_YEAR = 2010


def by_label(table: world.WorldTable, cell: tuple[str, str, str, str]) -> float:
    seller, good, buyer, user = cell
    at = table.regions.index, table.industries.index
    return float(table.intermediate[at[0](seller), at[1](good), at[0](buyer), at[1](user)])


def test_icio_places_every_cell_by_its_label(tmp_path: Path) -> None:
    frame = world_files.icio(tmp_path / "2008_SML.csv", ICIO, discrepancy=True)
    table = WORLD_SOURCES["icio"].table(tmp_path / "2008_SML.csv", 2008)
    assert set(table.regions) == set(world_files.REGIONS)
    assert set(table.industries) == set(ICIO)
    for seller, buyer in (("JPN_C26", "USA_C29"), ("CHN_B07_08", "CHN_C20"), ("ROW_T", "JPN_A01_02")):
        cell = (*seller.split("_", 1), *buyer.split("_", 1))
        assert by_label(table, cell) == pytest.approx(frame.loc[seller, buyer])
    uses = [f"USA_{u}" for u in ("HFCE", "NPISH", "GGFC", "GFCF", "DPABR", "INVNT")]
    bought = float(table.final[table.regions.index("JPN"), table.industries.index("C26"), table.regions.index("USA")])
    assert bought == pytest.approx(frame.loc["JPN_C26", uses].clip(lower=0).sum())
    inventories = frame[[c for c in frame.columns if c.endswith("_INVNT")]].drop(index=["VA", "TLS", "OUT"])
    assert table.moved["negative final uses"] == pytest.approx(-inventories.clip(upper=0).to_numpy().sum())
    assert table.moved["sales without a buyer"] == pytest.approx(7.0 * 4 * len(ICIO))
    assert table.moved["gap between rows and published output"] < 1e-4


def test_wiod_sheets_and_arrays_of_the_same_numbers_agree(tmp_path: Path) -> None:
    body = world_files.wiod_sheet(tmp_path / "wiot08_row_apr12.xlsx", 2008)
    sheet = WORLD_SOURCES["wiod"].table(tmp_path / "wiot08_row_apr12.xlsx", 2008)
    rows = body.shape[0]
    np.savez(
        tmp_path / "wiod2013_2008.npz",
        countries=np.array(world_files.REGIONS),
        industries=np.array([f"c{k}" for k in range(1, 36)]),
        intermediate=body[:, :rows],
        final=body[:, rows:],
        output=body.sum(1),
    )
    plain = WORLD_SOURCES["wiod"].table(tmp_path / "wiod2013_2008.npz", 2008)
    assert sheet.regions == plain.regions
    np.testing.assert_allclose(sheet.intermediate, plain.intermediate, rtol=1e-12)
    np.testing.assert_allclose(sheet.final, plain.final, rtol=1e-12)
    assert sheet.moved["negative final uses"] == pytest.approx(plain.moved["negative final uses"])
    assert WORLD_SOURCES["wiod"].files(tmp_path)[2008].suffix == ".npz"


@pytest.mark.parametrize(("label", "code"), [("RO", "ROU"), ("ROM", "ROU"), ("ROU", "ROU"), ("SCG", None)])
def test_regions_of_exiobase_by_their_codes_of_any_year(label: str, code: str | None) -> None:
    assert exiobase._country(label) == code


def test_exiobase_is_added_up_to_nace_and_converted(tmp_path: Path) -> None:
    intermediate, final = world_files.exiobase(tmp_path / "IOT_2008_ixi.zip")
    table = WORLD_SOURCES["exiobase"].table(tmp_path / "IOT_2008_ixi.zip", 2008, usd_per_unit=1.5)
    assert table.regions == ("CHN", "JPN", "USA", "WWA")
    assert table.industries == tuple(f"c{k}" for k in range(1, 36))
    names = world_files.exiobase_names("ixi")
    chemicals = [
        k
        for k, name in enumerate(names)
        if name
        in {
            "Plastics, basic",
            "Re-processing of secondary plastic into new plastic",
            "N-fertiliser",
            "P- and other fertiliser",
            "Chemicals nec",
        }
    ]
    mining = list(range(names.index("Mining of coal and lignite; extraction of peat (10)"), 34))
    by_hand = intermediate[np.ix_([len(names) + k for k in mining], [2 * len(names) + k for k in chemicals])].sum()
    assert by_label(table, ("JPN", "c2", "USA", "c9")) == pytest.approx(1.5 * by_hand)
    assert table.trade.sum() == pytest.approx(1.5 * (intermediate.sum() + final.clip(min=0).sum()), rel=1e-3)
    products = world_files.exiobase(tmp_path / "IOT_2008_pxp.zip", "pxp")[0]
    table = WORLD_SOURCES["exiobase"].table(tmp_path / "IOT_2008_pxp.zip", 2008)
    assert table.intermediate.sum() == pytest.approx(products.sum())


def test_tidy_and_arrays_of_the_same_numbers_agree(tmp_path: Path) -> None:
    table = world_files.tidy(tmp_path / "mine_2008.csv", ["farming", "chemicals"])
    read = WORLD_SOURCES["tidy"].table(tmp_path / "mine_2008.csv", 2008)
    picked = table.query("exporter == 'JPN' and input == 'farming' and importer == 'USA' and use == 'chemicals'")
    assert by_label(read, ("JPN", "farming", "USA", "chemicals")) == pytest.approx(picked["value"].iloc[0])
    assert read.trade.sum() == pytest.approx(table["value"].clip(lower=0).sum())


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset from one table of the OECD, its services added up to one sector."""
    folder = tmp_path_factory.mktemp("icio")
    world_files.icio(folder / "ICIO2023_2008.csv", ICIO)
    services = [i for i in ICIO if i[0] > "C"]
    rows = [f"{i},services" for i in services] + [f"{i},{i}" for i in ICIO if i not in services]
    (folder / "sectors.csv").write_text("industry,sector\n" + "\n".join(rows) + "\n")
    (folder / "regions.csv").write_text("country,region\nCHN,CHN\nJPN,JPN\n*,ROW\n")
    mapping, sectors = folder / "regions.csv", folder / "sectors.csv"
    return build_from_tables(
        folder / "ICIO2023_2008.csv", 2008, folder / "out", mapping, source="icio", sectors=sectors
    )


def test_a_dataset_from_one_table_is_sound_and_says_what_was_done(built: Path) -> None:
    assert check_dataset(built) == []
    data = load_dataset(built)
    assert set(data.countries) == {"CHN", "JPN", "ROW"}
    assert set(data.goods) == {*(i for i in ICIO if i[0] <= "C"), "services"}
    assert data.meta.host_sector == "C20"
    assert "outcomes" not in data
    notes = " ".join(data.meta.notes)
    for said in ("Inter-Country", "one table gives no panel", "negative final uses", "services = ", "ROW = USA ROW"):
        assert said in notes or said == "ROW = USA ROW", said
    economy = ree.Economy.from_dataset(data)
    assert economy.check()["relative_gap"].max() < 1e-9
    assert economy.baseline.ree_share[:, list(economy.sectors).index("C26")].min() > 0


def test_conversion_asks_for_a_rate_and_magnitudes_are_checked(tmp_path: Path) -> None:
    world_files.exiobase(tmp_path / "IOT_2008_ixi.zip")
    with pytest.raises(InputError, match="million euro, a dataset is in million US"):
        build_from_tables(tmp_path, 2008, tmp_path / "out", "full", source="exiobase")
    (tmp_path / "rates.csv").write_text("year,usd_per_unit\n2007,1.4\n")
    with pytest.raises(InputError, match="rate of a year is missing"):
        build_from_tables(
            tmp_path, 2008, tmp_path / "out", source="exiobase", exchange_rate=str(tmp_path / "rates.csv")
        )
    with pytest.raises(InputError, match="not plausible in million US"):
        build_from_tables(tmp_path, 2008, tmp_path / "out", source="exiobase", exchange_rate="1.5e-6")
    assert not (tmp_path / "out").exists()


def test_a_row_for_all_others_takes_them(tmp_path: Path) -> None:
    path = tmp_path / "regions.csv"
    path.write_text("country,region\nCHN,CHN\n*,ROW\n*,OTHER\n")
    with pytest.raises(InputError, match="mapped twice"):
        region_mapping(path, ["CHN", "JPN", "USA"])
    path.write_text("country,region\nCHN,CHN\n*,ROW\n")
    assert region_mapping(path, ["CHN", "JPN"]) == {"CHN": "CHN", "JPN": "ROW"}


def test_the_arrays_route_on_real_tables(shared_data: Path) -> None:
    """WIOD 2008 as plain arrays: the rules move little, and every account closes."""
    path = shared_data / "wiod2013" / "wiod2013_2008.npz"
    if not path.exists():
        pytest.skip("the folder ../shared/data/wiod2013 is not here")
    table = WORLD_SOURCES["arrays"].table(path, 2008)
    assert world.magnitude_problems(table, path.name) == []
    output = table.output.sum()
    assert 0 < table.moved["negative final uses"] / output < 2e-3
    assert table.moved["rounding in rows without output"] / output < 1e-6
    assert table.moved["gap between rows and published output"] / output < 1e-3  # whole millions in 1,435 rows
    closed = world.without_negative_value_added(table)
    np.testing.assert_allclose(closed.inputs.sum(0) + closed.value_added, closed.output, rtol=1e-12, atol=1e-6)
    assert closed.value_added.min() > -1e-6
    assert closed.moved["inputs above output"] / output < 1e-3
    regions = region_mapping(None, table.regions)
    merged = world.aggregate(
        table, regions, {i: "goods" if k < 16 else "services" for k, i in enumerate(table.industries)}
    )
    assert merged.intermediate.shape == (12, 2, 12, 2)
    assert merged.trade.sum() == pytest.approx(table.trade.sum(), rel=1e-12)


def test_the_economy_of_caliendo_and_parro_is_read_in_million_dollars(shared_data: Path, tmp_path: Path) -> None:
    ds = caliendo_parro.read_economy(shared_data / "cp2015.npz")
    income = ds.factor_income.sum("factor")
    assert float(income.sel(country="USA")) == pytest.approx(6.5e6, rel=0.02)
    assert float(ds.input_share.min()) >= 0
    np.testing.assert_allclose(ds.input_share.sum("input") + ds.factor_share.sum("factor"), 1, atol=1e-6)
    (tmp_path / "cp2015.npz").write_bytes(b"no archive")
    with pytest.raises(InputError, match="cannot be read"):
        caliendo_parro.read_economy(tmp_path / "cp2015.npz")
    np.savez(tmp_path / "cp2015.npz", regions=np.array(["Atlantis"]), sectors=np.array(["Food"]))
    with pytest.raises(InputError, match="an array is missing"):
        caliendo_parro.read_economy(tmp_path / "cp2015.npz")


def test_tariffs_inside_a_region_leave_its_purchases() -> None:
    """Output is what sellers get, before and after; what industries paid in duties is their region's value added."""
    rng = np.random.default_rng(0)
    intermediate, final = rng.uniform(1, 2, (3, 2, 3, 2)), rng.uniform(8, 9, (3, 2, 3))
    trade = intermediate.sum(axis=3) + final
    duties = 0.1 * trade * (1 - np.eye(3))[:, None, :]
    table = world.WorldTable(1993, ("CHN", "FIN", "SWE"), ("a", "b"), intermediate, final, {}, duties)
    merged = world.aggregate(table, {"CHN": "CHN", "FIN": "REU", "SWE": "REU"})
    assert merged.duties is not None
    inside = duties[1, :, 2] + duties[2, :, 1]
    np.testing.assert_allclose(merged.duties[1, :, 1], 0.0)
    np.testing.assert_allclose(merged.duties[0, :, 1], duties[0, :, 1:].sum(axis=1))
    np.testing.assert_allclose(merged.output[1], table.output[1:].sum(axis=0))
    np.testing.assert_allclose(merged.trade[1, :, 1], trade[1:, :, 1:].sum(axis=(0, 2)) - inside)
    freed = merged.value_added[1].sum() - table.value_added[1:].sum()
    home = intermediate[1:, :, 1:].sum(axis=(0, 2, 3)) / trade[1:, :, 1:].sum(axis=(0, 2))
    assert freed == pytest.approx(float((inside * home).sum()))
    assert merged.moved["tariffs inside regions"] == pytest.approx(float(inside.sum()))


def test_names_that_are_no_keys_of_toml_are_quoted() -> None:
    value = {"Basic metals": 0.9, "Machinery n.e.c": 0.5, 'a "b"': 1.0, "plain_key-1": [1, 2], "Ärzte": {"x": 1.5}}
    assert tomllib.loads(f"sigma = {value_text(value)}\n")["sigma"] == value
    assert tomllib.loads(f"names = {value_text(['é', 'y'])}\n")["names"] == ["é", "y"]


def test_a_dataset_from_caliendo_and_parro_has_their_tariffs(shared_data: Path, tmp_path: Path) -> None:
    path = shared_data / "cp2015.npz"
    out = build_from_tables(path, 1993, tmp_path / "cp", source="caliendo-parro", facts_year=2008)
    data = load_dataset(out)
    tariffs = data["policy"].query("importer == 'USA' and exporter == 'CHN' and sector == 'Textile'")["tariff"]
    raw = np.load(path)
    at = [str(r) for r in raw["regions"]]
    expected = raw["tariff_1993"][at.index("USA"), at.index("China"), 3]
    assert float(tariffs.iloc[0]) == pytest.approx(float(expected), rel=1e-9)
    assert data.meta.base_year == 2008
    assert any("The world economy is that of 1993" in note for note in data.meta.notes)
    assert ree.Economy.from_dataset(data).check()["relative_gap"].max() < 1e-8
