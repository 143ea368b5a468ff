"""``reestim findings``: the claims of the paper, asked of a run."""

from __future__ import annotations

import typer

from reestim.cli.command import Output, command
from reestim.cli.options import RunArgument
from reestim.cli.terminal import find_run


@command()
def findings(
    run: RunArgument,
    *,
    output: Output,
) -> None:
    """What a run says of the claims of Alfaro, Fadinger, Schymik and Virananda (2025), before and after the data.

    Example: reestim findings posteriors/first
    """
    from reestim.cli import printing
    from reestim.runs.store import load

    post = load(find_run(run))
    from reestim.results.findings import FINDINGS_HEADS, findings_table, notes_of, rows_as_text

    table, notes = findings_table(post), notes_of(post)
    if output.as_json:
        printing.print_json({"findings": table.to_dict("records"), "notes": notes})
        return
    printing.print_rows("What the paper claims, asked of this run", FINDINGS_HEADS, rows_as_text(table))
    for note in notes:
        typer.echo(note)
