"""A calibration from request to results: begin or go on in its folder, fit, and write tables and figures there."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr
from matplotlib.figure import Figure
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from reestim.calibration.design import WHOLE, SbcDesign, Shard, fewer_countries
from reestim.calibration.figures import displayed_variables, ecdf_figure, rank_figure, recovery_figure
from reestim.calibration.fit_store import begin, remove_partial_fits
from reestim.calibration.label_noise import compare_labels, fewer, label_sentences, label_table, misclassified, world_of
from reestim.calibration.sbc import calibrate, fits_of
from reestim.calibration.summary import (
    failed_gates,
    fractional_ranks,
    is_calibrated,
    join_fits,
    rank_table,
    ranks_of,
    verdict_sentences,
)
from reestim.data.dataset import Dataset
from reestim.dims import COUNTRY, DRAW
from reestim.equilibrium.economy import Economy
from reestim.errors import InputError, Problem
from reestim.estimate.inputs import model_inputs
from reestim.io.files import atomic_update, sha256, strict_json
from reestim.reports.figures.images import write_figure
from reestim.runs import store
from reestim.runs.identity import mismatches
from reestim.runs.record import RunRecord
from reestim.study.scenario_file import read_scenario
from reestim.study.settings import Sampler
from reestim.study.spec import Spec


@dataclass(frozen=True)
class CalibrationRequest:
    """What ``reestim sbc`` was asked for."""

    spec: Spec
    data: Dataset
    folder: Path
    simulations: int
    countries: int | None
    ranked: int
    seed: int
    sampler: Sampler | None = None  # another than the study's
    run: Path | None = None  # truths are drawn from its posterior, not from the prior
    so_far: bool = False  # no more fits: tables of those that are kept
    shard: Shard = WHOLE  # the datasets that this process fits; tables only of the whole

    @property
    def sampled(self) -> Spec:
        """The study with the sampler that is used here."""
        return self.spec.model_copy(update={"sampler": self.sampler}) if self.sampler else self.spec


@dataclass(frozen=True)
class CalibrationResult:
    """What was found; ``failed_gates``: gate and how many fits failed it; ``calibrated`` only judges ranks."""

    table: pd.DataFrame
    sentences: tuple[str, ...]
    failed_gates: dict[str, int]
    calibrated: bool = True


def calibrate_study(request: CalibrationRequest, progress: bool = True) -> CalibrationResult:
    """Simulation-based calibration of a study, at its prior or at the posterior of a run: writes ``ranks.csv``,
    ``coverage.csv``, ``ecdf``, ``rank_counts`` and ``recovery`` (PNG, SVG) and ``sbc.json`` beside the kept fits."""
    run = _posterior_of(request) if request.run is not None else None
    design = replace(_design(request, model_inputs(request.sampled, request.data)), run=run)
    at = {} if request.run is None else {"run": str(request.run), "run_sha256": sha256(request.run / store.POSTERIOR)}
    record = design.record(kind="posterior" if at else "prior", **at)
    _begin(request, record)
    if not request.so_far:
        with _bar(_fits(request), progress) as done:
            calibrate(design, request.folder, done, request.shard)
    if request.shard != WHOLE:
        return _part_done(request)
    fits = fits_of(design, request.folder)
    _enough(len(fits), request)
    draws, truth = join_fits(fits)
    ranks = ranks_of(draws, truth)
    pit = fractional_ranks(ranks, int(draws.sizes["draw"]), design.seed)
    table = rank_table(pit, draws, truth)
    failed = failed_gates(fits)
    sentences = [*_part_sentences(len(fits), request), *verdict_sentences(table), *_gate_sentences(failed, len(fits))]
    if request.run is not None:
        sentences.insert(0, f"Truths are draws of the posterior of {request.run}; each fit has its data and new ones.")
    if design.scenario is None:
        sentences.append("Welfare was not calibrated: the study names no scenario ([counterfactual] scenarios).")
    result = CalibrationResult(table, tuple(sentences), failed, is_calibrated(table))
    long: pd.DataFrame = pd.concat(
        [ranks[name].to_series().rename("rank").reset_index().assign(variable=name) for name in ranks.data_vars]
    )
    recovery = recovery_figure(draws, truth, displayed_variables(pit))
    figures = {"ecdf": ecdf_figure(pit), "rank_counts": rank_figure(pit), "recovery": recovery}
    _write(request.folder, {"coverage": table, "ranks": long}, figures, record, result)
    return result


def calibrate_labels(request: CalibrationRequest, share: float, progress: bool = True) -> CalibrationResult:
    """Label-noise model against naive counts at a truth with ``share`` of the labels wrong: writes ``labels.csv`` and
    ``sbc.json``. The truth is the dataset's own ``[truth]``, where it has one."""
    data = request.data
    world = world_of(data)
    price = world.price
    inputs = fewer_countries(xr.Dataset({"relative_price": price}, coords={COUNTRY: price[COUNTRY]}), request.countries)
    inputs.attrs = {"dataset": data.meta.name, "dataset_hash": data.hash}
    world = replace(world, truth=misclassified(world.truth, share))
    world = fewer(world, [str(c) for c in inputs[COUNTRY].values])
    how = request.simulations, request.ranked, request.seed
    design = SbcDesign(request.sampled, inputs, Economy(world.io), None, *how)
    record = design.record(kind="labels", misclassified=share)
    _begin(request, record)
    with _bar(2 * _fits(request), progress and not request.so_far) as done:
        fits = compare_labels(design, world, request.folder, done, request.so_far, request.shard)
    if request.shard != WHOLE:
        return _part_done(request)
    done_so_far = min(len(trees) for trees in fits.values())
    _enough(done_so_far, request)
    table = label_table(fits)
    every = [fit for trees in fits.values() for fit in trees]
    failed = failed_gates(every)
    sentences = [*_part_sentences(done_so_far, request), *label_sentences(table, share)]
    result = CalibrationResult(table, (*sentences, *_gate_sentences(failed, len(every))), failed)
    _write(request.folder, {"labels": table}, {}, record, result)
    return result


