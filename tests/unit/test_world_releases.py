"""WIOD 2016 with its accounts, FIGARO, the inter-country tables of 2025: read right, or refused in words."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import reestim as ree
from reestim.data.dataset import check_dataset, load_dataset
from reestim.errors import InputError
from reestim.importers.build import build_from_tables
from reestim.importers.isic import sector_of
from reestim.importers.sources import wiod_sea
from reestim.importers.world import WorldTable
from reestim.importers.world_tables import WORLD_SOURCES
from tests.unit import world_files
from tests.unit.world_files import REGIONS, WIOD2016

#: Industries of FIGARO as it writes them, and of the inter-country tables of 2025.
FIGARO = ("A01", "B", "C10T12", "C20", "C24", "C26", "C27", "C28", "C29", "C31_32", "J62_63", "R90T92", "U")
ICIO_2025 = (
    "A01",
    "A02",
    "A03",
    "B05",
    "B06",
    "B07",
    "B08",
    "B09",
    "C10T12",
    "C17_18",
    "C20",
    "C24A",
    "C24B",
    "C26",
    "C301",
)


def sold(table: WorldTable, seller: str, good: str, buyer: str, user: str) -> float:
    i, k, n = table.regions.index(seller), table.industries.index(good), table.regions.index(buyer)
    return float(table.intermediate[i, k, n, table.industries.index(user)])


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the table of 2014 as Stata file, and its accounts, in which JPN has no capital stock."""
    folder = tmp_path_factory.mktemp("wiod2016")
    flat = world_files.wiod2016(2014)
    names = {name: f"v{name}" for name in flat.columns[5:]}
    flat.rename(columns=names).to_stata(folder / "WIOT2014_October16_ROW.dta", write_index=False)
    world_files.sea(folder / "Socio_Economic_Accounts.xlsx", range(2009, 2015), lacking=("JPN", "K"))
    return folder


def test_every_industry_of_the_release_of_2016_has_a_sector() -> None:
    assert len(WIOD2016) == 56
    assert len({sector_of(code) for code in WIOD2016} - {None}) == 20
    assert all(sector_of(code) for code in (*FIGARO, *ICIO_2025))


def test_the_layouts_of_one_table_agree_and_every_cell_has_its_place(release: Path, tmp_path: Path) -> None:
    flat = world_files.wiod2016(2014)
    flat.to_csv(tmp_path / "WIOT2014_October16_ROW.csv", index=False)
    source = WORLD_SOURCES["wiod2016"]
    stata = source.table(release / "WIOT2014_October16_ROW.dta", 2014)
    assert source.files(release) == {2014: release / "WIOT2014_October16_ROW.dta"}
    assert (stata.regions, stata.industries) == (REGIONS, WIOD2016)
    of_r = source.table(tmp_path / "WIOT2014_October16_ROW.csv", 2014)
    np.testing.assert_array_equal(stata.intermediate, of_r.intermediate)
    np.testing.assert_array_equal(stata.final, of_r.final)
    row = flat.query("IndustryCode == 'C26' and Country == 'JPN'").iloc[0]
    user = WIOD2016.index("C29") + 1
    assert sold(stata, "JPN", "C26", "USA", "C29") == pytest.approx(row[f"USA{user}"])
    uses = row[[f"USA{k}" for k in range(57, 62)]].astype(float).clip(lower=0).sum()
    assert stata.final[1, WIOD2016.index("C26"), 2] == pytest.approx(uses)
    assert stata.moved["gap between rows and published output"] < 1e-3


def test_the_workbook_of_2016_is_the_same_table(release: Path, tmp_path: Path) -> None:
    world_files.wiod2016_sheet(tmp_path / "WIOT2014_Nov16_ROW.xlsx", 2014)
    source = WORLD_SOURCES["wiod2016"]
    sheet = source.table(tmp_path / "WIOT2014_Nov16_ROW.xlsx", 2014)
    stata = source.table(release / "WIOT2014_October16_ROW.dta", 2014)
    np.testing.assert_allclose(sheet.intermediate, stata.intermediate, rtol=1e-12)
    np.testing.assert_allclose(sheet.final, stata.final, rtol=1e-12)
    world_files.wiod2016_sheet(tmp_path / "WIOT2013_Nov16_ROW.xlsx", 2014, unit="(millions of euro)")
    with pytest.raises(InputError, match=r"not millions of US(.|\n)*not of 2013"):
        source.table(tmp_path / "WIOT2013_Nov16_ROW.xlsx", 2013)
    (tmp_path / "WIOT2012_Nov16_ROW.xlsb").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"Stata file of the release, save the workbook as \.xlsx"):
        source.table(tmp_path / "WIOT2012_Nov16_ROW.xlsb", 2012)


