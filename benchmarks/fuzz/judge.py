"""What reads the spoiled files, and what must hold of whatever they let through."""

from __future__ import annotations

import csv
import functools
import json
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.fuzz.mutate import Rng, pick

#: Of the cases that pass: one in so many goes through the command line too; of studies, one is built as
#: a model; of datasets, one becomes an economy, and one the inputs of an estimation.
CLI_EVERY, BUILD_EVERY, ECONOMY_EVERY, INPUTS_EVERY = 25, 15, 2, 3


class Insane(Exception):
    """A file was taken, and what was made of it is wrong."""


def need(holds: object, words: str) -> None:
    """Raise Insane with these words unless it holds."""
    if not holds:
        raise Insane(words)


def finite(ds: Any, words: str) -> None:
    """No NaN and no infinity in the arrays of a Dataset."""
    for name, array in ds.data_vars.items():
        need(array.dtype.kind != "f" or np.isfinite(array.values).all(), f"{words}: {name} is not finite")


def dataset(folder: Path, rng: Rng, stem: str | None = None) -> None:
    """``reestim data check`` and what a run makes of the dataset: economy and inputs of the estimation."""
    import reestim as ree
    from reestim.data.dataset import check_dataset
    from reestim.errors import InputError
    from reestim.estimate.inputs import model_inputs

    by_command = rng.random() < 1 / CLI_EVERY
    try:
        data = ree.load_dataset(folder)
        need(not by_command or not check_dataset(folder), "check_dataset and load_dataset disagree")
        if stem is not None and stem in data:
            as_written(folder / f"{stem}.csv", data[stem])
        if rng.random() < 1 / ECONOMY_EVERY:
            economy = ree.Economy.from_dataset(data)
            finite(economy.ds, "economy")
            need((economy.ds["expenditure"] >= 0).all(), "negative expenditure")
        if rng.random() < 1 / INPUTS_EVERY:
            finite(model_inputs(_study_of(data), data), "inputs of the estimation")
    except InputError:
        if by_command:
            command("data", "check", str(folder), codes=(0, 1))
            command("data", "check", str(folder), "--json", codes=(0, 1))
        raise
    if by_command:
        command("data", "check", str(folder), codes=(0,))


