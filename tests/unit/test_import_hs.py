"""BACI and UN Comtrade: trade by HS code to industries and elements, nothing lost on the way; bad files in words."""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from reestim.errors import InputError
from reestim.importers.hs import HS_ELEMENTS, hs_industries, longest_prefix
from reestim.importers.imported import ImportOptions
from reestim.importers.registry import import_files

VERSION = "V202401b"
CODES = {156: "CHN", 392: "JPN", 842: "USA", 490: "S19"}
#: exporter, importer, HS6, thousand US$, tonnes
FLOWS = [
    (156, 392, "284690", 400_000, 10_000),
    (156, 842, "284690", 200_000, 4_000),
    (156, 392, "284610", 90_000, 6_000),
    (392, 842, "284610", 5_000, 100),
    (156, 842, "854140", 3_000_000, 90_000),
    (392, 156, "870323", 2_000_000, 150_000),
    (842, 156, "120190", 1_500_000, 3_000_000),
    (490, 842, "847330", 800_000, None),
    (156, 490, "271000", 70_000, 80_000),
    (842, 392, "010290", 1_000, 200),
]
Spoil = Callable[[pd.DataFrame], pd.DataFrame]


def baci_table(year: int, scale: float = 1.0) -> pd.DataFrame:
    rows = [(year, i, j, int(k), v * scale, "           NA" if q is None else q * scale) for i, j, k, v, q in FLOWS]
    return pd.DataFrame(rows, columns=["t", "i", "j", "k", "v", "q"])


def baci(folder: Path, spoil: Spoil = lambda t: t, years: tuple[int, ...] = (2010, 2011)) -> list[Path]:
    """Files as they lie in the archive: codes without leading zeros, masses that are not known as NA."""
    files = []
    for n, year in enumerate(years):
        files.append(folder / f"BACI_HS92_Y{year}_{VERSION}.csv")
        spoil(baci_table(year, 1 + n)).to_csv(files[-1], index=False)
    codes = pd.DataFrame(
        [(code, f"country {code}", iso3[:2], iso3) for code, iso3 in CODES.items()],
        columns=["country_code", "country_name", "country_iso2", "country_iso3"],
    )
    files.append(folder / f"country_codes_{VERSION}.csv")
    codes.to_csv(files[-1], index=False)
    return files


def table(folder: Path, stem: str) -> pd.DataFrame:
    return pd.read_csv(folder / f"{stem}.csv")


def test_baci_loses_no_dollar_and_no_tonne(tmp_path: Path) -> None:
    about = import_files("baci", baci(tmp_path), tmp_path / "out", ImportOptions(partial=True, year=2011)).about
    assert about["edition"] == "BACI HS92, version 202401b"
    exports = table(tmp_path / "out", "outcomes")
    total = sum(v for *_, v, _ in FLOWS) / 1e3
    np.testing.assert_allclose(exports.groupby("year")["value"].sum(), [total, 2 * total])
    at = exports.set_index(["country", "sector", "year"])["value"]
    assert at["CHN", "chemicals", 2010] == pytest.approx(690)
    assert at["TWN", "electrical_optical", 2010] == pytest.approx(800), "parts of computers, from Other Asia"
    assert at["USA", "agriculture", 2010] == pytest.approx(1501), "soya and, with its leading zero again, cattle"
    assert at["CHN", "petroleum", 2010] == pytest.approx(70)
    trade = table(tmp_path / "out", "trade").set_index(["importer", "exporter", "sector"])["value"]
    assert trade["JPN", "CHN", "chemicals"] == pytest.approx(2 * 490)
    panel = table(tmp_path / "out", "ree_use_panel").set_index(["country", "year"])
    assert tuple(panel.loc[("JPN", 2010), ["tonnes", "value"]]) == (16_000, 490)
    sold = table(tmp_path / "out", "element_exports").set_index(["country", "year"])["tonnes"]
    assert (sold["CHN", 2010], sold["JPN", 2010]) == (20_000, 100)
    elements = pd.read_csv(tmp_path / "out" / "sources" / "baci_elements.csv")
    of_2010 = elements[elements["year"] == 2010]
    assert of_2010["tonnes"].sum() == pytest.approx(20_100)
    assert of_2010["value"].sum() == pytest.approx(695)
    assert of_2010.query("element == 'Ce'")["tonnes"].sum() == pytest.approx(6_100)
    assert any("domestic sales" in words for words in about["left_out"])