def test_a_dataset_of_2016_has_the_labour_shares_of_its_accounts(release: Path, tmp_path: Path) -> None:
    (tmp_path / "regions.csv").write_text("country,region\nCHN,CHN\nJPN,JPN\n*,ROW\n")
    rows = [f"{i},{'services' if i[0] > 'C' else i}" for i in WIOD2016]
    (tmp_path / "sectors.csv").write_text("industry,sector\n" + "\n".join(rows) + "\n")
    book = release / "Socio_Economic_Accounts.xlsx"
    out = build_from_tables(
        release, 2014, tmp_path / "out", tmp_path / "regions.csv", source="wiod2016", facts_year=2008,
        sectors=tmp_path / "sectors.csv", simulated=False, accounts=book,
    )  # fmt: skip
    assert check_dataset(out) == []
    data = load_dataset(out)
    assert data.meta.host_sector == "C20"
    assert ree.Economy.from_dataset(data).check()["relative_gap"].max() < 1e-9
    accounts, _ = wiod_sea.labor(book, 2014)
    shares: Any = accounts.set_index(["country", "industry"]).eval("labor / added")
    added: Any = data["value_added"].pivot_table(index=["country", "sector"], columns="factor", values="value")
    made = added["labor"] / added.sum(axis=1)
    assert made["JPN", "C26"] == pytest.approx(shares["JPN", "C26"], rel=1e-9)
    assert made["ROW", "C26"] == pytest.approx(shares["USA", "C26"], rel=1e-9)  # of its countries that are covered
    row = float(WORLD_SOURCES["wiod2016"].table(release / "WIOT2014_October16_ROW.dta", 2014).value_added[3].sum())
    notes = " ".join(data.meta.notes)
    assert f"nothing of labour in {row:,.0f} million US$ of value added in ROW" in notes
    with pytest.raises(InputError, match=r"accounts do not have the year(.|\n)*2009 to 2014"):
        wiod_sea.labor(book, 2008)
    with pytest.raises(InputError, match="no accounts are read with icio"):
        build_from_tables(release, 2014, tmp_path / "no", source="icio", facts_year=2008, accounts=book)


def test_figaro_matrix_flat_file_and_archive_agree(tmp_path: Path) -> None:
    frame: Any = world_files.figaro(tmp_path / "matrix_eu-ic-io_ind-by-ind_25ed_2014.csv", FIGARO)
    world_files.figaro(tmp_path / "flatfile_eu-ic-io_ind-by-ind_25ed_2015.csv", FIGARO, flat=True)
    with zipfile.ZipFile(tmp_path / "flatfile_eu-ic-io_ind-by-ind_26ed_2016.zip", "w") as archive:
        archive.write(tmp_path / "flatfile_eu-ic-io_ind-by-ind_25ed_2015.csv", "flatfile_2016.csv")
    source = WORLD_SOURCES["figaro"]
    files = source.files(tmp_path)
    assert set(files) == {2014, 2015, 2016}
    matrix, flat, zipped = (source.table(files[year], year, usd_per_unit=1.33) for year in (2014, 2015, 2016))
    assert matrix.regions == REGIONS
    assert matrix.industries == FIGARO
    assert sold(matrix, "JPN", "C26", "ROW", "C29") == pytest.approx(1.33 * frame.loc["JP_C26", "FIGW1_C29"])
    for other in (flat, zipped):
        np.testing.assert_allclose(other.intermediate, matrix.intermediate, rtol=1e-12)
        np.testing.assert_allclose(other.final, matrix.final, rtol=1e-12)
    paid = 1.33 * float(frame.filter(regex="^W2_", axis=0)["US_C28"].sum())
    assert matrix.moved["gap between rows and published output"] < 1e-3
    bought = matrix.final.sum() - 1.33 * frame.iloc[: 4 * len(FIGARO), 4 * len(FIGARO) :].clip(lower=0).to_numpy().sum()
    assert abs(bought) < 1e-6
    # without its inventories below zero a table has less of each good; value added of an industry falls by as much
    assert float(matrix.value_added[2, FIGARO.index("C28")]) >= paid - 1e-6


