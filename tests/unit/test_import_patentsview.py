"""PatentsView: bulk tables joined on disk to patents with a country, a year and a sector; wrong tables in words."""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import typer.testing

from reestim.cli.app import app
from reestim.errors import InputError
from reestim.importers import patent_tables, technology
from reestim.importers.imported import ImportOptions
from reestim.importers.registry import import_files
from reestim.labels.patents import read_patents

Tables = dict[str, pd.DataFrame]
Spoil = Callable[[Tables], None]


def tables() -> Tables:
    """Six patents: one is a design, one has no assignee, one's abstract is missing, one has two assignees."""
    patent = pd.DataFrame(
        [
            ("7000001", "utility", "2006-01-03", 'Magnet with "less" dysprosium'),
            ("7000002", "utility", "2006-01-03", "Loudspeaker"),
            ("7000003", "utility", "2006-01-10", "Polishing agent"),
            ("D500001", "design", "2006-01-10", "Lamp"),
            ("7000004", "utility", "2006-01-17", "Method without an assignee"),
            ("7000005", "utility", "2007-01-17", "Phosphor"),
        ],
        columns=["patent_id", "patent_type", "patent_date", "patent_title"],
    )
    abstract = pd.DataFrame(
        [
            ("7000002", "A loudspeaker with a magnet\nof neodymium,\tiron and boron."),
            ("7000001", "Grain boundary diffusion."),
            ("7000003", "Cerium oxide is reused."),
            ("7000004", "Neodymium."),
            ("D500001", "A lamp."),
        ],
        columns=["patent_id", "patent_abstract"],
    )
    application = pd.DataFrame(
        [
            (f"10/00000{n}", p, "A", d, "10", 0)
            for n, (p, d) in enumerate(
                [
                    ("7000001", "2003-05-06"),
                    ("7000002", "2004-07-08"),
                    ("7000003", "2004-01-01"),
                    ("D500001", "2004-01-01"),
                    ("7000004", "2004-02-02"),
                    ("7000005", "2005-03-03"),
                    ("7000009", "1074-03-03"),
                ]
            )
        ],
        columns=[
            "application_id",
            "patent_id",
            "patent_application_type",
            "filing_date",
            "series_code",
            "rule_47_flag",
        ],
    )
    location = pd.DataFrame(
        [("l-jp", "Osaka", "", "JP"), ("l-us", "Detroit", "MI", "US"), ("l-cn", "Baotou", "", "CN")],
        columns=["location_id", "disambig_city", "disambig_state", "disambig_country"],
    )
    assignee = pd.DataFrame(
        [
            ("7000002", 1, "a2", "l-cn"),
            ("7000002", 0, "a1", "l-us"),
            ("7000001", 0, "a3", "l-jp"),
            ("7000003", 0, "a4", "l-cn"),
            ("7000005", 0, "a5", "l-jp"),
        ],
        columns=["patent_id", "assignee_sequence", "assignee_id", "location_id"],
    )
    cpc = pd.DataFrame(
        [
            ("7000001", 1, "H", "H01", "H01F", "H01F1/057", "inventional"),
            ("7000001", 0, "Y", "Y02", "Y02T", "Y02T10/64", "inventional"),
            ("7000001", 2, "C", "C22", "C22C", "C22C38/005", "inventional"),
            ("7000002", 0, "B", "B60", "B60R", "B60R11/02", "additional"),
            ("7000002", 1, "H", "H04", "H04R", "H04R9/02", "inventional"),
            ("7000003", 0, "C", "C09", "C09G", "C09G1/02", "inventional"),
            ("7000004", 0, "C", "C22", "C22C", "C22C38/005", "inventional"),
            ("7000005", 0, "C", "C09", "C09K", "C09K11/77", "inventional"),
        ],
        columns=["patent_id", "cpc_sequence", "cpc_section", "cpc_class", "cpc_subclass", "cpc_group", "cpc_type"],
    )
    names = (
        "g_patent",
        "g_patent_abstract",
        "g_application",
        "g_location_disambiguated",
        "g_assignee_disambiguated",
        "g_cpc_current",
    )
    return dict(zip(names, (patent, abstract, application, location, assignee, cpc), strict=True))


