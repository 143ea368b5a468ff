"""A world table of one's own: the example of the page, names of countries, separators, decimal commas, Excel."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from reestim.errors import InputError
from reestim.importers import concordance
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