def test_a_flat_file_with_holes_twins_and_words_is_refused_in_one_list(tmp_path: Path) -> None:
    path = tmp_path / "flatfile_eu-ic-io_ind-by-ind_2014.csv"
    world_files.figaro(path, FIGARO[:4], flat=True)
    lines = path.read_text().splitlines()
    lines[5] = lines[5].rsplit(",", 1)[0] + ",:"
    path.write_text("\n".join([*lines[:7], *lines[8:], lines[8]]) + "\n")
    with pytest.raises(InputError) as caught:
        WORLD_SOURCES["figaro"].table(path, 2014)
    assert [problem.message for problem in caught.value.problems] == [
        "1 cells are not numbers", "1 cells are given twice", "1 cells of areas, industries and users are missing",
    ]  # fmt: skip
    frame = world_files.figaro(tmp_path / "matrix_eu-ic-io_ind-by-ind_2013.csv", FIGARO[:4])
    frame = frame.drop(index=["W2_D1", "W2_B2A3G"]).rename(index=lambda label: label.replace("JP_", "XX_"))
    frame.rename_axis("rowLabels").to_csv(tmp_path / "matrix_eu-ic-io_ind-by-ind_2013.csv")
    with pytest.raises(InputError) as caught:
        WORLD_SOURCES["figaro"].table(tmp_path / "matrix_eu-ic-io_ind-by-ind_2013.csv", 2013)
    assert {problem.value for problem in caught.value.problems} == {"W2_D1", "W2_B2A3G", "XX"}


def test_the_inter_country_tables_of_2025_are_read_with_their_industries(tmp_path: Path) -> None:
    frame = world_files.icio(tmp_path / "2022_SML.csv", list(ICIO_2025))
    table = WORLD_SOURCES["icio"].table(tmp_path / "2022_SML.csv", 2022)
    assert set(table.industries) == set(ICIO_2025)
    assert sold(table, "JPN", "C24B", "USA", "C301") == pytest.approx(frame.loc["JPN_C24B", "USA_C301"])
    assert sold(table, "CHN", "A02", "ROW", "C17_18") == pytest.approx(frame.loc["CHN_A02", "ROW_C17_18"])


def test_growth_accounts_of_the_release_say_what_they_lack(release: Path, tmp_path: Path) -> None:
    from reestim.importers.imported import ImportOptions

    found = wiod_sea.read([release / "Socio_Economic_Accounts.xlsx"], ImportOptions(), tmp_path)
    table: Any = found.tables["growth_accounts"]
    assert set(table["country"]) == {"CHN", "USA"}
    assert table["sector"].nunique() == 20
    shares = table[["labor_share", "capital_share", "intermediates_share"]].sum(axis=1)
    np.testing.assert_allclose(shares, 1.0, atol=1e-12)
    assert found.problems() == []
    output: Any = pd.read_excel(release / "Socio_Economic_Accounts.xlsx", sheet_name="DATA")
    japan = output.query("country == 'JPN' and variable == 'GO'")[2014].sum()
    assert f"JPN has no K: output of 2014 of {japan:,.0f} million in its currency" in found.left_out
    assert any("3 countries and no rest of the world" in words for words in found.left_out)
    tidy = output.melt(["country", "variable", "code"], [y for y in output if str(y).isdigit()], "year", "value")
    plain = tidy.set_index(["country", "code", "year", "variable"])["value"].unstack("variable")  # noqa: PD010
    path = tmp_path / "accounts.csv.gz"
    plain.rename_axis(["country", "industry", "year"]).to_csv(path, na_rep="NA")
    again = wiod_sea.read([path], ImportOptions(), tmp_path)
    pd.testing.assert_frame_equal(again.tables["growth_accounts"], table)
    assert again.left_out == found.left_out
    older = plain.rename_axis(["country", "industry", "year"]).rename(columns={"K": "K_GFCF"})
    older.to_csv(path)
    with pytest.raises(InputError, match=r"not the accounts that are read(.|\n)*release of 2013"):
        wiod_sea.read([path], ImportOptions(), tmp_path)
