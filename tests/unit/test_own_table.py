"""A world table of one's own: the example of the page, names of countries, separators, decimal commas, Excel."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from reestim.data.dataset import load_dataset
from reestim.data.read import other_encoding
from reestim.errors import InputError
from reestim.importers import concordance
from reestim.importers.build import build_from_tables
from reestim.importers.mapping import region_mapping
from reestim.importers.sources import tidy
from reestim.importers.world_tables import WORLD_SOURCES, table_problems
from tests.unit import world_files

PAGE = Path(__file__).resolve().parents[2] / "docs" / "own-data.md"


def example(of: str, file: Path) -> Path:
    """A block of the page as a file."""
    found = re.search(rf"<!-- example of {of} -->\n```csv\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    file.write_text(found[1], encoding="utf-8")
    return file


def test_the_example_of_the_page_is_a_table(tmp_path: Path) -> None:
    table = WORLD_SOURCES["tidy"].table(example("a world table", tmp_path / "world_2008.csv"), 2008)
    assert table.regions == ("CHN", "JPN")
    assert table.output[table.regions.index("CHN")].tolist() == [212310.5, 88000.0]
    assert table.value_added[1, table.industries.index("chemicals")] == pytest.approx(62250 - 310.5)
    frame, words = tidy.factors(tmp_path / "world_2008.csv", 2008)
    assert frame is not None
    assert frame.to_dict("list") == {
        "country": ["CHN"],
        "industry": ["chemicals"],
        "labor": [36000.0],
        "added": [88000.0],
    }
    assert words == []
    facts = concordance.industry_facts(table.industries, example("industries", tmp_path / "industries.csv"))
    assert facts["sector"].tolist() == ["agriculture", "chemicals"]


def test_names_become_codes_and_a_mapping_may_use_either(tmp_path: Path) -> None:
    path = tmp_path / "mine_2008.csv"
    table = world_files.tidy(path, ["farming", "chemicals"])
    named = {"CHN": "China", "JPN": "Japan", "USA": "United States", "ROW": "Rest of the World"}
    table.replace({"exporter": named, "importer": named}).to_csv(path, index=False)
    read = WORLD_SOURCES["tidy"].table(path, 2008)
    assert {"CHN", "JPN", "USA"} <= set(read.regions)
    mapping = tmp_path / "regions.csv"
    mapping.write_text("country,region\nChina,CHN\nJPN,JPN\n*,ROW\n")
    assert region_mapping(mapping, read.regions)["CHN"] == "CHN"


@pytest.mark.parametrize(("separator", "decimal"), [(";", ","), ("\t", ","), (";", "."), ("\t", ".")])
def test_semicolons_tabs_and_decimal_commas(tmp_path: Path, separator: str, decimal: str) -> None:
    table = world_files.tidy(tmp_path / "a_2008.csv", ["farming", "chemicals"])
    table.to_csv(tmp_path / "b_2008.csv", index=False, sep=separator, decimal=decimal)
    one, other = (tidy.read(tmp_path / name, 2008) for name in ("a_2008.csv", "b_2008.csv"))
    np.testing.assert_allclose(one.intermediate, other.intermediate)
    np.testing.assert_allclose(one.final, other.final)


def test_commas_that_may_stand_before_thousands_are_asked_about(tmp_path: Path) -> None:
    path = tmp_path / "w_2008.csv"
    table = world_files.tidy(path, ["farming", "chemicals"])
    table.assign(value="2,900").to_csv(path, index=False, sep=";")
    with pytest.raises(InputError, match="decimal signs or stand before thousands"):
        tidy.read(path, 2008)


def test_a_workbook_is_read_and_one_without_the_columns_refused(tmp_path: Path) -> None:
    table = world_files.tidy(tmp_path / "a_2008.csv", ["farming", "chemicals"])
    table.to_excel(tmp_path / "b_2008.xlsx", index=False)
    one, other = tidy.read(tmp_path / "a_2008.csv", 2008), tidy.read(tmp_path / "b_2008.xlsx", 2008)
    np.testing.assert_allclose(one.intermediate, other.intermediate)
    pd.DataFrame({"a": [1]}).to_excel(tmp_path / "c_2008.xlsx", index=False)
    with pytest.raises(InputError, match="no sheet has the columns"):
        tidy.read(tmp_path / "c_2008.xlsx", 2008)


def test_a_file_without_a_year_in_its_name_is_said_to_be_one(tmp_path: Path) -> None:
    path = tmp_path / "world.csv"
    world_files.tidy(path, ["farming", "chemicals"])
    (problem,) = table_problems(WORLD_SOURCES["tidy"], path, 2008, 2010)
    assert problem.message == "the file is not called <name>_<year>.csv or .xlsx"


def with_factors(path: Path, edit: float = 1.0) -> pd.DataFrame:
    """A table whose file says what labour and capital earn: 30 % of value added in farming, 60 % in chemicals."""
    table = world_files.tidy(path, ["farming", "chemicals"])
    left = WORLD_SOURCES["tidy"].table(path, 2008)
    rows = [
        (region, factor, region, industry, edit * share * float(left.value_added[n, s]))
        for n, region in enumerate(left.regions)
        for s, (industry, labor) in enumerate((("farming", 0.3), ("chemicals", 0.6)))
        for factor, share in (("labor", labor), ("capital", 1 - labor))
    ]
    whole = pd.concat([table, pd.DataFrame(rows, columns=table.columns)])
    whole.to_csv(path, index=False)
    return whole


def test_what_labour_and_capital_earn_may_stand_in_the_table(tmp_path: Path) -> None:
    path = tmp_path / "w_2008.csv"
    with_factors(path)
    frame, words = tidy.factors(path, 2008)
    assert frame is not None
    for industry, share in (("farming", 0.3), ("chemicals", 0.6)):
        np.testing.assert_allclose(frame[frame["industry"] == industry].eval("labor / added"), share)
    assert set(tidy.read(path, 2008).industries) == {"farming", "chemicals"}
    # inventories below zero become zero: output, and with it value added, is more than the file has
    assert all("differs by" in text for text in words)


def test_value_added_of_another_size_and_factors_in_the_wrong_place_are_refused(tmp_path: Path) -> None:
    with_factors(tmp_path / "w_2008.csv", edit=1000.0)
    with pytest.raises(InputError, match="not what output less inputs leaves"):
        tidy.factors(tmp_path / "w_2008.csv", 2008)
    table = with_factors(tmp_path / "v_2008.csv")
    table.reset_index(drop=True).assign(
        exporter=[*table["exporter"][:-1], "JPN" if table["exporter"].iloc[-1] != "JPN" else "USA"],
        use=[*table["use"][:-2], "households", table["use"].iloc[-1]],
    ).to_csv(tmp_path / "v_2008.csv", index=False)
    with pytest.raises(InputError) as error:
        tidy.read(tmp_path / "v_2008.csv", 2008)
    assert {p.message for p in error.value.problems} == {"unknown use", "a factor is paid abroad"}


def test_a_dataset_has_the_labour_shares_of_its_own_table(tmp_path: Path) -> None:
    industries = list(pd.read_csv(concordance.HERE / "industries_icio.csv")["industry"])
    path = tmp_path / "w_2008.csv"
    table = world_files.tidy(path, industries)
    left = WORLD_SOURCES["tidy"].table(path, 2008)
    whole = [("CHN", "value_added", "CHN", i, v) for i, v in zip(industries, left.value_added[0], strict=True)]
    labor = [("CHN", "labor", "CHN", use, 0.4 * value) for *_, use, value in whole]
    pd.concat([table, pd.DataFrame(whole + labor, columns=table.columns)]).to_csv(path, index=False)
    (tmp_path / "r.csv").write_text("country,region\nCHN,CHN\nJPN,JPN\n*,ROW\n", encoding="utf-8")
    out = build_from_tables(path, 2008, tmp_path / "out", tmp_path / "r.csv", source="tidy", simulated=False)
    data = load_dataset(out)
    earned = data["value_added"].query("country == 'CHN'").groupby(["factor", "sector"])["value"].sum()
    np.testing.assert_allclose(earned["labor"] / (earned["labor"] + earned["capital"]), 0.4)
    note = next(note for note in data.meta.notes if note.startswith("Cleaning"))
    assert "that of its accounts" in note
    assert "say nothing of labour" in note  # of Japan and the rest of the world


def test_other_encodings_are_asked_about_and_read_when_named(tmp_path: Path) -> None:
    path = tmp_path / "w_2008.csv"
    table = world_files.tidy(path, ["farming", "chemicals"])
    named = table.replace({"exporter": {"USA": "Côte d'Ivoire"}, "importer": {"USA": "Côte d'Ivoire"}})
    for encoding in ("cp1252", "utf-16", "mac_roman"):
        named.to_csv(path, index=False, encoding=encoding)
        with pytest.raises(InputError, match="not UTF-8") as error:
            tidy.read(path, 2008)
        (problem,) = error.value.problems
        assert "--encoding" in problem.advice
        assert ("Côte d'Ivoire" in problem.advice) == (encoding == "cp1252")
        with other_encoding(encoding):
            assert "CIV" in tidy.read(path, 2008).regions
    table.to_csv(path, index=False)
    with other_encoding("utf-16"):
        assert "USA" in tidy.read(path, 2008).regions  # a file in UTF-8 is read as such
    with pytest.raises(InputError, match="the encoding is unknown"), other_encoding("klingon"):
        pass
