"""``reestim report``: the report of a run, written again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reestim.cli.command import Output, command
from reestim.cli.options import RunArgument
from reestim.cli.terminal import find_run


@command()
def report(
    run: RunArgument,
    out: Annotated[Path | None, typer.Option("--out", help="Folder of the report (default: RUN/report).")] = None,
    *,
    output: Output,
) -> None:
    """Write the report of a run again: one HTML page, figures (PNG), tables (CSV).

    Example: reestim report posteriors/mine --out mine-report
    """
    from reestim.cli import printing
    from reestim.reports import build
    from reestim.runs import store

    source = find_run(run)
    page = build.report(store.load(source), out or source / store.REPORT)
    if output.as_json:
        printing.print_json({"run": str(source), "report": str(page)})
    else:
        typer.echo(f"report: {page}")
