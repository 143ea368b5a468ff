"""``reestim report``: the report of a run, written again, or the run on one page."""

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
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder of the report (default: RUN/report, or RUN/one-page).")
    ] = None,
    one_page: Annotated[
        bool, typer.Option("--one-page", help="One page of A4 instead, HTML and PDF, for who decides.")
    ] = False,
    scenario: Annotated[
        list[str] | None,
        typer.Option("--scenario", help="Of --one-page: the question, then two others at most; repeat."),
    ] = None,
    country: Annotated[
        list[str] | None, typer.Option("--country", help="Of --one-page: a country to show; repeat (default: all).")
    ] = None,
    *,
    output: Output,
) -> None:
    """Write the report of a run again: one HTML page, figures (PNG), tables (CSV). Or one page of A4.

    Example: reestim report posteriors/mine --one-page --country JPN --country USA
    """
    from reestim.cli import printing
    from reestim.errors import InputError, Problem
    from reestim.reports import build
    from reestim.runs import store

    source = find_run(run)
    if not one_page:
        if scenario or country:
            raise InputError(Problem("--scenario and --country choose what --one-page shows", "Add --one-page."))
        page = build.report(store.load(source), out or source / store.REPORT)
        if output.as_json:
            printing.print_json({"run": str(source), "report": str(page)})
        else:
            typer.echo(f"report: {page}")
        return
    post = store.load(source)
    from reestim.reports import one_page as single

    page = single.one_page(post, out or source / "one-page", scenario, country)
    pdf = page.with_name(single.PDF)
    if output.as_json:
        printing.print_json({"run": str(source), "page": str(page), "pdf": str(pdf)})
    else:
        typer.echo(f"one page: {page}\nto print: {pdf}")