def _design(request: CalibrationRequest, inputs: xr.Dataset) -> SbcDesign:
    economy = Economy.from_dataset(request.data)
    spec, paths = request.sampled, request.spec.scenario_paths
    scenario = read_scenario(paths[0]) if paths else None
    if scenario is not None:
        scenario.to_arrays(economy)
    few = fewer_countries(inputs, request.countries)
    return SbcDesign(spec, few, economy, scenario, request.simulations, request.ranked, request.seed)


def _posterior_of(request: CalibrationRequest) -> xr.DataTree:
    """The run whose posterior truths are drawn from, after a look whether it is of this study and these data."""
    place: Any = request.run
    column, run = "--at", store.load(place)
    problems = [replace(p, column=column) for p in mismatches(RunRecord.of(run), request.spec, request.data)]
    if request.countries is not None:
        problems.append(Problem("a run has all of its countries", "Leave --countries out", column=column))
    if request.simulations > run["posterior"].sizes[DRAW]:
        advice = f"Ask for at most {run['posterior'].sizes[DRAW]} datasets (-n), the draws of a chain"
        problems.append(Problem("the run has fewer draws than datasets", advice, column=column, value=str(place)))
    if problems:
        raise InputError(problems, "the posterior of this run cannot be calibrated")
    return run


def _begin(request: CalibrationRequest, record: dict[str, Any]) -> None:
    begin(request.folder, record)
    if request.shard == WHOLE:  # other shards may be writing
        remove_partial_fits(request.folder)


def _fits(request: CalibrationRequest) -> int:
    return sum(map(request.shard.holds, range(request.simulations)))


def _part_done(request: CalibrationRequest) -> CalibrationResult:
    number, of = request.shard
    sentence = f"Part {number} of {of} is done. The same command without --part makes the tables when all parts are."
    return CalibrationResult(pd.DataFrame(), (sentence,), {})


def _enough(done: int, request: CalibrationRequest) -> None:
    if done < 2:
        advice = "Let the command run without --so-far"
        raise InputError(Problem("fewer than two simulated datasets are done", advice, value=str(request.folder)))


def _part_sentences(done: int, request: CalibrationRequest) -> list[str]:
    return [] if done == request.simulations else [f"UNFINISHED: {done} of {request.simulations} datasets are done."]


def _gate_sentences(failed: dict[str, int], fits: int) -> list[str]:
    if not failed:
        return [f"All {fits} fits passed the gates of the study."]
    named = ", ".join(f"{gate} {count}" for gate, count in sorted(failed.items()))
    return [f"Of {fits} fits these failed a gate of the study, and all are counted: {named}."]


@contextmanager
def _bar(total: int, progress: bool) -> Generator[Callable[[bool], None]]:
    """A bar whose remaining time rests on what was done now, not on what lay there."""
    columns = (
        TextColumn("simulated datasets"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, disable=not progress) as bar:
        task = bar.add_task("fits", total=total)
        begun = False

        def done(was_there: bool) -> None:
            """Called as each fit begins: the one before it is done."""
            nonlocal begun
            if begun:
                bar.advance(task)
            begun = not was_there
            if was_there:
                bar.update(task, total=(bar.tasks[0].total or 1) - 1)

        yield done
        if begun:
            bar.advance(task)


def _write(
    folder: Path,
    tables: dict[str, pd.DataFrame],
    figures: dict[str, Figure],
    record: dict[str, Any],
    result: CalibrationResult,
) -> None:
    about = record | {
        "sentences": list(result.sentences),
        "failed_gates": result.failed_gates,
        "calibrated": result.calibrated,
        "synthetic": "every dataset is simulated",
        "rows": tables[next(iter(tables))].to_dict("records"),
    }
    with atomic_update(folder) as hidden:
        for name, table in tables.items():
            table.to_csv(hidden / f"{name}.csv", index=False, lineterminator="\n")
        for name, figure in figures.items():
            write_figure(figure, hidden, name)
        text = json.dumps(strict_json(about), indent=1, ensure_ascii=False)
        (hidden / "sbc.json").write_text(text, encoding="utf-8")
