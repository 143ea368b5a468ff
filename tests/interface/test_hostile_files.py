"""One file of every class that the fuzzing found (python -m benchmarks.fuzz): refused in words, and quickly."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import h5py
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer.testing
import xarray as xr

import reestim as ree
from reestim.cli.app import app
from reestim.data.dataset import check_dataset
from reestim.data.growth_accounts import INPUTS, read_accounts
from reestim.errors import InputError, Problem, problem_lines
from reestim.io.files import bytes_of, sha256, stays_inside, strict_json
from reestim.io.safe_arrays import is_safe_zarr
from reestim.io.toml_files import parse
from reestim.labels.patents import read_patents
from reestim.runs.store import malformed_groups_as_errors
from tests.interface.conftest import with_everything
from tests.unit.spoiled_folder import Folder
from tests.unit.test_dataset_problems import folder  # noqa: F401  (a copy of the bundled dataset)

Spoil = Callable[[Path], object]


@pytest.mark.parametrize(
    ("text", "said"),
    [("a = " + "[" * 50_000, "too deep"), ("a = " + "9" * 5000, "digits"), ("a = 1\na = 2", "TOML is broken")],
)
def test_toml_that_breaks_the_parser_is_a_problem(text: str, said: str) -> None:
    content, problems = parse(text, "x.toml")
    assert content is None
    assert said in str(problems[0])


def test_a_problem_fits_a_terminal_whatever_the_file_holds() -> None:
    line = str(Problem("odd \x1b[2J name", "Did you mean '\u202eabc'?", "a\nb.csv", 3, "c" * 9000, "x" * 100_000))
    assert len(line) < 1000
    assert line.isprintable()
    assert "(100002 characters)" in line
    assert "thousands of digits" in str(Problem("out of range", "Correct it.", value=10**5000))
    json.dumps(strict_json({"\ud800": "\ud800"}), ensure_ascii=False).encode()


@pytest.mark.parametrize(
    "given", ["../x.py", "/etc/passwd", "a/../../x", "\0", "x" * 5000, "loop", "out", "a/" * 3000 + "x"]
)
def test_a_path_that_leaves_the_folder_is_refused(tmp_path: Path, given: str) -> None:
    (tmp_path / "out").symlink_to("/etc/hostname")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "a").mkdir()
    assert not stays_inside(tmp_path, given) or given == "loop"
    assert not (tmp_path / "loop").is_file()
    assert stays_inside(tmp_path, "a/../b.toml")


def test_pipes_and_devices_are_not_read(tmp_path: Path, folder: Folder) -> None:  # noqa: F811
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "endless.toml").symlink_to("/dev/zero")
    for name in ("pipe.toml", "endless.toml"):
        with pytest.raises(OSError, match="pipe or a device"):
            bytes_of(tmp_path / name)
        with pytest.raises(InputError, match="pipe or a device"):
            ree.read_scenario(tmp_path / name)
    (folder.path / "policy.csv").unlink()
    os.mkfifo(folder.path / "policy.csv")
    assert ["pipe or a device" in str(problem) for problem in check_dataset(folder.path)] == [True]


NO_GRID = {"node_type": "array", "zarr_format": 3, "data_type": "float64", "codecs": []}
NO_FILL = NO_GRID | {"shape": [1], "chunk_grid": {}, "chunk_key_encoding": {}}


@pytest.mark.parametrize(
    "text",
    [
        "null",
        "3",
        "[]",
        '{"node_type": "array", "zarr_format": 3, "data_type": []}',
        json.dumps(NO_GRID),
        json.dumps(NO_FILL),
    ],
)
def test_a_chunk_that_describes_itself_oddly_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "zarr.json").write_text(text)
    assert not is_safe_zarr(tmp_path)


STUDY = 'name = "s"\nmodel = "model.py"\ndataset = "simulated-2010"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{STUDY}[priors.kappa]\ndistribution = 'LogNormal'\nmu = {'9' * 400}\nsigma = 1.0\n", "out of its support"),
        (STUDY + "[sampler]\ndraws = 1000000000000\n", "draws"),
        (STUDY + "[counterfactual]\ntechnology = ['fixed', 'transition']\nfrom_year = 1\nto_year = 9\n", "from_year"),
        (STUDY.replace('"model.py"', '"out.py"'), "leaves the folder"),
        ('based_on = "out.toml"\n' + STUDY, "leaves the folder"),
    ],
)
def test_a_hostile_study_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "model.py").write_text("raise SystemExit('executed')\n")
    for suffix in ("py", "toml"):
        (tmp_path / f"out.{suffix}").symlink_to("/etc/hostname")
    (tmp_path / "study.toml").write_text(text)
    with pytest.raises(InputError, match=said):
        ree.read_spec(tmp_path / "study.toml")
    done = typer.testing.CliRunner().invoke(app, ["run", str(tmp_path / "study.toml"), "--json"])
    assert done.exit_code == 1
    assert json.loads(done.stdout)["problems"]


def test_tariffs_on_everything_are_compared_without_writing_out_every_cell(tmp_path: Path) -> None:
    names = json.dumps([f"c{k}" for k in range(2000)])
    entry = f"[[tariff]]\nimporter = {names}\nexporter = {names}\nsectors = {names}\nrate = 0.1\n"
    (tmp_path / "s.toml").write_text(f'name = "s"\n{entry}{entry}')
    with pytest.raises(InputError, match="both set c0 / c0 / c0"):
        ree.read_scenario(tmp_path / "s.toml")


def test_columns_without_number_are_named_and_counted() -> None:
    problems = [Problem("the column is unknown", "Remove it.", "a.csv", 1, f"c{k}") for k in range(2000)]
    lines = problem_lines(problems)
    assert len(lines) == 41
    assert "and 1960 more columns" in lines[-1]


@pytest.mark.parametrize("kind", ["renamed", "pipe in a chunk", "gates", "solved", "depth", "half"])
def test_a_run_that_no_reestim_wrote_is_refused_in_words(post: xr.DataTree, tmp_path: Path, kind: str) -> None:
    path = ree.save(with_everything(post), tmp_path / "run")
    about = json.loads((path / "run.json").read_text())
    if kind == "renamed":
        with h5py.File(path / "posterior.nc", "a") as file:
            file.move("counterfactual/year", "counterfactual/yr")
        about["sha256"] = sha256(path / "posterior.nc")
    elif kind == "pipe in a chunk":
        (path / "chunk.zarr").mkdir()
        (path / "chunk.zarr" / "zarr.json").write_text("{}")
        os.mkfifo(path / "chunk.zarr" / "0")
        assert not is_safe_zarr(path / "chunk.zarr")
        return
    elif kind == "half":
        about["spec"] = about["spec"] | {"text": "\ud800", "text_sha256": "0"}
    elif kind == "depth":
        (path / "run.json").write_text("[" * 100_000)
    else:
        about[kind] = 3.5
    if kind != "depth":
        (path / "run.json").write_text(json.dumps(about))
    for command in ("report",) if kind == "renamed" else ("check", "report"):
        done = typer.testing.CliRunner().invoke(app, [command, str(path)])
        assert (done.exit_code, "Traceback" in done.output) == (1, False), done.output
        assert (
            "as REEstim writes it" in done.stderr
            or "cannot be read" in done.stderr
            or "something else" in done.stderr
            or "not what was saved" in done.stderr
        )
    assert typer.testing.CliRunner().invoke(app, ["runs", str(tmp_path)]).exit_code == 0


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("device", "cannot be read"),
        ("no name", "an axis without a name"),
        ("posterior", "numbers of posterior/kappa are infinite"),
        ("prior", "numbers of prior/kappa are infinite"),
        ("attribute", "another verdict of the gates"),
    ],
)
def test_draws_that_no_sampler_made_are_refused(post: xr.DataTree, tmp_path: Path, kind: str, said: str) -> None:
    path = ree.save(post, tmp_path / "run")
    file, about = path / "posterior.nc", json.loads((path / "run.json").read_text())
    if kind == "device":
        file.unlink()
        file.symlink_to("/proc/self/mem")
    else:
        with h5py.File(file, "a") as opened:
            draws = opened["posterior/kappa"]
            if kind in ("posterior", "prior"):
                opened[f"{kind}/kappa"][0, 0] = float("inf")
            elif kind == "attribute":
                record = json.loads(opened.attrs["run"])
                opened.attrs["run"] = json.dumps(record | {"gates": {"passed": False}})
            else:
                values = draws[...]
                del opened["posterior/kappa"]
                opened["posterior"]["kappa"] = values
        (path / "run.json").write_text(json.dumps(about | {"sha256": sha256(file)}))
    with pytest.raises(InputError, match=said):
        ree.load(path)


def test_tables_without_rows_and_half_characters_are_problems(folder: Folder, tmp_path: Path) -> None:  # noqa: F811
    folder.write("event_study.csv", ["outcome,event_time,estimate,std_error"])
    header = "outcome,event_time,other_outcome,other_event_time,covariance"
    folder.write("event_study_covariance.csv", [header, "tfp,0,tfp,0,0.01"])
    assert "event_study.csv: the file has no rows" in "\n".join(map(str, check_dataset(folder.path)))
    names = ",".join(("country", "sector", "year", "output", *INPUTS, *(f"{name}_share" for name in INPUTS)))
    (tmp_path / "growth_accounts.csv").write_text(names + "\n")
    with pytest.raises(InputError, match="no rows"):
        read_accounts(tmp_path / "growth_accounts.csv")
    (tmp_path / "p.jsonl").write_text('{"patent_id": "1", "title": "\\ud800", "abstract": "a"}\n')
    with pytest.raises(InputError, match="half of a character"):
        read_patents(tmp_path / "p.jsonl")
    marks = "\u2028\u2029\x85\x0c"  # ends of lines for Python, part of a text for JSON
    record = {"patent_id": "1", "country": "JPN", "sector": "metals", "year": 2010, "title": marks.join("ab")}
    lines = [json.dumps(record | {"patent_id": f"P{i}", "abstract": "a"}, ensure_ascii=False) for i in range(2)]
    (tmp_path / "p.jsonl").write_text("\r\n".join(lines), encoding="utf-8")
    assert read_patents(tmp_path / "p.jsonl")["title"].tolist() == [marks.join("ab")] * 2
    text = pa.array([b"\xe1(", b"b"]).cast(pa.binary()).view(pa.string())
    pq.write_table(pa.table({"patent_id": ["1", "2"], "title": text}), tmp_path / "p.parquet")
    with pytest.raises(InputError, match="not UTF-8"):
        read_patents(tmp_path / "p.parquet")


def test_a_fault_on_a_run_of_this_process_stays_a_fault(post: xr.DataTree) -> None:
    with pytest.raises(KeyError), malformed_groups_as_errors(post):
        post["posterior"].to_dataset()["nothing"]


def test_a_covariance_without_its_columns_and_output_without_countries_are_problems(folder: Folder) -> None:  # noqa: F811
    folder.write("event_study.csv", ["outcome,event_time,estimate,std_error", "tfp,0,0.1,0.1"])
    folder.write("event_study_covariance.csv", ["outcome,event_time,other_outcome,covariance", "tfp,0,tfp,0.01"])
    lines = folder.lines("element_output.csv")
    folder.write("element_output.csv", [line.split(",", 1)[1] for line in lines])
    said = "\n".join(map(str, check_dataset(folder.path)))
    assert "'other_event_time': the column is missing" in said
    assert "'country': the column is missing" in said
