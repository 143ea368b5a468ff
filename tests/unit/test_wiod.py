"""The importer of the World Input-Output Database: sums, cleaning rules, mappings and refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from reestim.errors import InputError
from reestim.importers import concordance, mapping, world, world_tables
from reestim.importers.sources import wiod
from tests.unit.wiod_files import COUNTRIES, INDUSTRIES, arrays, write_years

REGIONS = {"CHN": "CHN", "JPN": "ASIA", "USA": "WEST", "RoW": "ASIA"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_years(tmp_path_factory.mktemp("wiod"))


def test_cleaning_says_what_it_moved(folder: Path) -> None:
    table, raw = wiod.read_table(folder, 2008), arrays(2008)
    final = raw["final"].astype(float)
    assert table.moved["negative final uses"] == -final[final < 0].sum()
    assert table.moved["rounding in rows without output"] == 1.0
    idle = COUNTRIES.index("CHN"), INDUSTRIES.index("c19")
    assert table.output[idle] == 0.0
    assert table.final.min() >= 0
    added = table.output.sum() - raw["output"].sum()
    assert added == table.moved["negative final uses"]
    np.testing.assert_allclose(table.value_added, table.output - table.inputs.sum(0), rtol=1e-15)


def test_aggregation_keeps_every_dollar_and_puts_it_where_it_belongs(folder: Path) -> None:
    table = wiod.read_table(folder, 2008)
    merged = world.aggregate(table, REGIONS)
    assert merged.regions == ("CHN", "ASIA", "WEST")
    assert merged.trade.sum() == pytest.approx(table.trade.sum(), rel=1e-14)
    asia = [COUNTRIES.index(c) for c in ("JPN", "RoW")]
    usa = COUNTRIES.index("USA")
    by_hand = table.intermediate[asia, 3][:, usa, 7].sum()
    assert merged.intermediate[1, 3, 2, 7] == pytest.approx(by_hand)
    assert merged.final[2, 5, 1] == pytest.approx(table.final[usa, 5, asia].sum())
    np.testing.assert_allclose(merged.value_added[1], table.value_added[asia].sum(0), rtol=1e-12)


def test_exports_leave_out_what_stays_in_the_region(folder: Path) -> None:
    table = wiod.read_table(folder, 2008)
    merged = world.aggregate(table, REGIONS)
    asia, others = [1, 3], [0, 2]
    by_hand = sum(table.trade[i, 4, n] for i in asia for n in others)
    assert world.exports(merged)[1, 4] == pytest.approx(by_hand)


def test_negative_value_added_moves_inputs_to_final_demand() -> None:
    intermediate = np.zeros((2, 1, 2, 1))
    intermediate[0, 0, 0, 0], intermediate[1, 0, 0, 0] = 60.0, 90.0
    final = np.array([[[10.0, 30.0]], [[5.0, 200.0]]])
    table = world.WorldTable(2008, ("A", "B"), ("c1",), intermediate, final, {})
    clean = world.without_negative_value_added(table)
    assert table.value_added[0, 0] == -50.0  # sells 100, buys 150
    assert clean.value_added[0, 0] == pytest.approx(0.0, abs=1e-12)
    np.testing.assert_allclose(clean.trade, table.trade, rtol=1e-15)
    np.testing.assert_allclose(clean.value_added[1], table.value_added[1], rtol=1e-15)
    assert clean.moved["inputs above output"] == pytest.approx(50.0)
    assert clean.final.min() >= 0


def breaking(name: str) -> dict[str, np.ndarray]:
    content = arrays(2008)
    if name == "missing array":
        del content["final"]
    elif name == "wrong shape":
        content["final"] = content["final"][:, :-1]
    elif name == "not numbers":
        content["intermediate"] = content["intermediate"].astype(float)
        content["intermediate"][3, 4] = np.nan
    elif name == "negative use":
        content["intermediate"][3, 4] = -7
    elif name == "rows off":
        content["output"][10] += 5000
    elif name == "repeated label":
        content["countries"] = np.array(["CHN", "CHN", "USA", "RoW"])
    return content


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("missing array", "an array is missing"),
        ("wrong shape", "has shape"),
        ("not numbers", "something else than numbers"),
        ("negative use", "intermediate use is negative"),
        ("rows off", "1 rows do not add up to output, the worst by 5,0"),
        ("repeated label", "labels must be texts, each once"),
    ],
)
def test_broken_files_are_refused(tmp_path: Path, name: str, said: str) -> None:
    np.savez_compressed(tmp_path / "wiod2013_2008.npz", **breaking(name))  # type: ignore[arg-type]
    with pytest.raises(InputError, match=said):
        wiod.read_table(tmp_path, 2008)


@pytest.mark.parametrize("content", [b"", b"not a zip file", b"PK\x03\x04 cut off"])
def test_damaged_files_are_refused_without_a_traceback(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "wiod2013_2008.npz").write_bytes(content)
    with pytest.raises(InputError, match="cannot be read"):
        wiod.read_table(tmp_path, 2008)


def test_pickled_arrays_are_never_loaded(tmp_path: Path) -> None:
    content = arrays(2008) | {"countries": np.array([{"a": 1}], dtype=object)}
    np.savez_compressed(tmp_path / "wiod2013_2008.npz", **content)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="cannot be read"):
        wiod.read_table(tmp_path, 2008)


def test_folders_and_years_are_checked(tmp_path: Path, folder: Path) -> None:
    assert (
        "no such folder"
        in world_tables.table_problems(world_tables.WORLD_SOURCES["wiod"], tmp_path / "no", 2008, 2010)[0].message
    )
    assert (
        "holds no file"
        in world_tables.table_problems(world_tables.WORLD_SOURCES["wiod"], tmp_path, 2008, 2010)[0].message
    )
    assert world_tables.table_problems(world_tables.WORLD_SOURCES["wiod"], folder, 2008, 2010) == []
    write_years(tmp_path, (2006, 2008))
    said = [
        p.file or p.message
        for p in world_tables.table_problems(world_tables.WORLD_SOURCES["wiod"], tmp_path, 2009, 2010)
    ]
    assert said == [
        "wiod2013_2009.npz",
        "wiod2013_2007.npz",
        "the panel of exports does not reach from before to after 2010",
    ]


def test_every_problem_of_a_mapping_is_listed(tmp_path: Path) -> None:
    path = tmp_path / "regions.csv"
    path.write_text("country,region\nCHN,ASIA\nJPN,ASIA\nJPN,JPN\nUSX,USA\nUSA,\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        mapping.region_mapping(path, COUNTRIES)
    said = {(p.row, p.message) for p in caught.value.problems}
    assert said == {
        (4, "the country is mapped twice"),
        (5, "unknown country"),
        (6, "the region is empty"),
        (None, "the country has no region"),
    }
    assert "RoW" in str(caught.value)
    assert "Did you mean 'USA'" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("country,region\nCHN,ASIA\nJPN,ASIA\nUSA,USA\nRoW,ROW\n", "China is not a region of its own"),
        ("nation,region\nCHN,CHN\n", "the column is missing"),
        ("", "the file is empty"),
    ],
)
def test_mappings_that_cannot_be_used(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "regions.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=said):
        mapping.region_mapping(path, COUNTRIES)
    with pytest.raises(InputError, match="cannot be read"):
        mapping.region_mapping(tmp_path / "none.csv", COUNTRIES)


def test_full_mapping_uses_iso_codes() -> None:
    full = mapping.region_mapping("full", ["CHN", "ROM", "RoW"])
    assert full == {"CHN": "CHN", "ROM": "ROU", "RoW": "ROW"}


def test_concordance_of_industries_is_complete() -> None:
    table = concordance.industry_facts(INDUSTRIES)
    assert tuple(table["industry"]) == INDUSTRIES
    np.testing.assert_allclose(table.groupby("sector")["ree_weight"].sum(), 1.0)


def test_uses_keep_their_weight_and_unknown_sectors_are_named() -> None:
    uses = pd.DataFrame(
        [("magnets", "electrical_optical", 0.7), ("magnets", "wood_paper", 0.3)],
        columns=["application", "sector", "weight"],
    )
    facts = concordance.industry_facts(INDUSTRIES)
    same = {i: i for i in INDUSTRIES}
    carried = concordance.application_industry(uses, facts, same)
    assert dict(zip(carried["sector"], carried["weight"], strict=True)) == {"c14": 0.7, "c6": 0.15, "c7": 0.15}
    merged = concordance.application_industry(uses, facts, same | {"c6": "paper", "c7": "paper"})
    assert dict(zip(merged["sector"], merged["weight"], strict=True)) == {"c14": 0.7, "paper": 0.3}
    with pytest.raises(InputError, match="no industry for the sector: the concordance would lose 30% of magnets"):
        concordance.application_industry(uses.replace("wood_paper", "wod_paper"), facts, same)


def test_trade_elasticities_of_merged_industries_are_means() -> None:
    table = concordance.trade_elasticities(
        ["Nd"], concordance.industry_facts(INDUSTRIES), {i: i for i in INDUSTRIES}
    ).set_index("sector")
    assert list(table.index) == [*INDUSTRIES, "Nd"]
    assert table.loc["c9", "trade_elasticity"] == 3.13
    assert table.loc["c12", "trade_elasticity"] == pytest.approx((3.28 + 6.99) / 2)
    assert table.loc["c35", "trade_elasticity"] == 8.22
    assert table.loc["Nd", "trade_elasticity"] == 10.0
    assert table["source"].str.len().gt(0).all()
