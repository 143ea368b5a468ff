"""The data release of the Mineral Commodity Summaries: prices of oxides and output of mines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from reestim.errors import InputError
from reestim.importers.facts import ELEMENTS
from reestim.importers.registry import import_files

RELEASE = [
    "MCS chapter",
    "Section",
    "Commodity",
    "Country",
    "Statistics",
    "Statistics_detail",
    "Unit",
    "Year",
    "Value",
    "Notes",
    "Is critical mineral 2025",
    "Other notes",
]


def release(spoil: Callable[[pd.DataFrame], pd.DataFrame] = lambda t: t) -> pd.DataFrame:
    """Rows of the data release: tin, oxide prices of two elements, mischmetal, mines."""
    salient, world = "Salient Statistics—United States", "World Mine Production and Reserves"
    per_kg, what = "dollars per kilogram", "Price, average, dollars per kilogram: "
    rows = [("TIN", salient, "Tin", "United States", "Price", what + "Tin", per_kg, "2024", "30", "")]
    for year, neodymium, dysprosium in (("2023", "78", "330"), ("2024", "1,056", "250 - 270")):
        about = ("United States", "Price")
        rows += [
            (
                "RARE EARTHS",
                salient,
                "Neodymium",
                *about,
                what + "Neodymium oxide, 99.5% minimum",
                per_kg,
                year,
                neodymium,
                "",
            ),
            ("RARE EARTHS", salient, "Rare Earths", *about, what + "Mischmetal, 65% cerium", per_kg, year, "5.5", ""),
            (
                "RARE EARTHS (Heavy)",
                salient,
                "Dysprosium",
                *about,
                what + "Dysprosium oxide, 99.5%",
                per_kg,
                year,
                dysprosium,
                "",
            ),
            (
                "YTTRIUM",
                salient,
                "Yttrium",
                *about,
                what + "Yttrium metal, minimum 99.9% purity",
                per_kg,
                year,
                "33",
                "",
            ),
            ("YTTRIUM", salient, "Yttrium", *about, what + "Y2O3, minimum 99.999% purity", per_kg, year, "6", ""),
        ]
    for name, tonnes in (("China", "270,000"), ("Burma", "27,000"), ("Canada", "—"), ("Other countries", "1,000")):
        note = "Estimated." if name == "China" else ""
        rows.append(
            (
                "RARE EARTHS",
                world,
                "Rare Earths",
                name,
                "Production",
                "Mine production",
                "metric tons",
                "2024",
                tonnes,
                note,
            )
        )
        rows.append(
            ("RARE EARTHS", world, "Rare Earths", name, "Reserves", "Reserves", "metric tons", "2024", "NA", "")
        )
    total = ("World total", "Production", "Mine production: rounded", "metric tons", "2024", "300,000", "")
    rows.append(("RARE EARTHS", world, "Rare Earths", *total))
    return spoil(pd.DataFrame([(*row, "Yes", "") for row in rows], columns=RELEASE))


def test_oxide_prices_and_mines_of_a_data_release(tmp_path: Path) -> None:
    release().to_csv(tmp_path / "MCS2025_Commodities_Data.csv", index=False)
    about = import_files("usgs-summaries", [tmp_path / "MCS2025_Commodities_Data.csv"], tmp_path / "out").about
    prices = pd.read_csv(tmp_path / "out" / "element_prices.csv").set_index(["element", "year"])
    assert prices["price"].to_dict() == {
        ("Nd", 2023): 78,
        ("Nd", 2024): 1056,
        ("Dy", 2023): 330,
        ("Dy", 2024): 260,
        ("Y", 2023): 6,
        ("Y", 2024): 6,
    }
    assert set(prices["market"]) == {"export"}
    assert list(prices.index[~prices["verified"]]) == [("Dy", 2024)], "a midpoint is imputed"
    assert {"prices of Mischmetal, 65% cerium", "prices of Yttrium metal, minimum 99.9% purity"} <= set(
        about["left_out"]
    )
    totals = pd.read_csv(tmp_path / "out" / "element_output.csv").groupby("country")["tonnes"].sum()
    assert {c: round(t) for c, t in totals.items()} == {"CHN": 270_000, "MMR": 27_000, "ROW": 1_000}


def test_the_real_release_has_fourteen_oxides_without_holes(shared_data: Path, tmp_path: Path) -> None:
    file = shared_data / "usgs" / "usgs_mcs2026_observations.csv"
    import_files("usgs-summaries", [file], tmp_path / "out")
    prices = pd.read_csv(tmp_path / "out" / "element_prices.csv")
    assert set(prices["element"]) == {*ELEMENTS, "Ho", "Er", "Yb", "Lu"}
    assert prices.groupby("element")["year"].agg(list).map(lambda y: y == list(range(2021, 2026))).all()
    at = prices.set_index(["element", "year"])["price"]
    assert (at["Nd", 2022], at["Dy", 2021], at["Lu", 2025], at["Y", 2025]) == (134, 410, 888, 9)
    output = pd.read_csv(tmp_path / "out" / "element_output.csv")
    assert output.query("country == 'CHN' and year == 2025")["tonnes"].sum() == pytest.approx(270_000)


def refused(source: str, file: Path, said: str) -> None:
    with pytest.raises(InputError) as error:
        import_files(source, [file], file.parent / "out")
    assert said in str(error.value)
    assert not (file.parent / "out").exists()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda t: t[~((t["Commodity"] == "Neodymium") & (t["Year"] == "2023"))], "the price is missing"),
        (lambda t: t.replace("78", "W"), "the price is missing"),
        (lambda t: pd.concat([t, t[t["Commodity"] == "Neodymium"][:1]]), "the element has two prices"),
        (lambda t: t.replace("78", "78000"), "Is it US$ a tonne"),
        (
            lambda t: t.replace("dollars per kilogram", "dollars per metric ton"),
            "Prices are read in dollars per kilogram",
        ),
        (lambda t: t.replace("Burma", "Birma"), "unknown country"),
        (lambda t: t.assign(Year=t["Year"].where(t["Country"] != "Burma", "x")), "not a year"),
        (lambda t: t[t["Country"] != "Burma"], "A country is missing, or counted twice"),
        (lambda t: t.drop(columns="Statistics_detail"), "the column is missing"),
        (lambda t: t[t["MCS chapter"] == "TIN"], "there are no rare earths in the file"),
    ],
)
def test_what_is_wrong_with_a_release_is_said(
    spoil: Callable[[pd.DataFrame], pd.DataFrame], said: str, tmp_path: Path
) -> None:
    release(spoil).to_csv(tmp_path / "mcs.csv", index=False)
    refused("usgs-summaries", tmp_path / "mcs.csv", said)
