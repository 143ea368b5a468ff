"""``reestim counterfactual``: the draws of a run through other scenarios."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from reestim.cli.command import Output, command
from reestim.cli.options import DrawsOption, NoVarianceOption, OutOption, OverwriteOption, RunArgument
from reestim.cli.terminal import command_line, find_run, print_and_exit
from reestim.errors import InputError, Problem


@command(quiet=True)
def counterfactual(
    run: RunArgument,
    scenarios: Annotated[list[Path], typer.Argument(help="Scenario files.", metavar="SCENARIO...")],
    out: OutOption = None,
    dataset: Annotated[
        Path | None,
        typer.Option(help="Carry the draws to the economy of this dataset (default: the economy of the run)."),
    ] = None,
    ratio_sd: Annotated[
        float | None,
        typer.Option(help="With --dataset: sd of the log ratio of σ there to σ where it was estimated (default: 0.3)."),
    ] = None,
    absent: Annotated[
        str | None,
        typer.Option(
            metavar="RULE",
            help="With --dataset: what to do with sectors without σ, refuse (default) or population (a draw of it).",
        ),
    ] = None,
    inputs: Annotated[
        str, typer.Option(help="drawn: figures of the data with their errors, beside the parameters; or fixed.")
    ] = "fixed",
    seed: Annotated[
        int | None, typer.Option(min=0, help="With --dataset or --inputs drawn: seed of what is drawn (default: 1).")
    ] = None,
    draws: DrawsOption = None,
    from_year: Annotated[int | None, typer.Option(help="First year of a transition, with --to-year.")] = None,
    to_year: Annotated[int | None, typer.Option(help="Last year of the transition.")] = None,
    chunks: Annotated[
        Path | None, typer.Option(help="Folder that keeps finished draws (default: in the new run, until it is whole).")
    ] = None,
    dask: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="Solve on a Dask cluster: its scheduler's address, or local for one here."
        ),
    ] = None,
    no_variance: NoVarianceOption = False,
    allow_unsolved: Annotated[bool, typer.Option(help="Go on where more than 1 % of the draws are unsolved.")] = False,
    overwrite: OverwriteOption = False,
    *,
    output: Output,
) -> None:
    """Carry the draws of a run through other scenarios; saved as a run of its own.

    Draws are kept as they are solved: cut off, the same command with --out RUN goes on there.

    Example: reestim counterfactual posteriors/mine models/scenarios/china-quota-2010.toml

    Example: reestim counterfactual mine april-2025.toml --dataset rare-earths-2023 --absent population

    Example: reestim counterfactual mine models/scenarios/*.toml --dask tcp://10.0.0.1:8786 --chunks kept

    Example: reestim counterfactual mine models/scenarios/china-quota-2010.toml --inputs drawn --seed 7
    """
    from reestim.pipeline.counterfactual_job import run_counterfactual

    if (from_year is None) != (to_year is None) or (from_year or 0) > (to_year or 0):
        advice = "Give --from-year and --to-year, the first not after the last."
        raise InputError(Problem("a transition needs its first and its last year", advice))
    options: dict[str, Any] = {"ratio_sd": ratio_sd, "absent": absent, "seed": seed}
    chosen = {name: value for name, value in options.items() if value is not None}
    stray = [name for name in chosen if name != "seed" or inputs == "fixed"]
    if stray and dataset is None:
        advice = f"Add --dataset, or leave out {', '.join('--' + name.replace('_', '-') for name in stray)}."
        raise InputError(Problem("these options say how draws go to another dataset, and none is named", advice))
    years = None if from_year is None or to_year is None else range(from_year, to_year + 1)
    transfer = None
    if dataset is not None:
        from reestim.counterfactuals.transfer import Transfer

        transfer = Transfer(**chosen)
    post, folder, page = run_counterfactual(
        find_run(run),
        scenarios,
        out,
        dataset=dataset,
        transfer=transfer,
        years=years,
        draws=draws,
        chunks=chunks,
        executor=dask,
        inputs=inputs,
        seed=1 if seed is None else seed,
        variance=not no_variance,
        allow_unsolved=allow_unsolved,
        overwrite=overwrite,
        progress=output.progress,
        command=command_line(),
    )
    print_and_exit(post, {"run": str(folder), "report": str(page)}, output)
