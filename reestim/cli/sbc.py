"""``reestim sbc``: is a study calibrated on data simulated from its own model."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reestim.cli.command import GATE_FAILED, Output, command
from reestim.cli.options import DatasetOption, SeedOption, SpecArgument
from reestim.cli.terminal import find_run

if TYPE_CHECKING:
    import pandas as pd


@command(quiet=True)
def sbc(
    spec: SpecArgument = Path("models/substitution.toml"),
    out: Annotated[Path | None, typer.Option(help="Folder of the calibration; the same command goes on there.")] = None,
    dataset: DatasetOption = None,
    simulations: Annotated[int, typer.Option("--simulations", "-n", min=2, help="Simulated datasets.")] = 100,
    countries: Annotated[int | None, typer.Option(min=1, help="Use only so many countries (default: all).")] = None,
    misclassified: Annotated[
        float | None,
        typer.Option(help="Compare label-noise model and naive counts, this share of labels wrong.", metavar="SHARE"),
    ] = None,
    at: Annotated[
        Path | None,
        typer.Option("--at", help="Posterior SBC: truths are draws of this run, whose data count too.", metavar="RUN"),
    ] = None,
    draws: Annotated[int | None, typer.Option(min=4, help="Draws a chain (default: the study's).")] = None,
    tune: Annotated[int | None, typer.Option(min=0, help="Tuning steps a chain (default: the study's).")] = None,
    chains: Annotated[int | None, typer.Option(min=1, help="Chains (default: the study's).")] = None,
    ranked: Annotated[int, typer.Option(min=3, help="Draws of each posterior that a truth is ranked among.")] = 99,
    part: Annotated[
        str | None, typer.Option(help="Fit only this part, as 3/16: several processes share a folder.", metavar="K/N")
    ] = None,
    so_far: Annotated[
        bool, typer.Option(help="Fit no more: tables and figures of the datasets that are done.")
    ] = False,
    seed: SeedOption = 1,
    *,
    output: Output,
) -> None:
    """Calibrate a study: draw truths from its prior, simulate data, fit, and see whether intervals hold the truth.

    Every parameter is ranked, and welfare of each country, solved at every draw. Data keep the covariates of the
    dataset (prices, exposure, patents a cell). After a kill, the same command goes on. With --at truths are drawn from
    the posterior of a run of this study, so that the question is asked where the data lead; each fit is then given the
    run's data and the simulated ones. With --misclassified the truth is stated by the dataset, and labels err. Exit
    code 2 where ranks are not uniform.

    Example: reestim sbc --countries 3 -n 100 --draws 300 --tune 400 --chains 2 --out calibration
    """
    from reestim.cli import printing
    from reestim.io.files import slug
    from reestim.pipeline.job import read_job

    job = read_job(spec, dataset, None)
    from reestim.calibration.design import parse_shard
    from reestim.calibration.fit_store import refuse_stranger
    from reestim.calibration.run import CalibrationRequest, calibrate_labels, calibrate_study
    from reestim.errors import InputError, Problem

    if at is not None and misclassified is not None:
        advice = "Give one of the two: they state different truths"
        raise InputError(Problem("--at and --misclassified do not go together", advice, column="--at", value=str(at)))
    short = {k: v for k, v in (("draws", draws), ("tune", tune), ("chains", chains)) if v is not None}
    sampler = job.spec.sampler.model_copy(update=short)
    kind = "labels" if misclassified is not None else "prior" if at is None else "posterior"
    folder = out or Path("calibration") / f"{slug(job.spec.name)}-{kind}"
    request = CalibrationRequest(
        job.spec,
        job.data,
        folder,
        simulations,
        countries,
        ranked,
        seed,
        sampler=sampler,
        run=find_run(at) if at is not None else None,
        so_far=so_far,
        shard=parse_shard(part),
    )
    refuse_stranger(folder)
    talk, progress = output.announce, output.progress
    talk(f"{simulations} SIMULATED datasets; every fit is kept in {folder}, the same command goes on after a kill")
    if misclassified is not None:
        calibration = calibrate_labels(request, misclassified, progress)
    else:
        calibration = calibrate_study(request, progress)
    if output.as_json:
        printing.print_json(
            {
                "folder": str(folder),
                "interval": "equal-tailed",
                "sentences": list(calibration.sentences),
                "failed_gates": calibration.failed_gates,
                "calibrated": calibration.calibrated,
                "rows": calibration.table.to_dict("records"),
            }
        )
    else:
        if not output.quiet:
            if not calibration.table.empty:
                _print(calibration.table, misclassified is not None)
            for sentence in calibration.sentences:
                typer.echo(sentence)
        typer.echo(f"calibration: {folder}")
    if not calibration.calibrated:
        raise typer.Exit(GATE_FAILED)


def _print(table: pd.DataFrame, labels: bool) -> None:
    from reestim.cli import printing

    def cell(row: dict[Any, Any], key: str, digits: int = 2) -> str:
        value, error = row[key], row.get(f"{key}_error", math.nan)
        if math.isnan(value):
            return ""
        return f"{value:.{digits}f}" + ("" if math.isnan(error) else f" ± {error:.{digits}f}")

    rows = table.to_dict("records")
    if labels:
        title = "Label-noise model against naive counts (± standard error over datasets; equal-tailed intervals)"
        heads = ("treatment", "parameter", "bias", "rmse", "width of 90 %", "50 % held", "90 % held", "slope")
        shown = [
            [
                r["treatment"],
                r["parameter"],
                cell(r, "bias", 3),
                cell(r, "rmse", 3),
                cell(r, "width_90", 3),
                cell(r, "coverage_50"),
                cell(r, "coverage_90"),
                cell(r, "slope"),
            ]
            for r in rows
        ]
    else:
        title = "Coverage of equal-tailed intervals (± standard error over simulations) and uniformity of ranks"
        heads = ("variable", "elements", "50 % held", "90 % held", "p of uniform ranks")
        shown = [
            [r["variable"], str(r["elements"]), cell(r, "coverage_50"), cell(r, "coverage_90"), f"{r['p_uniform']:.3f}"]
            for r in rows
        ]
    printing.print_rows(title, heads, shown)
