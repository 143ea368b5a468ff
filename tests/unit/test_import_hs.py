"""BACI and UN Comtrade: trade by HS code to industries and elements, nothing lost on the way; bad files in words."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

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