def write(folder: Path, spoil: Spoil = lambda t: None, zipped: bool = False) -> list[Path]:
    """Tab-separated, texts in quotes that may hold tabs and line breaks, each in its archive or not."""
    given, files = tables(), []
    spoil(given)
    for name, table in given.items():
        text = table.to_csv(sep="\t", index=False, quoting=csv.QUOTE_NONNUMERIC)
        if zipped:
            files.append(folder / f"{name}.tsv.zip")
            with zipfile.ZipFile(files[-1], "w") as archive:
                archive.writestr(f"{name}.tsv", text)
        else:
            files.append(folder / f"{name}.tsv")
            files[-1].write_text(text, encoding="utf-8")
    return files


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("piece", [2, 50_000])
def test_patents_have_country_year_and_sector(
    zipped: bool, piece: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patent_tables, "ROWS", piece)
    about = import_files("patentsview", write(tmp_path, zipped=zipped), tmp_path / "out").about
    patents = read_patents(tmp_path / "out" / "patents.parquet").set_index("patent_id")
    rows = patents[["country", "sector", "year"]].apply(tuple, axis=1).to_dict()
    shares = pd.read_parquet(tmp_path / "out" / "patent_shares.parquet")
    assert shares.groupby("patent_id")["share"].sum().to_dict() == dict.fromkeys(rows, 1.0)
    both = shares[shares["patent_id"] == "7000002"].set_index("country")
    assert both["share"].to_dict() == {"USA": 0.5, "CHN": 0.5}, "its two assignees live in two countries"
    first = shares[shares["patent_id"] == "7000001"].set_index("sector")
    assert first["share"].to_dict() == {"electrical_optical": 0.5, "metals": 0.5}, "H01F and C22C; Y02T is a tag"
    assert rows == {
        "7000001": ("JPN", "electrical_optical", 2003),
        "7000002": ("USA", "electrical_optical", 2004),
        "7000003": ("CHN", "chemicals", 2004),
        "7000005": ("JPN", "chemicals", 2005),
    }
    assert patents["title"]["7000001"] == 'Magnet with "less" dysprosium'
    assert patents["abstract"]["7000002"] == "A loudspeaker with a magnet\nof neodymium,\tiron and boron."
    assert patents["abstract"]["7000005"] == ""
    assert about["rows"] == {"patents.parquet": 4, "patent_shares.parquet": 6}
    said = " | ".join(about["left_out"])
    for words in ("not utility patents: 1", "without a date: 1", "no country: 1 (by office: US 1)", "title alone: 1"):
        assert words in said
    assert sorted(p.name for p in (tmp_path / "out").rglob("*") if p.is_file()) == [
        "patent_shares.parquet",
        "patents.parquet",
        "patentsview.json",
    ]


@pytest.mark.parametrize("counting", ["first", "fractional"])
def test_people_whose_country_is_unknown_are_named_and_keep_their_place(tmp_path: Path, counting: str) -> None:
    """A code of before ISO behind the first assignee does not pass the patent to the second, and NA is Namibia."""

    def old_code(given: Tables) -> None:
        location, cpc = given["g_location_disambiguated"], given["g_cpc_current"]
        location.loc[location["location_id"] == "l-us", "disambig_country"] = "JA"
        location.loc[location["location_id"] == "l-jp", "disambig_country"] = "NA"
        given["g_cpc_current"] = cpc.drop(columns="cpc_group")

    files = write(tmp_path, old_code)
    about = import_files("patentsview", files, tmp_path / "out", ImportOptions(counting=counting)).about
    country = read_patents(tmp_path / "out" / "patents.parquet").set_index("patent_id")["country"].to_dict()
    expected = {"7000001": "NAM", "7000003": "CHN", "7000005": "NAM"}
    assert country == (expected if counting == "first" else expected | {"7000002": "CHN"})
    said = " | ".join(about["left_out"])
    assert "country is none of today: 1 ('JA' 1)" in said
    assert f"no country: {2 if counting == 'first' else 1} (by office" in said


def test_years_words_regions_and_sectors_choose(tmp_path: Path) -> None:
    (tmp_path / "regions.csv").write_text("country,region\nCHN,CHN\n*,REST\n")
    (tmp_path / "cpc.csv").write_text("cpc,industry\nH,tech\nC,chem\nB,tech\n")
    (tmp_path / "sectors.csv").write_text("industry,sector\ntech,goods\nchem,goods\n")
    choices = ImportOptions(
        years=(2004, 2005),
        matching="neodym|cerium",
        mapping=tmp_path / "regions.csv",
        concordance=tmp_path / "cpc.csv",
        sectors=tmp_path / "sectors.csv",
    )
    about = import_files("patentsview", write(tmp_path), tmp_path / "out", choices).about
    patents = read_patents(tmp_path / "out" / "patents.parquet").set_index("patent_id")
    assert patents["country"].to_dict() == {"7000002": "REST", "7000003": "CHN"}
    assert set(patents["sector"]) == {"goods"}
    assert {"inventions out of --years: 1", "inventions not --matching: 1"} <= set(about["left_out"])


