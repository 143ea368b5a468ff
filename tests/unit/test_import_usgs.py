"""USGS: consumption and unit value since 1900, mine output, prices; as printed, with holes and other units refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from reestim.errors import InputError
from reestim.importers.imported import ImportOptions
from reestim.importers.registry import import_files

#: Tonnes of apparent consumption and US$ a tonne, as shared/data/facts.md has them.
DS140 = {
    2005: (6060, 6595),
    2006: (9350, 3890),
    2007: (10200, 5290),
    2008: (7410, 13600),
    2009: (2830, 9300),
    2010: (5050, 20000),
    2012: (2440, 51200),
    2013: (5870, 19100),
    2014: (10800, 15200),
    2015: (9550, 14800),
    2016: (10500, 10600),
}
YEARS = range(2009, 2013)


def sheet(lines: list[list[object]]) -> pd.DataFrame:
    """Lines of a sheet, filled up to one width."""
    width = max(map(len, lines))
    return pd.DataFrame([[*line, *[None] * (width - len(line))] for line in lines])


def consumption(spoil: Callable[[pd.DataFrame], pd.DataFrame] = lambda t: t) -> pd.DataFrame:
    """The tidy layout for 2009 to 2012, consumption of 2011 not available."""
    rows = [
        ("rare_earths", year, "USA", metric, value, unit)
        for year in YEARS
        for metric, value, unit in (
            ("production", "100", "metric_tons_reo_equivalent"),
            ("apparent_consumption", str(DS140[year][0]) if year in DS140 else "", "metric_tons_reo_equivalent"),
            ("unit_value_current_usd", str(DS140.get(year, (0, 58100))[1]), "usd_per_metric_ton_reo_current"),
        )
    ]
    return spoil(pd.DataFrame(rows, columns=["commodity", "year", "geography_code", "metric", "value", "unit"]))


def workbook(path: Path) -> Path:
    """The layout of the USGS workbook: title lines, heads, a line a year, notes below."""
    heads = [
        "Year",
        "Production",
        "Imports",
        "Exports",
        "Apparent consumption",
        "Unit value \n($/t)",
        "Unit value (98$/t)",
    ]
    figures = [[y, 100, 200, 300, DS140[y][0] if y in DS140 else "NA", DS140.get(y, (0, 58100))[1], 1] for y in YEARS]
    lines = [
        ["RARE EARTHS STATISTICS"],
        ["U.S. GEOLOGICAL SURVEY"],
        ["[Metric tons of oxide]"],
        [],
        heads,
        *figures,
        ["NA Not available. W Withheld."],
    ]
    sheet(lines).to_excel(path, sheet_name="Rare earths", header=False, index=False)
    return path


def refused(source: str, file: Path, said: str) -> None:
    with pytest.raises(InputError) as error:
        import_files(source, [file], file.parent / "out")
    assert said in str(error.value)
    assert not (file.parent / "out").exists()


def test_workbook_and_tidy_cells_of_data_series_140_agree(tmp_path: Path) -> None:
    consumption().to_csv(tmp_path / "ds140.csv", index=False)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "link.csv").symlink_to(tmp_path / "ds140.csv")  # one's own file may lie where one likes
    files = {"sheet": workbook(tmp_path / "ds140.xlsx"), "tidy": tmp_path / "ds140.csv"}
    files["link"] = tmp_path / "elsewhere" / "link.csv"
    for name, file in files.items():
        about = import_files("usgs-ds140", [file], tmp_path / name).about
        panel = pd.read_csv(tmp_path / name / "ree_use_panel.csv").set_index("year")
        assert list(panel.index) == [2009, 2010, 2012]
        np.testing.assert_allclose(panel["tonnes"], [2830, 5050, 2440])
        np.testing.assert_allclose(panel["value"], [2830 * 9300 / 1e6, 5050 * 20000 / 1e6, 2440 * 51200 / 1e6])
        assert any("2011" in words for words in about["left_out"])


def test_the_real_series_has_the_figures_of_the_facts(shared_data: Path, tmp_path: Path) -> None:
    file = shared_data / "usgs" / "usgs_rare_earths_historical.csv"
    import_files("usgs-ds140", [file], tmp_path / "out")
    panel = pd.read_csv(tmp_path / "out" / "ree_use_panel.csv").set_index("year")
    for year, (tonnes, price) in DS140.items():
        assert panel.loc[year, "tonnes"] == tonnes
        assert panel.loc[year, "value"] / panel.loc[year, "tonnes"] * 1e6 == pytest.approx(price, rel=1e-6)
    assert 2011 not in panel.index
    assert len(panel) == 98


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda t: t.assign(commodity="tin"), "the file is of another commodity"),
        (lambda t: t[t["metric"] != "apparent_consumption"], "the series is missing"),
        (lambda t: t[t["year"] != 2010], "a year is missing from the series"),
        (lambda t: pd.concat([t, t[t["year"] == 2010]]), "the year is repeated"),
        (lambda t: t.assign(unit=t["unit"].str.replace("metric_tons", "pounds")), "another unit"),
        (lambda t: t.rename(columns={"metric": "Metric"}), "this is not the layout that is read"),
        (
            lambda t: t.assign(value=t["value"].where(t["metric"] != "unit_value_current_usd", "7.5")),
            "cost 0.0075 US$/kg",
        ),
        (lambda t: t.assign(value=t["value"].replace("5050", "5050000")), "Are these kilograms?"),
        (lambda t: t.assign(value=t["value"].replace("5050", "5 050")), "not a number"),
    ],
)
def test_what_is_wrong_with_a_series_is_said(
    spoil: Callable[[pd.DataFrame], pd.DataFrame], said: str, tmp_path: Path
) -> None:
    consumption(spoil).to_csv(tmp_path / "ds140.csv", index=False)
    refused("usgs-ds140", tmp_path / "ds140.csv", said)


def mines(spoil: Callable[[pd.DataFrame], pd.DataFrame] = lambda t: t) -> pd.DataFrame:
    figures = {
        "China": (105_000, 105_000),
        "Australia": (8_000, 12_000),
        "Burundi": (0, 20),
        "World total": (113_000, 117_000),
    }
    rows = [
        (name, year, "mine_production", "metric_tons_reo_equivalent", tonnes, name == "China")
        for name, both in figures.items()
        for year, tonnes in zip((2014, 2015), both, strict=True)
    ]
    return spoil(pd.DataFrame(rows, columns=["geography", "year", "metric", "unit", "value", "is_estimated"]))


def yearbook(path: Path) -> Path:
    """Table 8 as printed: footnotes behind names, a column of marks behind each year."""
    lines = [
        ["TABLE 8"],
        ["RARE EARTHS: WORLD MINE PRODUCTION, BY COUNTRY OR LOCALITY"],
        ["(Metric tons of oxide)"],
        [],
        ["Country or locality", "", "2014", "", "2015", ""],
        ["Australiae", "", 8000, "", 12000, "r"],
        ["Burundi", "", "--", "", 20, "e"],
        ["China3", "", "105,000", "e", 105000, "e"],
        ["Total", "", 113000, "r", 117000, ""],
        ["eEstimated. rRevised."],
    ]
    with pd.ExcelWriter(path) as book:
        pd.DataFrame([["TABLE 1"], ["SALIENT STATISTICS"]]).to_excel(book, sheet_name="T1", header=False, index=False)
        sheet(lines).to_excel(book, sheet_name="T8", header=False, index=False)
    return path


def test_yearbook_as_printed_and_as_tidy_cells_agree(tmp_path: Path) -> None:
    mines().to_csv(tmp_path / "myb.csv", index=False)
    mapping = tmp_path / "regions.csv"
    mapping.write_text("country,region\nCHN,CHN\n*,ROW\n")
    for name, file in (("sheet", yearbook(tmp_path / "myb.xlsx")), ("tidy", tmp_path / "myb.csv")):
        import_files("usgs-yearbook", [file], tmp_path / name, ImportOptions(mapping=mapping))
        output = pd.read_csv(tmp_path / name / "element_output.csv")
        totals = output.groupby(["country", "year"])["tonnes"].sum()
        np.testing.assert_allclose(totals.loc["CHN"], [105_000, 105_000], rtol=1e-12)
        np.testing.assert_allclose(totals.loc["ROW"], [8_000, 12_020], rtol=1e-12)
        assert not output["verified"].any()
        assert output["source"].str.startswith("imputed").all()
        kept = pd.read_csv(tmp_path / name / "sources" / "mine_output.csv")
        assert set(kept.loc[kept["source"].str.endswith("estimated"), "producer"]) >= {"China"}


def test_the_real_yearbook_adds_up(shared_data: Path, tmp_path: Path) -> None:
    file = shared_data / "usgs" / "usgs_myb2022_world_mine_production.csv"
    import_files("usgs-yearbook", [file], tmp_path / "out")
    totals = pd.read_csv(tmp_path / "out" / "element_output.csv").groupby(["country", "year"])["tonnes"].sum()
    assert totals["CHN", 2022] == pytest.approx(210_000)
    assert totals["USA", 2021] == pytest.approx(42_400)
    assert totals.xs(2022, level="year").sum() == pytest.approx(297_000, rel=0.01)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda t: t[t["geography"] != "Australia"], "A country is missing, or counted twice"),
        (lambda t: t[~((t["geography"] == "Burundi") & (t["year"] == 2014))], "no figure for 2014"),
        (lambda t: pd.concat([t, t[:1]]), "the country is repeated"),
        (lambda t: t.replace("Burundi", "Burundy"), "Did you mean 'Burundi'?"),
        (lambda t: t.assign(year=t["year"].replace(2015, 2_015_000)), "'2015 to 2014999': a year is missing"),
        (lambda t: t.assign(unit="kilograms"), "the unit is not metric_tons_reo_equivalent"),
        (lambda t: t.assign(value=t["value"] * 1000), "Are these kilograms?"),
        (lambda t: t[t["geography"] != "World total"], "no world total"),
        (lambda t: t.drop(columns="geography"), "this is not the layout that is read"),
    ],
)
def test_what_is_wrong_with_a_yearbook_is_said(
    spoil: Callable[[pd.DataFrame], pd.DataFrame], said: str, tmp_path: Path
) -> None:
    mines(spoil).to_csv(tmp_path / "myb.csv", index=False)
    refused("usgs-yearbook", tmp_path / "myb.csv", said)
