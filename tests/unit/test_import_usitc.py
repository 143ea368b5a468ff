"""USITC DataWeb: the price shock of 2011 as it stands in the file, and everything that can be wrong with an export."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer.testing

from reestim.cli.app import app
from reestim.errors import InputError
from reestim.importers.imported import ImportOptions
from reestim.importers.registry import import_files

YEARS = [2009, 2010, 2011]
HEAD = ["file", "sheet", "Data Type", "Country", "HTS Number", "Description", "Quantity Description", *map(str, YEARS)]
IMPORTS, EXPORTS = "us_imports_for_consumption_2009-2011", "us_domestic_exports_2009-2011"
Rows = list[list[str]]

#: customs value (million US$) and tonnes of imports of HTS 2846 from China, as shared/data/facts.md has them.
FACTS = {
    2005: (40.4, 18964),
    2006: (55.9, 23837),
    2007: (72.0, 21096),
    2008: (122.2, 18255),
    2009: (67.4, 12912),
    2010: (114.0, 13620),
    2011: (460.0, 6387),
    2012: (173.6, 4058),
    2013: (127.9, 9965),
    2014: (92.6, 10795),
    2015: (81.5, 9458),
    2016: (55.9, 13419),
}


def pair(country: str, hts: str, values: list[float], kilograms: list[float], file: str = IMPORTS) -> Rows:
    """Value and quantity of one series, as DataWeb writes them."""
    kind = "Customs Value" if file == IMPORTS else "FAS Value"
    what = "COMPOUNDS, INORGANIC OR ORGANIC, OF RARE-EARTH METALS"
    return [
        [file, kind, kind, country, hts, what, "Value for: kilograms", *map(str, values)],
        [
            file,
            "First Unit of Quantity",
            "First Unit of Quantity",
            country,
            hts,
            what,
            "kilograms",
            *map(str, kilograms),
            *["0.0"] * len(YEARS),
        ],
    ]


def export() -> Rows:
    """China and Japan sell compounds, China magnets by the piece; the United States sell some compounds themselves."""
    pieces = [
        [*row[:6], row[6].replace("kilograms", "number"), *row[7:]] for row in pair("China", "8505", *[[9e6] * 3] * 2)
    ]
    return [
        [*HEAD, *(f"{y}_Suppressed" for y in YEARS)],
        *pair("China", "2846", [67e6, 114e6, 460e6], [12.9e6, 13.6e6, 6.4e6]),
        *pair("Japan", "2846", [20e6, 30e6, 90e6], [1e6, 1e6, 0.9e6]),
        *pair("China", "2846", [1e6, 3e6, 5e6], [1e5, 3e5, 2e5], EXPORTS),
        *pieces,
    ]


def write(folder: Path, rows: Rows, name: str = "dataweb.csv") -> Path:
    with (folder / name).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return folder / name


def panel_of(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "ree_use_panel.csv").set_index("year")


def test_imports_of_compounds_by_partner_and_from_all(tmp_path: Path) -> None:
    file = write(tmp_path, export())
    import_files("usitc", [file], tmp_path / "china", ImportOptions(partners=("China",)))
    panel = panel_of(tmp_path / "china")
    np.testing.assert_allclose(panel["value"], [67, 114, 460])
    np.testing.assert_allclose(panel["tonnes"], [12900, 13600, 6400])
    assert set(panel["country"]) == {"USA"}
    assert set(panel["sector"]) == {"all"}
    about = import_files("usitc", [file], tmp_path / "all").about
    np.testing.assert_allclose(panel_of(tmp_path / "all")["value"], [87, 144, 550])
    assert any("8505 that are not counted in kilograms" in words for words in about["left_out"])
    trade = pd.read_csv(tmp_path / "all" / "sources" / "usitc_trade.csv")
    sold = trade.query("flow == 'exports' and partner == 'CHN'").set_index("year")
    np.testing.assert_allclose(sold["tonnes"], [100, 300, 200])
    kept = json.loads((tmp_path / "all" / "sources" / "usitc.json").read_text())
    assert kept["files"][0]["name"] == "dataweb.csv"
    assert len(kept["files"][0]["sha256"]) == 64
    assert kept["edition"].startswith("DataWeb")


def test_the_real_file_gives_the_figures_of_the_facts(shared_data: Path, tmp_path: Path) -> None:
    file = shared_data / "usgs" / "usitc_ree_hts4_1993_2026.csv"
    result = import_files("usitc", [file], tmp_path / "out", ImportOptions(partners=("China",)))
    panel = panel_of(tmp_path / "out")
    for year, (value, tonnes) in FACTS.items():
        assert round(panel.loc[year, "value"], 1) == value, year
        assert round(panel.loc[year, "tonnes"]) == tonnes, year
    assert 2026 not in panel.index
    assert any("2026" in words for words in result.about["left_out"])
    assert panel.loc[2011, "value"] / panel.loc[2011, "tonnes"] * 1e3 == pytest.approx(72, abs=0.5)


def test_the_real_file_is_what_the_bundled_panel_was_typed_from(
    shared_data: Path, project: Path, tmp_path: Path
) -> None:
    file = shared_data / "usgs" / "usitc_ree_hts4_1993_2026.csv"
    import_files("usitc", [file], tmp_path / "out", ImportOptions(partners=("CHN",)))
    bundled = pd.read_csv(project / "data" / "simulated-2010" / "ree_use_panel.csv").set_index("year")
    read = panel_of(tmp_path / "out").loc[bundled.index]
    for name in ("tonnes", "value"):
        np.testing.assert_allclose(read[name], bundled[name], rtol=1e-12)


def without_quantity(rows: Rows) -> Rows:
    return [row for n, row in enumerate(rows) if n != 2]


def repeated(rows: Rows) -> Rows:
    return [*rows, *rows[1:3]]


def landed(rows: Rows) -> Rows:
    return [[c.replace("Customs Value", "Landed Duty-Paid Value") for c in row] for row in rows]


def general(rows: Rows) -> Rows:
    return [[c.replace("imports_for_consumption", "general_imports") for c in row] for row in rows]


def in_tonnes(rows: Rows) -> Rows:
    def scaled(row: list[str]) -> list[str]:
        return [*row[:7], *(str(float(c) / 1e3) for c in row[7:])] if row[6] == "kilograms" else row

    return [rows[0], *map(scaled, rows[1:])]


def deeper(rows: Rows) -> Rows:
    return [*rows, *pair("China", "284690", [1e6] * 3, [1e5] * 3)]


def blank(rows: Rows) -> Rows:
    return [rows[0], [*rows[1][:-1], ""], *rows[2:]]


def monthly(rows: Rows) -> Rows:
    return [
        [c.replace("2009", "January").replace("2010", "February").replace("2011", "March") for c in rows[0]],
        *rows[1:],
    ]


def hole(rows: Rows) -> Rows:
    return [[c.replace("2009", "2008") for c in rows[0]], *rows[1:]]


def unknown(rows: Rows) -> Rows:
    return [[c.replace("Japan", "Jpan") for c in row] for row in rows]


def mixed(rows: Rows) -> Rows:
    return [row[1:] for row in rows]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (without_quantity, "the row has no quantity"),
        (repeated, "the row is repeated"),
        (landed, "values of another kind"),
        (general, "these are general imports"),
        (in_tonnes, "Are the values US$ where thousands or millions are meant, or the mass thousands of tonnes?"),
        (deeper, "levels of the HTS are mixed"),
        (blank, "the cell is empty"),
        (monthly, "there is no column of a year"),
        (hole, "the year 2009 is missing"),
        (unknown, "Did you mean 'Japan'?"),
        (mixed, "imports and exports are mixed"),
    ],
)
def test_what_is_wrong_with_an_export_is_said(spoil: Callable[[Rows], Rows], said: str, tmp_path: Path) -> None:
    file = write(tmp_path, spoil(export()))
    with pytest.raises(InputError) as error:
        import_files("usitc", [file], tmp_path / "out")
    assert said in str(error.value)
    assert [p.name for p in tmp_path.iterdir()] == ["dataweb.csv"], "nothing may be written"


def test_odd_magnitudes_may_be_confirmed(tmp_path: Path) -> None:
    file = write(tmp_path, in_tonnes(export()))
    import_files("usitc", [file], tmp_path / "out", ImportOptions(partners=("China",), confirm_units=True))
    np.testing.assert_allclose(panel_of(tmp_path / "out")["tonnes"], [12.9, 13.6, 6.4])


def reestim(*arguments: object) -> typer.testing.Result:
    return typer.testing.CliRunner().invoke(app, ["data", "import", *map(str, arguments)])


def test_the_command_says_what_it_did_and_keeps_what_is_there(tmp_path: Path) -> None:
    file, out = write(tmp_path, export()), tmp_path / "my-data"
    said = reestim("usitc", file, "--partner", "China", "--out", out)
    assert said.exit_code == 0, said.output
    assert "LEFT OUT: 2 rows of HTS 8505" in said.output
    (out / "note.txt").write_text("mine")
    again = reestim("usitc", file, "--out", out)
    assert again.exit_code == 1
    assert "the file is there already" in again.output
    assert panel_of(out).loc[2011, "value"] == 460
    replaced = reestim("usitc", file, "--out", out, "--overwrite", "--json")
    assert replaced.exit_code == 0, replaced.output
    assert json.loads(replaced.output)["rows"] == {"ree_use_panel": 3}
    assert panel_of(out).loc[2011, "value"] == 550
    assert (out / "note.txt").read_text() == "mine"
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


def test_wrong_commands_get_one_list(tmp_path: Path) -> None:
    file = write(tmp_path, export())
    wrong = reestim("usitc", file, tmp_path / "datawb.csv", "--mapping", file, "--out", file)
    assert wrong.exit_code == 1
    for said in ("--mapping", "Did you mean 'dataweb.csv'?", "this is a file, not a folder"):
        assert said in wrong.output
    assert "Did you mean 'usitc'?" in reestim("ustic", file, "--out", tmp_path / "x").output
    assert "Did you mean 'China'?" in reestim("usitc", file, "--partner", "Chna", "--out", tmp_path / "x").output
    assert "the files do not give it" in reestim("usitc", file, "--only", "trade", "--out", tmp_path / "x").output
    assert not (tmp_path / "x").exists()


def test_the_list_names_every_source(tmp_path: Path) -> None:
    listed = json.loads(reestim("--list", "--json").output)
    assert {"usitc"} <= {row["name"] for row in listed["import"]}
    assert all(row["edition"] and row["licence"] and row["where"] and row["gives"] for row in listed["import"])
    assert "wiod" in {row["name"] for row in listed["build"]}
    assert "usitc" in reestim("--list").output