def test_the_shipped_concordance_leaves_no_section_out() -> None:
    prefixes = technology.cpc_industries(None)
    assert set("ABCDEFGH") <= set(prefixes)
    shipped = pd.read_csv(technology.CPC_INDUSTRIES)
    assert shipped["source"].str.startswith("imputed").all()
    assert not shipped["verified"].any()


def rename(old: str, new: str) -> Spoil:
    def spoil(given: Tables) -> None:
        given[new] = given.pop(old)

    return spoil


def change(name: str, edit: Callable[[pd.DataFrame], pd.DataFrame]) -> Spoil:
    def spoil(given: Tables) -> None:
        given[name] = edit(given[name])

    return spoil


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (rename("g_patent", "patent"), "these are the tables as they were before 2022"),
        (rename("g_patent", "pg_published_application"), "these are granted patents, the other tables are"),
        (lambda t: t.pop("g_cpc_current"), "the table is missing"),
        (change("g_patent", lambda t: t.drop(columns="patent_title")), "the column is missing"),
        (change("g_patent", lambda t: pd.concat([t, t[:2]])), "2 patents are repeated"),
        (change("g_patent_abstract", lambda t: pd.concat([t, t[:1]])), "1 abstracts are repeated"),
        (change("g_cpc_current", lambda t: t.assign(cpc_sequence="x")), "not a number"),
        (change("g_cpc_current", lambda t: t.assign(cpc_sequence="1e999")), "not a number"),
        (change("g_cpc_current", lambda t: t[:1]), "Use tables of one release"),
        (
            change("g_assignee_disambiguated", lambda t: t.assign(location_id="l-x")),
            "100% of the patents have no country",
        ),
        (
            change("g_cpc_current", lambda t: t.assign(cpc_group="X01F1/00")),
            "it would lose a class of 5 applications",
        ),
    ],
)
def test_what_is_wrong_with_tables_is_said(spoil: Spoil, said: str, tmp_path: Path) -> None:
    files = write(tmp_path, spoil)
    with pytest.raises(InputError) as error:
        import_files("patentsview", files, tmp_path / "out")
    assert said in str(error.value)
    assert {p.name for p in tmp_path.iterdir()} == {p.name for p in files}, "nothing is left behind"


@pytest.mark.parametrize(("party", "other"), [("applicant", "inventor"), ("inventor", "assignee")])
def test_a_release_may_be_given_whole(party: str, other: str, tmp_path: Path) -> None:
    files = write(tmp_path)
    same = next(path for path in files if "assignee" in path.name)
    renamed = tmp_path / same.name.replace("assignee", "inventor")
    people = pd.read_csv(same, sep="\t", dtype=str).rename(columns=lambda name: name.replace("assignee", "inventor"))
    people.to_csv(renamed, sep="\t", index=False)
    about = import_files("patentsview", [*files, renamed], tmp_path / "out", ImportOptions(party=party)).about
    assert [w for w in about["left_out"] if f"g_{other}_disambiguated" in w and "is not read: --party" in w]


def test_the_command_chooses_patents(tmp_path: Path) -> None:
    files = write(tmp_path)
    run = typer.testing.CliRunner().invoke
    command = ["data", "import", "patentsview", *map(str, files), "--out", str(tmp_path / "out")]
    said = run(app, [*command, "--matching", "loudspeaker", "--years", "2004-2010", "--json"])
    assert said.exit_code == 0, said.output
    assert json.loads(said.output)["rows"] == {"patents.parquet": 1, "patent_shares.parquet": 2}
    wrong = run(app, [*command, "--matching", "(", "--overwrite"])
    assert wrong.exit_code == 1
    assert "Write a regular expression" in wrong.output
    assert "these are not years" in run(app, [*command, "--years", "04-x"]).output
    assert "no patent is left" in run(app, [*command, "--matching", "unobtainium", "--overwrite"]).output
