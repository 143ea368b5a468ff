"""Units mixed up: the dataset asks, once a file, in the one list of problems; and takes an answer."""

from __future__ import annotations

import pandas as pd
import pytest

from reestim.data.dataset import check_dataset
from tests.unit.spoiled_folder import Folder
from tests.unit.test_dataset_problems import folder  # noqa: F401  (a copy of the bundled dataset)


def scale(f: Folder, file: str, column: str, factor: float, rows: str = "index == index") -> None:
    table = pd.read_csv(f.path / file)
    table.loc[table.query(rows).index, column] *= factor
    table.to_csv(f.path / file, index=False)


CHINA = "market == 'domestic_CHN'"


@pytest.mark.parametrize(
    ("file", "column", "factor", "rows", "asked"),
    [
        ("element_prices.csv", "price", 1000.0, "market == 'export'", "US$/t or CNY/t"),
        ("element_prices.csv", "price", 0.001, "market == 'export'", "US$/g"),
        ("element_prices.csv", "price", 6350.0, CHINA, "US$/t or CNY/t"),
        ("element_prices.csv", "price", 6.35, CHINA, "CNY/kg"),
        ("element_prices.csv", "price", 0.635, CHINA, "10⁴ CNY/t"),
    ],
)
def test_prices(folder: Folder, file: str, column: str, factor: float, rows: str, asked: str) -> None:  # noqa: F811
    scale(folder, file, column, factor, rows)
    (problem,) = check_dataset(folder.path)
    assert (problem.file, problem.column) == (file, column)
    assert f"are these {asked}?" in problem.message
    assert "US$/kg" in problem.advice
    folder.toml("base_year =", 'units_confirmed = ["element_prices.csv"]\nbase_year =')
    assert check_dataset(folder.path) == []


def test_kilograms_everywhere(folder: Folder) -> None:  # noqa: F811
    for file in ("element_use.csv", "element_output.csv", "element_exports.csv"):
        scale(folder, file, "tonnes", 1000.0)
    problems = check_dataset(folder.path)
    assert [p.file for p in problems] == ["element_use.csv", "element_output.csv"]
    assert all("are these kilograms?" in p.message for p in problems)
    folder.toml("base_year =", 'units_confirmed = ["element_use.csv", "element_output.csv"]\nbase_year =')
    assert check_dataset(folder.path) == []


def test_units_a_hole_and_a_lossy_concordance_in_one_list(folder: Folder) -> None:  # noqa: F811
    scale(folder, "element_prices.csv", "price", 1000.0, "market == 'export'")
    folder.drop("element_prices.csv", "Nd,2005,export")
    folder.set("application_sector.csv", "magnets", "weight", "0.01")
    said = "\n".join(map(str, check_dataset(folder.path)))
    for words in ("US$/t or CNY/t", "the price is missing", "do not sum to 1"):
        assert words in said, said
