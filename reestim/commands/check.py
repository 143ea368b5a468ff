"""``reestim check``: may the numbers of a run be believed."""

from __future__ import annotations

import typer

from reestim.options import DebugOption, JsonOption, RunArgument
from reestim.terminal import GATE_FAILED, find_run, guarded


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(check)


def check(run: RunArgument, as_json: JsonOption = False, debug: DebugOption = False) -> None:
    """Gates, equilibria, and which parameters rest on their priors; exit code 2 where a check fails.

    Example: reestim check posteriors/mine
    """
    with guarded(as_json, debug):
        import reestim as ree
        from reestim import printing

        found = ree.check_run(ree.load(find_run(run)))
        if as_json:
            rows = [
                {"check": c.name, "verdict": c.verdict, "words": list(c.words), "rows": c.table.to_dict("records")}
                for c in found
            ]
            printing.print_json({"run": str(find_run(run)), "checks": rows})
        else:
            for one in found:
                typer.echo(f"{one.name}: {one.verdict.upper() if one.verdict == 'fail' else one.verdict}")
                for words in one.words:
                    typer.echo(f"  {words}")
            typer.echo("Brackets: 90 % equal-tailed intervals.")
        if any(one.verdict == "fail" for one in found):
            raise typer.Exit(GATE_FAILED)