def test_the_archive_gives_what_its_files_give(tmp_path: Path) -> None:
    files = baci(tmp_path)
    with zipfile.ZipFile(tmp_path / "BACI_HS92_V202401b.zip", "w") as archive:
        for file in files:
            archive.write(file, file.name)
        archive.writestr(f"product_codes_HS92_{VERSION}.csv", "code,description\n")
    import_files("baci", files, tmp_path / "files", ImportOptions(partial=True))
    import_files("baci", [tmp_path / "BACI_HS92_V202401b.zip"], tmp_path / "archive", ImportOptions(partial=True))
    for stem in ("outcomes", "ree_use_panel", "element_exports"):
        left, right = (
            table(tmp_path / name, stem).drop(columns="source", errors="ignore") for name in ("files", "archive")
        )
        pd.testing.assert_frame_equal(left, right)
    assert not (tmp_path / "files" / "trade.csv").exists(), "two years, and none was chosen"


def test_regions_sectors_partners_and_one_table(tmp_path: Path) -> None:
    (tmp_path / "regions.csv").write_text("country,region\nCHN,CHN\nUSA,USA\n*,ASIA\n")
    (tmp_path / "sectors.csv").write_text("industry,sector\n" + "".join(f"c{n},goods\n" for n in range(1, 36)))
    choices = ImportOptions(
        partial=True, mapping=tmp_path / "regions.csv", sectors=tmp_path / "sectors.csv", partners=("CHN",)
    )
    about = import_files("baci", baci(tmp_path), tmp_path / "out", choices).about
    exports = table(tmp_path / "out", "outcomes").set_index(["country", "sector", "year"])["value"]
    assert exports["ASIA", "goods", 2010] == pytest.approx(2805)
    panel = table(tmp_path / "out", "ree_use_panel").set_index(["country", "year"])["value"]
    assert panel["USA", 2010] == 200, "not what Japan sold"
    assert any("say --year" in words for words in about["left_out"])
    import_files("baci", baci(tmp_path), tmp_path / "one", choices, only=("outcomes",))
    assert [p.name for p in (tmp_path / "one").glob("*.csv")] == ["outcomes.csv"]


def test_the_shipped_concordances_are_complete_and_conserve_mass() -> None:
    industries = hs_industries(None)
    chapters = [f"{n:02d}" for n in range(1, 98) if n != 77]
    assert set(longest_prefix([c + "9999" for c in chapters], industries["hs"])) == {c + "9999" for c in chapters}
    np.testing.assert_allclose(industries.groupby("hs")["weight"].sum(), 1, atol=1e-12)
    elements = pd.read_csv(HS_ELEMENTS, dtype={"hs": str})
    np.testing.assert_allclose(elements.groupby("hs")["weight"].sum(), 1, atol=1e-9)
    assert {"280530", "284610", "284690", "850511"} <= set(elements["hs"])
    for name in ("hs_industries", "hs_elements"):
        shipped = pd.read_csv(HS_ELEMENTS.parent / f"{name}.csv", dtype={"hs": str})
        assert shipped["source"].str.startswith(("imputed", "recalled", "read")).all()
        assert not shipped["verified"].any()


def test_sectors_are_not_made_from_a_part_of_trade_unless_asked(tmp_path: Path) -> None:
    about = import_files("baci", baci(tmp_path), tmp_path / "out").about
    assert set(about["rows"]) == {"ree_use_panel", "element_exports"}
    assert any("the files have 7 chapters of the HS, sectors need all" in words for words in about["left_out"])
    chapters = [f"{n:02d}" for n in range(1, 98) if n != 77]
    whole = pd.DataFrame([(2010, 156, 842, int(f"{c}0100"), 5.0, 1.0) for c in chapters], columns=list("tijkvq"))
    spoil = lambda t: pd.concat([t[~t["k"].isin(whole["k"])], whole.assign(t=t["t"].iloc[0])])  # noqa: E731
    about = import_files("baci", baci(tmp_path, spoil), tmp_path / "all", ImportOptions(year=2010)).about
    assert set(about["rows"]) == {"outcomes", "trade", "ree_use_panel", "element_exports"}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["28,c9,0.9", "12,c1,1", "01,c1,1"], "They sum to 0.9"),
        (["28,c9,1", "85,c14,1", "01,c1,1"], "would lose 6,000 million US$"),
        (["28,c9,1", "28,c9,1"], "the pair is repeated"),
        ([], "the file has no rows"),
        (["28,c9,1e308", "28,c8,1e308"], "the number is too large"),
        (["28,c9,2", "28,c8,-1"], "a weight outside 0 to 1"),
        (["8,c9,1"], "Keep leading zeros"),
    ],
)
def test_a_concordance_that_loses_mass_is_an_error(rows: list[str], said: str, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("hs,industry,weight\n" + "\n".join(rows) + "\n")
    with pytest.raises(InputError) as error:
        import_files(
            "baci", baci(tmp_path), tmp_path / "out", ImportOptions(partial=True, concordance=tmp_path / "mine.csv")
        )
    assert said in str(error.value)
    assert not (tmp_path / "out").exists()


def test_codes_of_rare_earths_without_elements_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="concordance to elements would lose this code"):
        import_files("baci", baci(tmp_path), tmp_path / "out", ImportOptions(partial=True, hs=("2846", "8541")))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda t: t.rename(columns={"k": "hs6"}), "this is BACI as it was before 2020"),
        (lambda t: t.drop(columns="q"), "the column is missing"),
        (lambda t: t.assign(t=2009), "the year is not 2010, that of the name"),
        (lambda t: pd.concat([t, t[:2]]), "2 flows are repeated"),
        (lambda t: t.assign(i=t["i"].replace(392, 393)), "unknown country code"),
        (lambda t: t.assign(v=t["v"].astype(object).replace(400_000, "4e5x")), "not a number"),
        (lambda t: t.assign(v=-t["v"]), "a negative figure"),
        (lambda t: t.assign(v=t["v"] * 50), "rare earths traded in 2010 cost"),
        (lambda t: t.assign(v=t["v"] * 1e6), "Is v in thousand US$ and q in tonnes?"),
        (
            lambda t: t.assign(v=t["v"] * 1e5, q=pd.to_numeric(t["q"], errors="coerce") * 1e5),
            "more than the world trades",
        ),
        (lambda t: t[:0], "the file is empty"),
    ],
)
def test_what_is_wrong_with_baci_is_said(spoil: Spoil, said: str, tmp_path: Path) -> None:
    files = baci(tmp_path, spoil)
    with pytest.raises(InputError) as error:
        import_files("baci", files, tmp_path / "out", ImportOptions(partial=True))
    assert said in str(error.value)
    assert not (tmp_path / "out").exists()
    if said in ("more than the world trades", "Is v in thousand US$ and q in tonnes?"):
        import_files("baci", files, tmp_path / "out", ImportOptions(partial=True, confirm_units=True))


