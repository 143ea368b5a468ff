"""Importers of patents: the same inventions from every source, each once, in parts, and never by the office."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import typer.testing

from reestim.cli.app import app
from reestim.data.label_record import LabelRecord
from reestim.errors import InputError
from reestim.importers.imported import ImportOptions
from reestim.importers.registry import IMPORT_SOURCES, import_files
from reestim.importers.technology import in_class, nace_sectors, search_classes, symbol_of
from reestim.labels.labelling import label_patents
from reestim.labels.patents import read_patents
from reestim.labels.shares import read_shares, whole_counts
from tests.unit import patent_files
from tests.unit.patent_files import CHEMICALS, COLUMNS, ELECTRICAL, EXPECTED, METALS

KINDS = ("csv", "tsv", "jsonl", "parquet", "xlsx")
Told = dict[str, tuple[int, dict[tuple[str, str], float]]]


def told(folder: Path) -> Told:
    """Inventions of an import by the identifier of their text: year and parts by country and sector."""
    patents = read_patents(folder / "patents.parquet").set_index("patent_id")
    shares = pd.read_parquet(folder / "patent_shares.parquet")
    assert shares.groupby("patent_id")["share"].sum().to_dict() == pytest.approx(dict.fromkeys(patents.index, 1.0))
    return {
        str(i): (
            int(patents.loc[i, "year"]),
            {(c, s): x for j, c, s, x in shares.itertuples(index=False) if j == i},
        )
        for i in patents.index
    }


def files_of(source: str, folder: Path) -> tuple[list[Path], dict[str, Any]]:
    if source in KINDS:
        return patent_files.plain(folder, source), {"columns": COLUMNS}
    if source == "lens":
        files, residence = patent_files.lens(folder)
        return files, {"residence": residence}
    return {"google-patents": patent_files.google, "patstat": patent_files.patstat}[source](folder), {}


def name_of(source: str) -> str:
    return "patents" if source in KINDS else source


@pytest.mark.parametrize("source", [*KINDS, "google-patents", "lens", "patstat"])
def test_every_source_tells_of_the_same_inventions(source: str, tmp_path: Path) -> None:
    files, choices = files_of(source, tmp_path)
    about = import_files(name_of(source), files, tmp_path / "out", ImportOptions(**choices)).about
    found = told(tmp_path / "out")
    assert {i: year for i, (year, _) in found.items()} == {i: year for i, (year, _) in EXPECTED.items()}
    for i, (_, parts) in EXPECTED.items():
        assert found[i][1] == pytest.approx(parts)
    patents = pd.read_parquet(tmp_path / "out" / "patents.parquet").set_index("patent_id")
    assert patents["abstract"]["US-2-A1"].startswith("Less dysprosium"), "the English member gives the text"
    said = " | ".join(about["left_out"])
    assert "no country: 1 (by office: CN 1)" in said, "an office is not where people live"
    assert any("3 of 5 applications" in rule for rule in about["rules"])


@pytest.mark.parametrize("source", ["google-patents", "lens", "patstat"])
def test_inventors_by_choice(source: str, tmp_path: Path) -> None:
    files, choices = files_of(source, tmp_path)
    import_files(source, files, tmp_path / "out", ImportOptions(**choices, party="inventor"))
    assert told(tmp_path / "out")["US-4-A1"][1] == pytest.approx({("USA", ELECTRICAL): 1.0})
    with pytest.raises(InputError, match="unknown party"):
        import_files(source, files, tmp_path / "other", ImportOptions(**choices, party="owner"))


def test_patstat_takes_the_weights_of_nace(tmp_path: Path) -> None:
    files = patent_files.patstat(tmp_path, nace=True, separator=";")
    about = import_files("patstat", files, tmp_path / "out").about
    found = told(tmp_path / "out")
    assert found["US-2-A1"][1] == pytest.approx({("JPN", ELECTRICAL): 0.75, ("JPN", METALS): 0.25})
    assert found["KR-5-A"][1] == pytest.approx({("KOR", CHEMICALS): 1.0})
    assert any("not patents of invention: 1" in words for words in about["left_out"]), "a design is none"


def test_patentsview_applications_count_once(tmp_path: Path) -> None:
    about = import_files("patentsview", patent_files.applied(tmp_path), tmp_path / "out").about
    found = told(tmp_path / "out")
    half = {(c, s): 0.25 for c in ("JPN", "USA") for s in (ELECTRICAL, METALS)}
    assert found["US-2-A1"] == (2006, pytest.approx(half))
    assert found["US-4-A1"][1] == pytest.approx(EXPECTED["US-4-A1"][1])
    assert any("2 of 3 applications" in rule for rule in about["rules"]), "a corrected publication is no invention"


def test_classes_find_substitutes_that_words_miss(tmp_path: Path) -> None:
    files, _ = files_of("google-patents", tmp_path)
    words = "rare.?earth|neodym|dyspros|cerium|europ"
    import_files("google-patents", files, tmp_path / "words", ImportOptions(matching=words))
    assert set(told(tmp_path / "words")) == {"US-2-A1", "KR-5-A"}
    both = ImportOptions(matching=words, classes=("shipped",))
    import_files("google-patents", files, tmp_path / "both", both)
    assert "US-4-A1" in told(tmp_path / "both"), "manganese and bismuth, H01F 1/047"


def test_counted_whole_there_is_one_country_and_no_file_of_shares(tmp_path: Path) -> None:
    files, choices = files_of("csv", tmp_path)
    import_files("patents", files, tmp_path / "out", ImportOptions(**choices, counting="first"))
    assert not (tmp_path / "out" / "patent_shares.parquet").exists()
    rows = read_patents(tmp_path / "out" / "patents.parquet").set_index("patent_id")
    assert rows.loc["US-4-A1", ["country", "sector"]].tolist() == ["USA", ELECTRICAL]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"country": "authority"}, "this looks like the office that published"),
        ({"country": None}, "no column is named for it"),
        ({"cpc": None}, "no column is named for it"),
        ({"colour": "title"}, "this is not read"),
        ({"title": "headline"}, "the column is missing"),
    ],
)
def test_columns_that_cannot_be_right_are_refused(change: dict[str, str | None], said: str, tmp_path: Path) -> None:
    columns = {**dict(COLUMNS), **change}
    pairs = tuple((name, column) for name, column in columns.items() if column is not None)
    with pytest.raises(InputError, match=said):
        import_files("patents", patent_files.plain(tmp_path, "csv"), tmp_path / "out", ImportOptions(columns=pairs))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("residence", "EP", "an office, not a country"),
        ("residence", "SU", "no patent is left"),
        ("filed", "spring", "no year between 1800 and 2099"),
        ("cpc", "magnets", "not a CPC or IPC symbol"),
        ("number", "X-1", "4 identifiers are repeated"),
        ("number", "", "Give each application an identifier"),
    ],
)
def test_cells_that_cannot_be_right_are_refused(column: str, value: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    pd.DataFrame(patent_files.plain_rows()).assign(**{column: value}).to_csv(path, index=False)
    with pytest.raises(InputError) as error:
        import_files("patents", [path], tmp_path / "out", ImportOptions(columns=COLUMNS))
    assert said in str(error.value)


def test_an_office_now_and_then_is_counted_and_refuses_no_file(tmp_path: Path) -> None:
    rows = pd.concat([pd.DataFrame(patent_files.plain_rows()).assign(docdb="")] * 20, ignore_index=True)
    rows["number"] = [f"{number}-{n}" for n, number in enumerate(rows["number"])]
    rows.loc[3, "residence"] = "WO"
    rows.to_csv(tmp_path / "mine.csv", index=False)
    about = import_files("patents", [tmp_path / "mine.csv"], tmp_path / "out", ImportOptions(columns=COLUMNS)).about
    assert any("whose country is none of today" in words and "'WO' 1" in words for words in about["left_out"])


@pytest.mark.parametrize(
    ("source", "column"), [("google-patents", "priority_date"), ("lens", "Earliest Priority Date")]
)
def test_a_priority_is_the_earliest_filing_of_a_family(source: str, column: str, tmp_path: Path) -> None:
    files, choices = files_of(source, tmp_path)
    before = import_files(source, files, tmp_path / "before", ImportOptions(**choices)).about
    assert any(f"has no {column}" in words for words in before["left_out"])
    if source == "lens":
        export = pd.read_csv(files[0], dtype=str, keep_default_na=False)
        export.assign(**{column: ["1999-05-04", *[""] * (len(export) - 1)]}).to_csv(files[0], index=False)
    else:
        lines = [json.loads(line) for line in files[0].read_text().splitlines()]
        rows = [{**line, column: "19990504" if n == 0 else "0"} for n, line in enumerate(lines)]
        files[0].write_text("".join(json.dumps(row) + "\n" for row in rows))
    about = import_files(source, files, tmp_path / "out", ImportOptions(**choices)).about
    assert not any("has no" in words and column in words for words in about["left_out"])
    earlier, years = told(tmp_path / "before"), told(tmp_path / "out")
    assert {i for i in years if years[i][0] != earlier[i][0]} == {next(i for i in years if years[i][0] == 1999)}


def test_lens_needs_the_residence_from_elsewhere(tmp_path: Path) -> None:
    files, residence = patent_files.lens(tmp_path)
    with pytest.raises(InputError, match="do not say where applicants or inventors live"):
        import_files("lens", files, tmp_path / "out")
    residence.write_text("name,country\nMotors,US\nMotors,DE\nWerke,Atlantis\n")
    with pytest.raises(InputError) as error:
        import_files("lens", files, tmp_path / "out", ImportOptions(residence=residence))
    assert "the name is there twice" in str(error.value)
    assert "not a country" in str(error.value)


def test_symbols_classes_and_divisions() -> None:
    assert symbol_of("H01F   1/057") == "H01F1/057"
    assert symbol_of("magnet") == ""
    assert in_class("H02K17/16", "H02K17")
    assert not in_class("H02K170/2", "H02K17")
    assert in_class("C09K11/77", "C09K")
    with pytest.raises(InputError, match="not a symbol"):
        search_classes(["H01F1/047,9X"])
    by_industry = nace_sectors({f"c{n}": f"c{n}" for n in range(1, 35)})
    assert by_industry["26"] == {"c14": 1.0}
    assert by_industry["62"] == {"c30": 1.0}, "the entry J62-J63 is nearer than the section J"
    assert all(sum(shares.values()) == pytest.approx(1.0) for shares in by_industry.values())


def test_the_command_names_columns_after_the_files(tmp_path: Path) -> None:
    files = patent_files.plain(tmp_path, "csv")
    run = typer.testing.CliRunner().invoke
    pairs = [f"{name}={column}" for name, column in COLUMNS]
    command = ["data", "import", "patents", str(files[0]), "--columns", *pairs, "--out", str(tmp_path / "out")]
    done = run(app, [*command, "--classes", "shipped"])
    assert done.exit_code == 0, done.output
    assert set(told(tmp_path / "out")) == set(EXPECTED)
    assert "this names no column" in run(app, [*command[:4], "--columns", "id", "--out", "x"]).output
    query = run(app, ["data", "import", "google-patents", "--query"])
    assert "assignee_harmonized" in query.output
    assert "needs no query" in run(app, ["data", "import", "lens", "--query"]).output


class EverythingUses:
    """A labeller of one label."""

    def label(self, patents: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"label": "using", "probability": 1.0, "reason": ""}, index=patents.index)

    def about(self) -> dict[str, object]:
        return {"labeller": "test", "model": "using"}


def test_labels_are_counted_by_parts(tmp_path: Path) -> None:
    out = tmp_path / "out"
    import_files("patents", patent_files.plain(tmp_path, "csv"), out, ImportOptions(columns=COLUMNS))
    patents = read_patents(out)
    labelled = label_patents(patents, EverythingUses(), shares=read_shares(out, patents))
    sums = labelled.sums().set_index(["country", "label"])["count"]
    assert sums.groupby(level=0).sum().to_dict() == pytest.approx({"JPN": 1, "USA": 1 / 3, "DEU": 2 / 3, "KOR": 1})
    counts = labelled.counts()
    assert counts["count"].sum() == 3, "three inventions"
    assert labelled.about["labels"]["using"] == 3
    assert str(counts["count"].dtype) == "int64"


class ReadsNoKorean(EverythingUses):
    """A labeller that leaves the texts of one country without a label."""

    def label(self, patents: pd.DataFrame) -> pd.DataFrame:
        found = super().label(patents)
        found.loc[patents["country"] == "KOR", ["label", "reason"]] = ["", "not English"]
        return found


def test_missing_labels_are_counted_by_country(tmp_path: Path) -> None:
    out = tmp_path / "out"
    import_files("patents", patent_files.plain(tmp_path, "csv"), out, ImportOptions(columns=COLUMNS))
    patents = read_patents(out)
    labelled = label_patents(patents, ReadsNoKorean(), synthetic=True, shares=read_shares(out, patents))
    assert labelled.about["unlabelled_by_country"] == {"KOR": {"patents": 1, "unlabelled": 1}}
    assert "KOR" not in set(labelled.counts()["country"]), "no cell of labels, not one of zeros"
    LabelRecord.model_validate(labelled.about)


def test_shares_that_do_not_fit_the_patents_are_refused(tmp_path: Path) -> None:
    out = tmp_path / "out"
    import_files("patents", patent_files.plain(tmp_path, "csv"), out, ImportOptions(columns=COLUMNS))
    shares = pd.read_parquet(out / "patent_shares.parquet")
    shares[shares["patent_id"] != "KR-5-A"].to_parquet(out / "patent_shares.parquet")
    refused = typer.testing.CliRunner().invoke(app, ["label", str(out / "patents.parquet"), "--dry-run"])
    assert refused.exit_code == 1
    assert "do not sum to 1" in refused.output


def test_rounded_sums_are_right_on_average() -> None:
    sums = np.random.default_rng(1).gamma(0.5, 2.0, size=200)
    drawn = np.array([whole_counts(sums, seed) for seed in range(4000)])
    assert np.abs(drawn - sums).max() < 1
    assert np.abs(np.cumsum(drawn, axis=1) - np.cumsum(sums)).max() < 1, "the total of cells that stand together"
    assert np.abs(drawn.mean(axis=0) - sums).max() < 4 * 0.5 / np.sqrt(4000)
    assert (whole_counts(np.array([0.0, 3.0, 0.0, 2.0])) == [0, 3, 0, 2]).all(), "whole sums stay as they are"


def test_all_sources_of_patents_give_the_same_files() -> None:
    sources = [o for o in IMPORT_SOURCES.values() if "patents" in o.gives]
    assert {o.name for o in sources} == {"google-patents", "lens", "patents", "patentsview", "patstat"}
    assert all(o.gives == ("patents", "patent_shares") for o in sources)
