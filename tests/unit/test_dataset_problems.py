"""Every kind of bad input to a dataset: one list of problems with file, row, column, value and advice."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from reestim.data.dataset import check_dataset, load_dataset
from reestim.data.remarks import remarks
from reestim.errors import InputError, problem_lines
from reestim.io.resources import SIMULATED
from tests.unit import spoiled_dataset as spoiled
from tests.unit.spoiled_folder import Expected, Folder

SOURCE = SIMULATED


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    copy = tmp_path / "copy"
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("sources"))
    return Folder(copy)


@pytest.mark.parametrize("spoil", spoiled.CASES, ids=lambda case: case.__name__)
def test_each_problem_names_its_place_and_nothing_else_is_reported(
    folder: Folder, spoil: Callable[[Folder], list[Expected]]
) -> None:
    expected = spoil(folder)
    problems = check_dataset(folder.path)
    listing = "\n".join(str(problem) for problem in problems)
    assert len(problems) == len(expected), listing
    for wanted in expected:
        assert any(wanted.describes(problem) for problem in problems), f"{wanted}\nnot in\n{listing}"


def test_a_table_of_another_form_is_not_left_aside_in_silence(folder: Folder) -> None:
    (folder.path / "event_study.xlsx").write_bytes(b"PK")
    (folder.path / "TRADE.CSV").write_text("country\n")
    (folder.path / "notes.txt").write_text("mine")
    files = {p.file: p.message for p in check_dataset(folder.path)}
    assert files == dict.fromkeys(["event_study.xlsx", "TRADE.CSV"], "this kind of file is not read")


def test_a_file_that_nothing_reads_is_named_once_at_load(folder: Folder, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("notes_of_mine.docx", "README.md", "patents.parquet", ".DS_Store"):
        (folder.path / name).write_text("mine")
    for _ in range(2):
        data = load_dataset(folder.path)
    (said,) = remarks(data)
    assert "notes_of_mine.docx" in said
    assert not any(name in said for name in ("README.md", "patents.parquet", ".DS_Store"))
    assert [record.message for record in caplog.records if "Nothing reads" in record.message] == [said]


def test_effects_of_one_regression_are_asked_for_their_covariance(folder: Folder) -> None:
    folder.write("event_study.csv", ["outcome,event_time,estimate,std_error", "tfp,0,0.02,0.01", "tfp,1,0.03,0.01"])
    outcomes = pd.read_csv(folder.path / "outcomes.csv")
    outcomes[outcomes["outcome"] != "tfp"].to_csv(folder.path / "outcomes.csv", index=False)
    (said,) = remarks(load_dataset(folder.path))
    assert "2 effects on tfp (all) count as independent" in said
    head = "outcome,event_time,other_outcome,other_event_time,covariance"
    folder.write("event_study_covariance.csv", [head, "tfp,0,tfp,1,0.00005"])
    assert remarks(load_dataset(folder.path)) == []


def test_all_problems_of_all_files_come_in_one_error(folder: Folder) -> None:
    together = [
        spoiled.unknown_sector,
        spoiled.unknown_country,
        spoiled.negative_flow,
        spoiled.nan_and_infinity,
        spoiled.repeated_key,
        spoiled.weights_off,
        spoiled.identity_off,
        spoiled.missing_price,
        spoiled.missing_elasticity,
        spoiled.exports_above_output,
        spoiled.policy_at_home,
        spoiled.panel_without_figures,
        spoiled.neither_true_nor_false,
        spoiled.fractional_year,
        spoiled.unknown_toml_key,
    ]
    expected = [wanted for spoil in together for wanted in spoil(folder)]
    with pytest.raises(InputError) as caught:
        load_dataset(folder.path)
    problems = caught.value.problems
    for wanted in expected:
        assert any(wanted.describes(problem) for problem in problems), f"{wanted}\nnot in\n{caught.value}"
    assert len(problems) == len(expected), str(caught.value)


def test_a_long_list_is_cut_but_counted(folder: Folder) -> None:
    lines = folder.lines("element_prices.csv")
    spoilt = [line.replace("export", "exports", 1) if ",export," in line else line for line in lines]
    folder.write("element_prices.csv", spoilt)
    count = sum(",exports," in line for line in spoilt)
    with pytest.raises(InputError) as caught:
        load_dataset(folder.path)
    text = str(caught.value)
    assert count == 160
    assert "(160 problems)" in text.splitlines()[0]
    assert f"and {count - 5} more of the same kind (unknown market)" in text
    assert len(text.splitlines()) == 1 + 5 + 1
    assert len(caught.value.problems) == count
    assert len(problem_lines(caught.value.problems, cap=2)) == 2 + 1


def test_rows_are_counted_as_an_editor_does_with_blank_lines_and_long_cells(folder: Folder) -> None:
    lines = folder.lines("element_exports.csv")
    rows = [lines[0], "", 'CHN,2008,56939,"a source', 'on two lines",false', "", "CHN,2009,x,s,false"]
    folder.write("element_exports.csv", rows)
    (problem,) = check_dataset(folder.path)
    assert (problem.file, problem.row, problem.column, problem.value) == ("element_exports.csv", 6, "tonnes", "x")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            {
                "label_audit.csv": "human_label,machine_label,count,design\n"
                "using,using,5,by_label\nusing,unrelated,1,random\n"
                "enhancing,using,2.5,by_label\nenhancing,enhancing,4,by_lable\n"
            },
            [
                Expected("label_audit.csv", 3, "design", "random", "mixes designs", "one design"),
                Expected("label_audit.csv", 4, "count", "2.5", "not a whole number", "Counts"),
                Expected("label_audit.csv", 5, "design", "by_lable", "unknown audit design", "Did you mean 'by_label'"),
            ],
        ),
        (
            {
                "patent_labels.csv": "country,sector,year,label,count\nCHN,metals,2005,usign,3\n"
                "CHN,metals,2005,using,-3\nCHN,all,2005,using,3\n"
            },
            [
                Expected("patent_labels.csv", 2, "label", "usign", "unknown label", "Did you mean 'using'"),
                Expected("patent_labels.csv", 3, "count", "-3", "a negative count", "Set it to 0"),
                Expected("patent_labels.csv", 4, "sector", "all", "unknown sector", "Known: agriculture"),
            ],
        ),
        (
            {
                "outcomes.csv": "country,sector,year,outcome,value\n"
                "CHN,metals,2005,export,3\nCHN,metals,2005,exports,0\n"
            },
            [
                Expected("outcomes.csv", 2, "outcome", "export", "unknown outcome", "Did you mean 'exports'"),
                Expected("outcomes.csv", 3, "value", "0", "must be above 0", "leave the row out"),
            ],
        ),
        (
            {"event_study.csv": "outcome,event_time,estimate,std_error\nexports,1,0.1,0\nexports,1,0.1,0.2\n"},
            [
                Expected("event_study.csv", 2, "std_error", "0", "must be above 0", "Correct it"),
                Expected("event_study.csv", 3, None, "exports, 1", "the key is repeated", "rows 2 and 3"),
            ],
        ),
        (
            {
                "event_study.csv": "outcome,countries,event_time,last_event_time,"
                "reference_event_time,estimate,std_error\ntfp,JPN,1,,,0.1,0.2\ntfp,JAP,1,,,0.1,0.2\ntfp,,3,1,,0.1,0.2\ntfp,,-1,,,0,0.2\n"
            },
            [
                Expected("event_study.csv", 3, "countries", "JAP", "'JAP' is not a country here", "Did you mean 'JPN'"),
                Expected("event_study.csv", 4, "last_event_time", 1, "last event time lies before", "Leave it blank"),
                Expected("event_study.csv", 5, "event_time", -1, "holds the reference", "leave the row out"),
            ],
        ),
        (
            {
                "event_study.csv": "outcome,event_time,estimate,std_error\ntfp,1,0.1,0.1\ntfp,2,0.1,0.1\n",
                "event_study_covariance.csv": "outcome,event_time,other_outcome,other_event_time,covariance\n"
                "tfp,1,tfp,2,0.02\n",
            },
            [Expected("event_study_covariance.csv", None, "covariance", None, "not positive definite", "eigenvalue")],
        ),
    ],
    ids=["audit", "patents", "outcomes", "event study", "published effects", "covariance"],
)
def test_evidence_files(folder: Folder, files: dict[str, str], expected: list[Expected]) -> None:
    for name, text in files.items():
        (folder.path / name).write_text(text, encoding="utf-8")
    problems = [p for p in check_dataset(folder.path) if p.file in files]
    assert len(problems) == len(expected), "\n".join(map(str, problems))
    for wanted in expected:
        assert any(wanted.describes(problem) for problem in problems), f"{wanted}\n{problems}"


def test_patents_and_audit_come_together(folder: Folder) -> None:
    (folder.path / "label_audit.csv").unlink(missing_ok=True)
    (folder.path / "patent_labels.csv").write_text("country,sector,year,label,count\nCHN,metals,2005,using,3\n")
    problems = [p for p in check_dataset(folder.path) if p.file == "label_audit.csv"]
    assert [p.message for p in problems] == ["the file is missing"]


@pytest.mark.parametrize(
    ("name", "message", "advice"),
    [
        ("simulated-2011", "there is no such dataset", "Did you mean 'simulated-2010'"),
        (
            "no/such/folder",
            "there is no such dataset",
            "Known: rare-earths-2010, rare-earths-2010-magnets, rare-earths-2023, simulated-2010",
        ),
        (str(SOURCE / "trade.csv"), "this is a file", "Give the folder"),
    ],
)
def test_a_dataset_that_is_not_there(name: str, message: str, advice: str) -> None:
    with pytest.raises(InputError) as caught:
        load_dataset(name)
    (problem,) = caught.value.problems
    assert message in problem.message
    assert advice in problem.advice
    assert problem.value == name


def test_an_empty_folder_lists_every_required_file(tmp_path: Path) -> None:
    files = {problem.file for problem in check_dataset(tmp_path)}
    assert files == {
        "dataset.toml",
        "elements.csv",
        "element_prices.csv",
        "element_output.csv",
        "element_use.csv",
        "application_sector.csv",
        "trade.csv",
        "input_output.csv",
        "value_added.csv",
        "trade_elasticities.csv",
    }
