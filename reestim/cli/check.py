"""``reestim check``: may the numbers of a run be believed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reestim.cli.command import GATE_FAILED, Output, command
from reestim.cli.options import DatasetOption, RunArgument
from reestim.cli.terminal import find_run


@command()
def check(
    run: RunArgument,
    refit: Annotated[
        bool,
        typer.Option(
            "--refit",
            help="First fit the study again with one change at a time: without each sector, with a placebo event year, "
            "without label noise. As long as the run itself, each; what is done is kept in RUN/refits.",
        ),
    ] = False,
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="NAME", help="With --refit: this one; repeat for several.")
    ] = None,
    spec: Annotated[Path | None, typer.Option(help="With --refit: the study, if it has moved.")] = None,
    dataset: DatasetOption = None,
    *,
    output: Output,
) -> None:
    """Gates, equilibria, what rests on priors, predictions of the data, refits; exit code 2 where a check fails.

    Example: reestim check posteriors/mine --refit
    """
    from reestim.cli import printing
    from reestim.io.files import exclusive_lock
    from reestim.runs.store import load

    place = find_run(run)
    if refit or only:
        from reestim.pipeline.refits import refits

        with exclusive_lock(place):
            post = refits(place, only or (), spec=spec, dataset=dataset, progress=output.progress)
    else:
        post = load(place)
    from reestim.checks.every import check_run  # after what may be refused at once: it takes seconds to import

    checks = check_run(post)
    if output.as_json:
        rows = [
            {"check": c.name, "verdict": c.verdict, "sentences": list(c.sentences), "rows": c.table.to_dict("records")}
            for c in checks
        ]
        printing.print_json({"run": str(place), "checks": rows})
    else:
        for one in checks:
            typer.echo(f"{one.name}: {one.verdict.upper() if one.verdict == 'fail' else one.verdict}")
            for sentence in one.sentences:
                typer.echo(f"  {sentence}")
        typer.echo("Brackets: 90 % equal-tailed intervals.")
    if any(one.verdict == "fail" for one in checks):
        raise typer.Exit(GATE_FAILED)