def test_editions_of_baci_are_not_mixed(tmp_path: Path) -> None:
    files = baci(tmp_path, years=(2010, 2012))
    with pytest.raises(InputError, match="a year is missing from the panel"):
        import_files("baci", files, tmp_path / "out", ImportOptions(partial=True))
    other = files[1].rename(tmp_path / "BACI_HS02_Y2012_V202501.csv")
    with pytest.raises(InputError) as error:
        import_files("baci", [files[0], other], tmp_path / "out")
    for said in ("revisions of the HS are mixed", "versions are mixed", "the file of country codes is missing"):
        assert said in str(error.value)
    old = files[0].rename(tmp_path / "baci92_2010.csv")
    with pytest.raises(InputError, match="before 2020"):
        import_files("baci", [old, files[2]], tmp_path / "out")
    codes = files[2].rename(tmp_path / "country_codes_V202501.csv")
    with pytest.raises(InputError, match="country codes are of another version"):
        import_files("baci", [*baci(tmp_path)[:1], codes], tmp_path / "out")


def record(
    reporter: tuple[int, str], partner: tuple[int, str], hs: str, value: float, mass: float | None, **more: Any
) -> dict:
    """One row of an answer of the API (fields that are not read left out, some that break totals down kept)."""
    return {
        "typeCode": "C",
        "freqCode": "A",
        "refPeriodId": 20110101,
        "refYear": 2011,
        "refMonth": 52,
        "period": "2011",
        "reporterCode": reporter[0],
        "reporterISO": reporter[1],
        "flowCode": "M",
        "partnerCode": partner[0],
        "partnerISO": partner[1],
        "partner2Code": 0,
        "classificationCode": "H3",
        "cmdCode": hs,
        "aggrLevel": len(hs),
        "customsCode": "C00",
        "mosCode": "0",
        "motCode": 0,
        "qtyUnitCode": 8,
        "qty": mass,
        "netWgt": mass,
        "grossWgt": None,
        "cifvalue": value,
        "fobvalue": None,
        "primaryValue": value,
        "isReported": False,
        **more,
    }


US, JP, CN, ASIA = (842, "USA"), (392, "JPN"), (156, "CHN"), (490, "S19")


def records() -> list[dict]:
    return [
        record(US, CN, "284690", 400e6, 5e6),
        record(US, JP, "284690", 90e6, 1e6),
        record(JP, CN, "284690", 900e6, 20e6),
        record(JP, CN, "284610", 100e6, 2e6),
        record(US, ASIA, "847330", 800e6, None),
        record(US, (899, "_X"), "284690", 1e6, 1e4),
        record(US, (0, "W00"), "284690", 491e6, 6e6),
        record(JP, US, "870323", 5e6, 1e5, flowCode="X"),
        record(US, CN, "284690", 100e6, 1e6, motCode=1000),
        record(US, CN, "TOTAL", 3e11, None),
    ]