def as_written(path: Path, table: Any) -> None:
    """Every cell is the one that the file has: the file read again, by the standard library alone."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = [[cell.strip() for cell in row] for row in csv.reader(file)]
    head, *rows = [row for row in rows if any(row)]
    need(len(rows) == len(table), f"{len(rows)} rows in the file, {len(table)} in the table")
    for name in table.columns:
        cells = [row[head.index(name)] for row in rows]
        for cell, value in zip(cells, table[name].tolist(), strict=True):
            if isinstance(value, bool):
                need(cell.lower() == str(value).lower(), f"{name}: {cell!r} became {value!r}")
            elif isinstance(value, int | float):
                blank = cell == "" and np.isnan(value)
                need(blank or float(cell) == value, f"{name}: {cell!r} became {value!r}")
            else:
                need(cell == value, f"{name}: {cell!r} became {value!r}")


def command(*arguments: str, codes: tuple[int, ...]) -> None:
    """A command in this process: one of these exit codes, no traceback, output that is text."""
    from typer.testing import CliRunner

    from reestim.cli.app import app

    done = CliRunner().invoke(app, list(arguments))
    words = f"reestim {' '.join(arguments[:2])}"
    need(done.exit_code in codes, f"{words} left with {done.exit_code}: {done.output[-300:]}")
    need(done.exception is None or isinstance(done.exception, SystemExit), f"{words}: {done.exception!r}")
    need("Traceback" not in done.output, f"{words} printed a traceback")
    need("\x1b[2J" not in done.output, f"{words} printed control characters of the input")
    if "--json" in arguments:
        json.loads(done.stdout, parse_constant=lambda word: need(False, f"{words} --json printed {word}"))


def _study_of(data: Any) -> Any:
    """The default study, for a dataset that has published effects too."""
    import reestim as ree

    spec = ree.read_spec("models/substitution.toml")
    if "event_study" not in data:
        return spec
    shared = {"event_outcomes": ["exports"], "published_outcomes": ["tfp"]}
    return spec.model_copy(update={"evidence": spec.evidence.model_copy(update=shared)})


@functools.cache
def _bundled() -> tuple[Any, Any]:
    import reestim as ree

    data = ree.load_dataset("simulated-2010")
    return data, ree.Economy.from_dataset(data)


def growth_accounts(folder: Path, rng: Rng) -> None:
    """``reestim tfp`` on a file of growth accounts."""
    import reestim as ree
    from reestim.data.growth_accounts import read_accounts

    ds = ree.growth_accounting(read_accounts(folder / "growth_accounts.csv"))
    need(np.isfinite(ds["tfp"]).any(), "growth accounting of nothing")


def study(file: str, folder: Path, rng: Rng) -> None:
    """The first stage of ``reestim run``, and of some studies the model."""
    import reestim as ree
    from reestim.pipeline.job import read_job
    from reestim.runs.parts import StudyRecord

    job = read_job(folder / file, None, None, quick=True, seed=1)
    spec, inside = job.spec, folder.resolve()
    for path in (spec.model_path, *spec.scenario_paths):
        need(path.resolve().is_relative_to(inside), f"{path} leaves the folder of the study")
    json.dumps(StudyRecord.of(spec).model_dump(), allow_nan=False).encode()
    if rng.random() < 1 / BUILD_EVERY:
        ree.build(spec, _bundled()[0])


def scenario(name: str, folder: Path, rng: Rng) -> None:
    """A scenario on the bundled economy, as ``reestim counterfactual`` places it."""
    import jax

    import reestim as ree
    from reestim.pipeline.scenarios import read_scenarios

    path, economy = folder / "scenarios" / f"{name}.toml", _bundled()[1]
    found = ree.read_scenario(path)
    _, problems = read_scenarios([path], economy)
    if problems:
        from reestim.errors import InputError

        raise InputError(problems)
    arrays = found.to_arrays(found.baseline(economy))
    for leaf in jax.tree.leaves(arrays):
        need(not np.isnan(np.asarray(leaf, float)).any(), "NaN in the arrays of a scenario")


def patents(name: str, folder: Path, rng: Rng) -> None:
    """``reestim label`` reads its patents."""
    from reestim.labels.patents import COLUMNS, read_patents

    table = read_patents(folder / name)
    need(len(table) and set(COLUMNS) <= set(table), "patents without columns")
    need(table["year"].between(1800, 2100).all() and (table["patent_id"] != "").all(), "patents without year or name")
    if name.endswith(".csv") and (folder / name).is_file():
        as_written(folder / name, table)


def audit(folder: Path, rng: Rng) -> None:
    """``reestim audit`` reads a sample back and compares it with the labels."""
    from reestim.labels.audit import read_audit
    from reestim.labels.labelling import read_labels

    found = read_audit(folder / "sample.csv", read_labels(folder / "labels"))
    need(found.counts.to_numpy().sum() > 0, "an audit of nothing")
    need(np.isfinite(found.counts.to_numpy(float)).all(), "counts that are not finite")


def prompt(folder: Path, rng: Rng) -> None:
    """The definitions for a language model."""
    from reestim.labels.taxonomy import read_prompt

    need(read_prompt(str(folder / "prompt.toml")).text.strip(), "an empty prompt")


def run(folder: Path, rng: Rng) -> None:
    """A run of somebody else: listed, opened, tabulated, checked."""
    import reestim as ree
    from reestim.checks.every import check_run
    from reestim.cli import printing
    from reestim.io.files import strict_json
    from reestim.runs import listing

    runs = listing.list_runs(folder)
    if rng.random() < 1 / CLI_EVERY:
        command("runs", str(folder), codes=(0,))
        command("runs", str(folder), "--json", codes=(0,))
        command("check", str(folder / "run"), codes=(0, 1, 2))
    post = ree.load(folder / "run")
    need(any(found.problem is None for found in runs), "a run that opens is listed as one that does not")
    json.dumps(strict_json(printing.result_as_json(post, {})), allow_nan=False)
    check_run(post)
    if rng.random() < 1 / CLI_EVERY:
        command("report", str(folder / "run"), "--out", str(folder / "page"), codes=(0, 1))


def sealed_run(folder: Path, rng: Rng) -> None:
    """The same where ``run.json`` vouches for the spoiled file: what a forger would do."""
    from reestim.io.files import sha256

    file, about = folder / "run" / "posterior.nc", folder / "run" / "run.json"
    if file.is_file() and file.resolve().is_relative_to(folder.resolve()) and rng.random() < 0.9:
        sealed = json.loads(about.read_text()) | {"sha256": sha256(file)}
        about.unlink()
        about.write_text(json.dumps(sealed))
    run(folder, rng)


def chunk(folder: Path, rng: Rng) -> None:
    """A kept chunk of draws is read as it was written, or computed again."""
    from reestim.counterfactuals.chunk_store import load_chunk

    found = load_chunk(folder / "chunks", "chunk")
    need(found is None or (found.outcomes["welfare"] == 1).all(), "a spoiled chunk was believed")


def original(source: str, folder: Path, rng: Rng) -> None:
    """``reestim data import``: tables, or nothing at all."""
    import pandas as pd

    from reestim.errors import InputError
    from reestim.importers.imported import ImportOptions
    from reestim.importers.registry import IMPORT_SOURCES, import_files

    partial = ImportOptions(partial=True) if "partial" in IMPORT_SOURCES[source].takes else ImportOptions()
    out, files = folder / "out", sorted((folder / source).iterdir())
    if source == "usgs-ds140":  # two layouts of the same
        files = [pick(rng, files)]
    try:
        result = import_files(source, files, out, partial)
    except InputError:
        need(not out.exists() and not list(folder.glob(".out*")), "refused, and something was written")
        raise
    need(result.written, "an import of nothing")
    for name in result.written:
        if name.endswith(".csv"):
            table = pd.read_csv(out / name)
            need(len(table), f"{name} is empty")
            numbers = table.select_dtypes("number")
            need(not np.isinf(numbers.to_numpy(float)).any(), f"{name} holds an infinite number")
