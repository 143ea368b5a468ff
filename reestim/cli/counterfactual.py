"""``reestim counterfactual``: the draws of a run through other scenarios."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reestim.cli.command import Output, command
from reestim.cli.options import DrawsOption, OutOption, OverwriteOption, RunArgument
from reestim.cli.terminal import command_line, find_run, finish, target
from reestim.errors import InputError, Problem


@command(quiet=True)
def counterfactual(
    run: RunArgument,
    scenarios: Annotated[list[Path], typer.Argument(help="Scenario files.", metavar="SCENARIO...")],
    out: OutOption = None,
    draws: DrawsOption = None,
    from_year: Annotated[int | None, typer.Option(help="First year of a transition, with --to-year.")] = None,
    to_year: Annotated[int | None, typer.Option(help="Last year of the transition.")] = None,
    chunks: Annotated[
        Path | None, typer.Option(help="Folder that keeps finished draws; the same command goes on there after a kill.")
    ] = None,
    dask: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="Solve on a Dask cluster: its scheduler's address, or local for one here."
        ),
    ] = None,
    allow_unsolved: Annotated[bool, typer.Option(help="Go on where more than 1 % of the draws are unsolved.")] = False,
    overwrite: OverwriteOption = False,
    *,
    output: Output,
) -> None:
    """Carry the draws of a run through other scenarios; saved as a run of its own.

    Example: reestim counterfactual posteriors/mine models/scenarios/china-quota-2010.toml

    Example: reestim counterfactual mine models/scenarios/*.toml --dask tcp://10.0.0.1:8786 --chunks kept
    """
    from reestim.io.files import exclusive_lock
    from reestim.io.json_attrs import json_attr
    from reestim.pipeline import main_job
    from reestim.pipeline.scenarios import run_scenarios
    from reestim.runs import store

    if (from_year is None) != (to_year is None) or (from_year or 0) > (to_year or 0):
        advice = "Give --from-year and --to-year, the first not after the last."
        raise InputError(Problem("a transition needs its first and its last year", advice))
    years = None if from_year is None or to_year is None else range(from_year, to_year + 1)
    source = find_run(run)
    target(out, overwrite)
    stages = main_job.Stages(total=3)
    with stages.stage(f"open {source}"):
        post = store.load(source)
    earlier = json_attr(post.attrs, "run", {})
    folder = out or store.new_run_folder(f"{source.name}-{scenarios[0].stem}")
    with exclusive_lock(folder):
        with stages.stage("carry the draws through the equilibrium, fixed and directed technology"):
            technology = ("fixed", "directed", "transition") if years else ("fixed", "directed")
            post = run_scenarios(
                post,
                scenarios,
                technology=technology,
                draws=draws,
                progress=output.progress,
                allow_unsolved=allow_unsolved,
                years=years,
                chunks=chunks,
                executor=dask,
            )
        with stages.stage("write the run and its report"):
            commands = "\n".join(part for part in (earlier.get("command", ""), command_line()) if part)
            page = main_job.finish(post, folder, overwrite=overwrite, command=commands)
    finish(post, {"run": str(folder), "report": str(page)}, output)