def answer(folder: Path, rows: list[dict], name: str = "answer.json", **more: Any) -> Path:
    (folder / name).write_text(
        json.dumps({"elapsedTime": "0.1 secs", "count": len(rows), "data": rows, "error": "", **more})
    )
    return folder / name


def bulk(folder: Path, rows: list[dict]) -> Path:
    """The layout of a bulk file: tabs, numeric codes only, gzipped."""
    frame = pd.DataFrame(rows).drop(columns=["reporterISO", "partnerISO"])
    with gzip.open(folder / "bulk.txt.gz", "wt", encoding="utf-8") as file:
        frame.to_csv(file, sep="\t", index=False)
    return folder / "bulk.txt.gz"


def export(folder: Path, rows: list[dict]) -> Path:
    """The layout of the website's export: commas, names in capitals."""
    frame = pd.DataFrame(rows).rename(columns=lambda name: name[0].upper() + name[1:])
    frame.to_csv(folder / "TradeData.csv", index=False)
    return folder / "TradeData.csv"


@pytest.mark.parametrize("layout", [answer, bulk, export])
def test_the_layouts_of_comtrade_give_the_same(layout: Callable[[Path, list[dict]], Path], tmp_path: Path) -> None:
    about = import_files("comtrade", [layout(tmp_path, records())], tmp_path / "out", ImportOptions(partial=True)).about
    panel = table(tmp_path / "out", "ree_use_panel").set_index("country")
    assert panel["value"].to_dict() == {"JPN": 1000, "USA": 490}
    assert panel["tonnes"].to_dict() == {"JPN": 22_000, "USA": 6_000}
    exports = table(tmp_path / "out", "outcomes").set_index(["country", "sector"])["value"].to_dict()
    assert exports == {("CHN", "chemicals"): 1400, ("JPN", "chemicals"): 90, ("TWN", "electrical_optical"): 800}
    said = " | ".join(about["left_out"])
    for words in (
        "totals over partners: 1",
        "totals over goods: 1",
        "breakdowns by mot: 1",
        "no country: 1",
        "report): 1",
    ):
        assert words in said
    import_files(
        "comtrade",
        [layout(tmp_path, records())],
        tmp_path / "sold",
        ImportOptions(partial=True, flow="X"),
        only=("outcomes",),
    )
    assert table(tmp_path / "sold", "outcomes")["value"].to_list() == [5]


@pytest.mark.parametrize(
    ("rows", "more", "said"),
    [
        ([record(US, CN, "284690", 4e8, 5e6)] * 2, {}, "1 flows are repeated"),
        ([*records(), record(US, CN, "2846", 4e8, 5e6)], {}, "levels of the HS are mixed"),
        ([record(US, CN, "284690", 4e8, 5e6, freqCode="M")], {}, "these are not years"),
        ([record(US, CN, "284690", 4e8, 5e6, typeCode="S")], {}, "these are not goods"),
        ([record(US, CN, "284690", 4e8, 5e6, classificationCode="S4")], {}, "not the HS"),
        ([record(US, CN, "284690", 4e8, 5e3)], {}, "rare earths traded in 2011 cost 8e+04 US$/kg"),
        ([record(US, (0, "W00"), "284690", 4e8, 5e6)], {}, "Ask for flows with partners"),
        ([record((9999, ""), CN, "284690", 4e8, 5e6)], {}, "unknown reporter"),
        (records(), {"count": 12_345}, "the answer is cut off"),
        ([record(US, CN, f"{n:06d}", 1.0, 1.0) for n in range(500)], {}, "the answer is cut off"),
        (records(), {"error": "quota exceeded"}, "the API answered with an error (quota exceeded)"),
        ([{"yr": 2011, "rtCode": 842, "TradeValue": 1}], {}, "the field is missing"),
    ],
)
def test_what_is_wrong_with_an_answer_is_said(rows: list[dict], more: dict, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        import_files("comtrade", [answer(tmp_path, rows, **more)], tmp_path / "out", ImportOptions(partial=True))
    assert said in str(error.value)
    assert not (tmp_path / "out").exists()


def test_comtrade_before_2023_is_recognised(tmp_path: Path) -> None:
    file = tmp_path / "comtrade.csv"
    heads = "Classification,Year,Trade Flow,Reporter,Partner,Commodity Code,Netweight (kg),Trade Value (US$)"
    file.write_text(f"{heads}\nH3,2011,Import,USA,China,284690,5,4\n")
    with pytest.raises(InputError, match="before 2023, or WITS"):
        import_files("comtrade", [file], tmp_path / "out", ImportOptions(partial=True))
    (tmp_path / "broken.json").write_text('{"data": [1, 2')
    with pytest.raises(InputError, match="no answer of the API"):
        import_files("comtrade", [tmp_path / "broken.json"], tmp_path / "out", ImportOptions(partial=True))
