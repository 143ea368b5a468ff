"""EU KLEMS: three layouts, one result; sectors added up with Törnqvist weights against a case computed by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import reestim as ree
from reestim.data.growth_accounts import read_accounts
from reestim.errors import InputError
from reestim.importers.imported import ImportOptions
from reestim.importers.registry import import_files

YEARS = range(2008, 2012)
KEY = ["nace_r2_code", "geo_code", "nace_r2_name", "geo_name", "year"]
NATIONAL, GROWTH = ["GO_CP", "II_CP", "GO_Q", "II_Q"], ["LAB", "CAP", "LAB_QI", "CAP_QI"]
Spoil = Callable[[pd.DataFrame], pd.DataFrame]


def accounts(seed: int = 0) -> pd.DataFrame:
    """Two countries and a group of them, six industries and their sum; labour and capital exhaust value added."""
    rng = np.random.default_rng(seed)
    rows = []
    for geo in ("DE", "EL", "EU27_2020"):
        for n, nace in enumerate(("A", "C22-C23", "C26-C27", "M", "N", "J", "TOT")):
            for t, year in enumerate(YEARS):
                value = {"GO_CP": 100.0 * (n + 1) * 1.05**t * rng.uniform(0.95, 1.05)}
                value["II_CP"] = 0.6 * value["GO_CP"] * rng.uniform(0.9, 1.1)
                value["LAB"] = 0.65 * (value["GO_CP"] - value["II_CP"])
                value["CAP"] = value["GO_CP"] - value["II_CP"] - value["LAB"]
                volumes = {
                    name: 100 * 1.02**t * rng.uniform(0.97, 1.03) for name in ("GO_Q", "II_Q", "LAB_QI", "CAP_QI")
                }
                rows.append([nace, geo, f"industry {nace}", geo, year, *{**value, **volumes}.items()])
    table = pd.DataFrame([row[:5] for row in rows], columns=KEY)
    for k in range(8):
        table[rows[0][5 + k][0]] = [row[5 + k][1] for row in rows]
    return table


def tidy(folder: Path, spoil: Spoil = lambda t: t) -> list[Path]:
    """As the release has it: national accounts wide, growth accounts with a line a variable."""
    table = spoil(accounts())
    table[[*KEY, *(n for n in NATIONAL if n in table)]].to_csv(folder / "national accounts.csv", index=False)
    there = [name for name in GROWTH if name in table]
    table.melt(KEY, there, "var", "value").to_csv(folder / "growth accounts.csv", index=False)
    return [folder / "national accounts.csv", folder / "growth accounts.csv"]


def wide(folder: Path) -> list[Path]:
    accounts().to_csv(folder / "all.csv", index=False, na_rep="NA")
    return [folder / "all.csv"]


def workbooks(folder: Path) -> list[Path]:
    """A workbook a country and kind of accounts: a sheet a variable, a column a year."""
    files = []
    for geo in ("DE", "EL", "EU27_2020"):
        for kind, names in (("national accounts", NATIONAL), ("growth accounts", GROWTH)):
            files.append(folder / f"{geo}_{kind}.xlsx")
            with pd.ExcelWriter(files[-1]) as book:
                pd.DataFrame([["EU KLEMS"]]).to_excel(book, sheet_name="Intro", header=False, index=False)
                for name in names:
                    mine = accounts().query("geo_code == @geo")
                    sheet = mine.pivot_table(index=KEY[:4], columns="year", values=name).reset_index()
                    sheet.insert(4, "var", name)
                    sheet.to_excel(book, sheet_name=name, index=False)
    return files


def by_key(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "growth_accounts.csv").set_index(["country", "sector", "year"])


def test_three_layouts_give_the_same_accounts(tmp_path: Path) -> None:
    results = {}
    for layout in (tidy, wide, workbooks):
        import_files("euklems", layout(tmp_path), tmp_path / layout.__name__)
        results[layout.__name__] = by_key(tmp_path / layout.__name__)
    pd.testing.assert_frame_equal(results["tidy"], results["wide"])
    pd.testing.assert_frame_equal(results["tidy"], results["workbooks"])
    table = results["tidy"]
    assert set(table.index.get_level_values("country")) == {"DEU", "GRC"}
    assert {"agriculture", "plastics", "mineral_products", "electrical_optical", "business_finance"} == set(
        table.index.get_level_values("sector")
    )
    pd.testing.assert_frame_equal(table.xs("plastics", level="sector"), table.xs("mineral_products", level="sector"))


def test_a_sector_of_one_industry_has_its_shares_and_growth(tmp_path: Path) -> None:
    about = import_files("euklems", tidy(tmp_path), tmp_path / "out").about
    mine = accounts().query("geo_code == 'DE' and nace_r2_code == 'A'").set_index("year")
    table = by_key(tmp_path / "out").loc["DEU", "agriculture"]
    np.testing.assert_allclose(table["labor_share"], mine["LAB"] / mine["GO_CP"])
    np.testing.assert_allclose(table["output"], mine["GO_Q"] / mine["GO_Q"].iloc[0])
    said = " | ".join(about["left_out"])
    for words in ("groups of countries: EU27_2020", "TOT", "sectors without accounts in the files: chemicals"):
        assert words in said


def test_industries_are_added_up_with_tornqvist_weights(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("nace,industry,weight\nA,x,1\nC26-C27,x,1\n")
    (tmp_path / "sectors.csv").write_text("industry,sector\nx,both\n")
    choices = ImportOptions(concordance=tmp_path / "mine.csv", sectors=tmp_path / "sectors.csv")
    import_files("euklems", tidy(tmp_path), tmp_path / "out", choices)
    mine = accounts().query("geo_code == 'DE'").set_index(["nace_r2_code", "year"])
    one, other = mine.loc["A"], mine.loc["C26-C27"]
    table = by_key(tmp_path / "out").loc["DEU", "both"]
    share = one["CAP"] / (one["CAP"] + other["CAP"])
    for year in YEARS[1:]:
        mean = (share[year] + share[year - 1]) / 2
        growth = mean * np.log(one["CAP_QI"][year] / one["CAP_QI"][year - 1])
        growth += (1 - mean) * np.log(other["CAP_QI"][year] / other["CAP_QI"][year - 1])
        assert np.log(table["capital"][year] / table["capital"][year - 1]) == pytest.approx(growth, rel=1e-12)
    cost = one["GO_CP"] + other["GO_CP"]
    np.testing.assert_allclose(table["intermediates_share"], (one["II_CP"] + other["II_CP"]) / cost)


def test_growth_accounting_of_the_result_is_the_residual_by_hand(tmp_path: Path) -> None:
    import_files("euklems", tidy(tmp_path), tmp_path / "out")
    accounting = ree.growth_accounting(read_accounts(tmp_path / "out" / "growth_accounts.csv"))
    mine = accounts().query("geo_code == 'DE' and nace_r2_code == 'A'").set_index("year")
    inputs = {"II_Q": "II_CP", "LAB_QI": "LAB", "CAP_QI": "CAP"}  # volume, and the cost that weighs it
    for year in YEARS[1:]:
        growth = {name: np.log(mine[name][year] / mine[name][year - 1]) for name in ("GO_Q", *inputs)}
        share = {name: (mine[cost] / mine["GO_CP"])[[year - 1, year]].mean() for name, cost in inputs.items()}
        residual = growth["GO_Q"] - sum(share[name] * growth[name] for name in inputs)
        found = accounting["tfp_growth"].sel(country="DEU", sector="agriculture", year=year)
        assert float(found) == pytest.approx(residual, rel=1e-9)
        assert abs(residual) > 1e-3


def blank(t: pd.DataFrame, year: int, name: str = "LAB") -> pd.DataFrame:
    chosen = (t["geo_code"] == "DE") & (t["nace_r2_code"] == "A") & (t["year"] == year)
    return t.assign(**{name: t[name].mask(chosen)})


def test_holes_and_losses_leave_a_series_out_in_words(tmp_path: Path) -> None:
    about = import_files("euklems", tidy(tmp_path, lambda t: blank(t, 2009)), tmp_path / "hole").about
    assert "series with a gap between years: DEU agriculture" in about["left_out"]
    assert ("DEU", "agriculture", 2010) not in by_key(tmp_path / "hole").index
    about = import_files("euklems", tidy(tmp_path, lambda t: blank(t, 2008)), tmp_path / "later").about
    assert list(by_key(tmp_path / "later").loc["DEU", "agriculture"].index) == [2009, 2010, 2011]
    loss = lambda t: t.assign(CAP=t["CAP"].where(t["nace_r2_code"] != "A", -1.0))  # noqa: E731
    about = import_files("euklems", tidy(tmp_path, loss), tmp_path / "loss").about
    assert "series with a value or volume that is not above 0: DEU agriculture, GRC agriculture" in about["left_out"]


def test_a_volume_that_is_missing_is_value_over_price_and_said(tmp_path: Path) -> None:
    def priced(t: pd.DataFrame) -> pd.DataFrame:
        return t.assign(GO_PI=100 * t["GO_CP"] / t["GO_Q"]).drop(columns="GO_Q")

    table = priced(accounts())
    table.to_csv(tmp_path / "all.csv", index=False)
    about = import_files("euklems", [tmp_path / "all.csv"], tmp_path / "out").about
    assert any(rule.startswith("GO_Q is missing for 21 series: GO_CP / GO_PI") for rule in about["rules"])
    import_files("euklems", wide(tmp_path), tmp_path / "direct")
    np.testing.assert_allclose(by_key(tmp_path / "out")["output"], by_key(tmp_path / "direct")["output"])


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda t: t.drop(columns="LAB_QI"), "It is in the growth accounts: give that file too"),
        (lambda t: t.drop(columns=["II_CP"]), "It is in the national accounts: give that file too"),
        (lambda t: t.assign(LAB=t["LAB"] * 1e3, CAP=t["CAP"] * 1e3), "Are some values thousands and others millions?"),
        (lambda t: pd.concat([t, t[:1]]), "figures are repeated"),
        (lambda t: t.assign(GO_CP=t["GO_CP"].astype(object).replace(t["GO_CP"][0], "1,5")), "not a number"),
        (lambda t: t.assign(GO_CP=t["GO_CP"].replace(t["GO_CP"][0], np.inf)), "not a number"),
    ],
)
def test_what_is_wrong_with_accounts_is_said(spoil: Spoil, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        import_files("euklems", tidy(tmp_path, spoil), tmp_path / "out")
    assert said in str(error.value)
    assert not (tmp_path / "out").exists()


def test_other_releases_are_recognised(tmp_path: Path) -> None:
    (tmp_path / "Statistical_National-Accounts.csv").write_text("country,code,year,var,value\nDE,A,2008,GO_CP,1\n")
    with pytest.raises(InputError, match="not a file of the release that is read"):
        import_files("euklems", [tmp_path / "Statistical_National-Accounts.csv"], tmp_path / "out")
    (tmp_path / "value added.csv").write_text("country,industry,year,VA_Q,LAB,CAP,VATFP_I\nDEU,A,2008,1,1,1,100\n")
    with pytest.raises(InputError, match=r"on value added: output and intermediates are not(.|\n)*national accounts"):
        import_files("euklems", [tmp_path / "value added.csv"], tmp_path / "out")
    national, growth = tidy(tmp_path)
    later = pd.read_csv(growth).assign(var=lambda t: t["var"].replace("LAB", "GO_CP"))
    later.to_csv(growth, index=False)
    with pytest.raises(InputError, match="figures differ between the files"):
        import_files("euklems", [national, growth], tmp_path / "out")
