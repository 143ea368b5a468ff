"""Trade as UN Comtrade gives it: its layouts agree, and what cannot be used is said."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from reestim.errors import InputError
from reestim.importers.imported import ImportOptions
from reestim.importers.registry import import_files

US, JP, CN, ASIA = (842, "USA"), (392, "JPN"), (156, "CHN"), (490, "S19")


def table(folder: Path, stem: str) -> pd.DataFrame:
    return pd.read_csv(folder / f"{stem}.csv")


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
        "not a country: 1",
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
    with pytest.raises(InputError, match="not an answer of the API"):
        import_files("comtrade", [tmp_path / "broken.json"], tmp_path / "out", ImportOptions(partial=True))


SERBIA = (891, "SCG")


def test_what_a_reporter_lacks_is_named_and_never_zero(tmp_path: Path) -> None:
    """A year without rows of a part of a region is left out of the region, and said; trade of former states is
    named with its amount, whichever side they are on."""
    rows = [
        record(who, CN, "284690", 20e6, 1e6, refYear=year)
        for who in (US, JP)
        for year in (2010, 2011, 2012)
        if (who, year) != (JP, 2011)
    ]
    rows += [record(US, SERBIA, "284690", 3e6, 1e5), record(SERBIA, CN, "284690", 4e6, 1e5)]
    (tmp_path / "regions.csv").write_text("country,region\nUSA,WEST\nJPN,WEST\nCHN,CHN\n")
    choices = ImportOptions(mapping=tmp_path / "regions.csv")
    about = import_files("comtrade", [answer(tmp_path, rows)], tmp_path / "out", choices).about
    assert table(tmp_path / "out", "ree_use_panel").set_index("year")["value"].to_dict() == {2010: 40, 2012: 40}
    said = " | ".join(about["left_out"])
    assert "JPN has no rows in 2011: not counted as zero" in said
    assert "imports of WEST in 2011, of which JPN is a part" in said
    assert "Serbia and Montenegro (SCG): 7 million US$" in said
    alone = import_files("comtrade", [answer(tmp_path, rows)], tmp_path / "alone", ImportOptions()).about
    panel = table(tmp_path / "alone", "ree_use_panel")
    assert len(panel) == 5
    assert "JPN has no rows in 2011" in " | ".join(alone["left_out"])


def test_a_reporter_that_was_asked_for_and_never_answers_is_named(tmp_path: Path) -> None:
    choices = ImportOptions(reporters=("USA", "FRA"), years=(2011, 2011))
    rows = [record(US, CN, "284690", 20e6, 1e6)]
    about = import_files("comtrade", [answer(tmp_path, rows)], tmp_path / "out", choices).about
    assert "FRA has no rows in 2011" in " | ".join(about["left_out"])
