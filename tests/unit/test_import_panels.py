"""Panels of exports and the OECD's national tables: WITS and wide panels become sectors, nothing blank becomes zero."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import typer.testing

from reestim.cli.app import app
from reestim.data.dataset import load_dataset
from reestim.errors import InputError
from reestim.importers.imported import ImportOptions
from reestim.importers.margins import read_margins
from reestim.importers.registry import import_files
from reestim.importers.sources import oecd_iot
from reestim.importers.sources.panel import WITS_SECTIONS
from reestim.io.resources import REAL

SECTIONS = list(dict.fromkeys(pd.read_csv(WITS_SECTIONS)["product"]))
YEARS = (2011, 2010, 2009)  # WITS writes the newest first


def wits(path: Path, name: str, scale: float = 1.0, blank: tuple[str, int] | None = None) -> pd.DataFrame:
    """A country trade summary as the World Bank publishes it; returns exports by section (rows) and year."""
    exports = pd.DataFrame(
        [[scale * (100.0 + 10 * k + year - 2009) for year in YEARS] for k in range(len(SECTIONS))], SECTIONS, YEARS
    )
    head = ["Reporter", "Partner", "Product categories", "Indicator Type", "Indicator", *map(str, YEARS)]
    cells = [[f"{v:>19.2f}" for v in row] for row in exports.to_numpy()]
    if blank is not None:
        cells[SECTIONS.index(blank[0])][YEARS.index(blank[1])] = ""
    whole = [f"{v:>19.2f}" for v in exports.sum()]
    rows = [
        [name, "...", "...", "Development", "GDP (current US$ Mil)", *whole],
        [name, "Hong Kong, China", "All Products", "Export", "Trade (US$ Mil)-Top 5 Export Partner", *whole],
        [name, "World", "All Products", "Export", "Exports (in US$ Mil)", *whole],
        [name, "World", "All Products", "Import", "Imports (in US$ Mil)", *whole],
        [name, "World", "Capital goods", "Export", "Export(US$ Mil)", *whole],
        *([name, "World", s, "Export", "Export(US$ Mil)", *row] for s, row in zip(SECTIONS, cells, strict=True)),
        *([name, "World", s, "Import", "Import(US$ Mil)", *row] for s, row in zip(SECTIONS, cells, strict=True)),
        *(
            [name, "World", s, "Export", "Export Product share(%)", *row]
            for s, row in zip(SECTIONS, cells, strict=True)
        ),
    ]
    pd.DataFrame(rows, columns=head).to_csv(path, index=False)
    return exports


def test_sections_of_wits_become_sectors_and_a_blank_is_no_zero(tmp_path: Path) -> None:
    files = [tmp_path / f"en_{code}_AllYears_WITS_Trade_Summary.CSV" for code in ("JPN", "OAS", "EAS")]
    japan: Any = wits(files[0], "Japan")
    taiwan: Any = wits(files[1], "Other Asia, nes", 0.5, blank=("Footwear", 2010))
    wits(files[2], "East Asia & Pacific", 9.0)
    result = import_files("panel", files, tmp_path / "out")
    assert any(files[2].name in words and "no country of today" in words for words in result.about["left_out"])
    made: Any = pd.read_csv(tmp_path / "out" / "outcomes.csv").set_index(["country", "sector", "year"])["value"]
    assert made["JPN", "chemicals", 2010] == pytest.approx(japan.loc["Chemicals", 2010])
    half = japan.loc["Mach and Elec", 2009] / 2
    assert made["JPN", "machinery", 2009] == made["JPN", "electrical_optical", 2009] == pytest.approx(half)
    assert made["JPN"].sum() == pytest.approx(japan.to_numpy().sum())  # no dollar is lost or made
    assert ("TWN", "textiles_leather", 2010) not in made.index  # footwear has no figure, so the sector has none
    assert ("TWN", "textiles_leather", 2009) in made.index
    lost = taiwan.loc[["Hides and Skins", "Textiles and Clothing"], 2010].sum()
    assert any(f"1 region-sector-years without all their products and countries, {lost:,.0f}" in w
               for w in result.about["left_out"])  # fmt: skip
    assert any("sections add up to" in words and files[1].name in words for words in result.about["left_out"])


def test_a_wide_panel_of_an_r_package_goes_the_same_way(tmp_path: Path) -> None:
    wide = pd.DataFrame(
        {
            "reporter": ["USA", "Japan", "DEU"],
            "good": ["chem", "chem", "chem"],
            "X2009": [1.0, 2.0, 3.0],
            "X2010": ["4", "NA", "6"],
        }
    )
    wide.to_csv(tmp_path / "panel.csv", index=False)
    (tmp_path / "goods.csv").write_text("product,industry,weight\nchem,c9,1\n")
    run = typer.testing.CliRunner().invoke(
        app,
        ["data", "import", "panel", str(tmp_path / "panel.csv"), "--concordance", str(tmp_path / "goods.csv"),
         "--out", str(tmp_path / "out"), "--columns", "country=reporter", "--columns", "product=good"],
    )  # fmt: skip
    assert run.exit_code == 0, run.output
    made = pd.read_csv(tmp_path / "out" / "outcomes.csv").set_index(["country", "year"])["value"]
    assert made.to_dict() == {("USA", 2009): 1, ("USA", 2010): 4, ("JPN", 2009): 2, ("DEU", 2009): 3, ("DEU", 2010): 6}
    tidy = wide.melt(["reporter", "good"], ["X2009", "X2010"], "at", "flow").assign(at=lambda t: t["at"].str[1:])
    tidy.to_csv(tmp_path / "tidy.csv", index=False)
    columns = tuple({"country": "reporter", "product": "good", "year": "at", "value": "flow"}.items())
    options = ImportOptions(concordance=tmp_path / "goods.csv", columns=columns)
    import_files("panel", [tmp_path / "tidy.csv"], tmp_path / "again", options)
    assert (tmp_path / "again" / "outcomes.csv").read_text() == (tmp_path / "out" / "outcomes.csv").read_text()
    older = pd.read_csv(tmp_path / "tidy.csv").replace({"reporter": {"USA": "ROM", "Japan": "TMP", "DEU": "OAS"}})
    older.to_csv(tmp_path / "older.csv", index=False)
    import_files("panel", [tmp_path / "older.csv"], tmp_path / "third", options)
    renamed = pd.read_csv(tmp_path / "third" / "outcomes.csv").set_index(["country", "year"])["value"]
    today = {"USA": "ROU", "JPN": "TLS", "DEU": "TWN"}
    assert renamed.to_dict() == {(today[country], year): value for (country, year), value in made.to_dict().items()}
    older.replace({"reporter": {"OAS": "ANT"}}).to_csv(tmp_path / "former.csv", index=False)
    with pytest.raises(InputError, match="It is Netherlands Antilles, whose trade belongs to several countries"):
        import_files("panel", [tmp_path / "former.csv"], tmp_path / "fourth", options)


def test_everything_wrong_with_a_panel_is_said_at_once(tmp_path: Path) -> None:
    rows = "USA,Metals,1,2\nEast Asia & Pacific,Metals,3,3\nJPN,Toys,7,1\nUSA,Metals,1,2\n"
    (tmp_path / "p.csv").write_text("who,what,2009,2010\n" + rows)
    options = ImportOptions(columns=(("country", "who"), ("product", "what")))
    with pytest.raises(InputError) as caught:
        import_files("panel", [tmp_path / "p.csv"], tmp_path / "out", options)
    said = [str(problem) for problem in caught.value.problems]
    assert any("unknown country: 6 million US$ (30.0% of the panel)" in s and "row 3" in s for s in said)
    assert any("unknown product: 8 million US$" in s and "Toys" in s for s in said)
    assert any("given twice" in s for s in said)
    (tmp_path / "p.csv").write_text("who,what,2009\nUSA,Metals,x\nJPN,Metals,-1\n")
    with pytest.raises(InputError, match=r"not a number(.|\n)*below zero"):
        import_files("panel", [tmp_path / "p.csv"], tmp_path / "out", options)
    with pytest.raises(InputError, match=r"no column is named as country(.|\n)*as product"):
        import_files("panel", [tmp_path / "p.csv"], tmp_path / "out")


def iot(path: Path, industries: list[str], kind: str = "ttl", row: str = "") -> pd.DataFrame:
    """``JPN2018ttl.csv`` as the OECD publishes it: rows TTL_..., taxes, VALU, OUTPUT; imports below zero."""
    rng = np.random.default_rng(3)
    n, uses = len(industries), ["HFCE", "NPISH", "GGFC", "GFCF", "INVNT", "DPABR", "CONS_NONRES", "EXPO", "IMPO"]
    bought = np.round(rng.uniform(10, 90, (n, n)), 1)
    final = np.round(rng.uniform(50, 200, (n, len(uses))), 1)
    final[:, -1] *= -0.5
    output = bought.sum(1) + final.sum(1)
    frame = pd.DataFrame(np.hstack([bought, final]), [f"TTL_{row or ''}{i}" for i in industries], [*industries, *uses])
    if kind == "dom":
        abroad = np.round(0.2 * frame.to_numpy(), 2)
        abroad[:, -2:] = 0.0
        home = frame.to_numpy() - abroad
        home[:, -1] = 0.0
        output = home.sum(1)
        labels = [f"{p}_{i}" for p in ("DOM", "IMP") for i in industries]
        frame = pd.DataFrame(np.vstack([home, abroad]), labels, frame.columns)
    frame["TOTAL"] = frame.sum(axis=1)
    used = frame[industries].sum()
    for name, cells in (("TXS_INT_FNL", 0.0), ("TTL_INT_FNL", used), ("VALU", output - used), ("OUTPUT", output)):
        frame.loc[name, industries] = cells
    frame.rename_axis("V1").to_csv(path)
    return frame


def test_national_tables_give_exports_and_margins_that_data_update_reads(tmp_path: Path) -> None:
    codes = ["A01_02", "B07_08", "C20", "C26", "C27", "C28", "J62_63"]
    first: Any = iot(tmp_path / "JPN2018ttl.csv", codes)
    iot(tmp_path / "JPN2017ttl.csv", codes)
    result = import_files("oecd-iot", sorted(tmp_path.glob("JPN*.csv")), tmp_path / "out")
    made: Any = pd.read_csv(tmp_path / "out" / "outcomes.csv").set_index(["country", "sector", "year"])["value"]
    expected = first.loc[["TTL_C26", "TTL_C27"], "EXPO"].sum()
    assert made["JPN", "electrical_optical", 2018] == pytest.approx(expected)
    margins = read_margins(tmp_path / "out" / "sources" / "oecd_margins.csv", ("JPN",), load_dataset(REAL).goods)
    found = {(m.sectors[0], m.measure): m.value for m in margins}
    assert found["electrical_optical", "output"] == pytest.approx(first.loc["OUTPUT", ["C26", "C27"]].sum())
    assert found["electrical_optical", "value_added"] == pytest.approx(first.loc["VALU", ["C26", "C27"]].sum())
    assert found["electrical_optical", "imports"] == pytest.approx(-first.loc[["TTL_C26", "TTL_C27"], "IMPO"].sum())
    assert any("margins are of 2018" in rule for rule in result.about["rules"])


def test_older_codes_and_domestic_tables_are_read_and_a_broken_one_is_refused(tmp_path: Path) -> None:
    codes = ["D01T02", "D10T12", "D20", "D26", "D62T63", "D69T75"]
    frame: Any = iot(tmp_path / "CHN2015dom.csv", codes, "dom")
    found = oecd_iot.read([tmp_path / "CHN2015dom.csv"], ImportOptions(), tmp_path)
    rows: Any = found.extra["oecd_margins"].set_index(["sectors", "measure"])["value"]
    users = [name for name in frame.columns if name not in ("EXPO", "IMPO", "TOTAL")]
    assert rows["food", "imports"] == pytest.approx(frame.loc["IMP_D10T12", users].sum())
    assert rows["electrical_optical", "exports"] == pytest.approx(frame.loc["DOM_D26", "EXPO"])
    broken = frame.copy()
    broken.loc["OUTPUT", "D20"] *= 1.2
    broken.rename_axis("V1").to_csv(tmp_path / "CHN2015dom.csv")
    with pytest.raises(InputError, match="1 rows do not add up to output"):
        oecd_iot.read([tmp_path / "CHN2015dom.csv"], ImportOptions(), tmp_path)
    frame.drop(index=["VALU"], columns=["EXPO"]).to_csv(tmp_path / "CHN2014dom.csv")
    with pytest.raises(InputError, match=r"VALU(.|\n)*no column EXPO"):
        oecd_iot.read([tmp_path / "CHN2014dom.csv"], ImportOptions(), tmp_path)
