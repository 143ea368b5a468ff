"""``reestim compare``: runs beside each other."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reestim.cli.command import Output, command
from reestim.cli.terminal import find_run


@command()
def compare(
    runs: Annotated[list[Path], typer.Argument(help="Run folders, or names in posteriors/.", metavar="RUN_A RUN_B...")],
    *,
    output: Output,
) -> None:
    """Rank runs by LOO where they saw the same data; say what changed for σ, κ, ξ, λ, ω and welfare.

    The first run is what the others are measured against.

    Example: reestim compare posteriors/default posteriors/no-label-error
    """
    from reestim.cli import printing
    from reestim.errors import Problem, Problems
    from reestim.intervals import INTERVAL, LEVEL
    from reestim.reports.compare import compare as compare_runs
    from reestim.results.format import with_interval
    from reestim.runs.store import load

    problems, opened = Problems(), {}
    for path in runs:
        with problems.collect():
            opened[str(path)] = load(find_run(path))
    if len(set(map(str, runs))) < len(runs):
        problems.append(Problem("a run is named twice", "Name each run once."))
    problems.raise_any("the runs cannot be compared")
    names = _short(list(opened))
    result = compare_runs({names[path]: post for path, post in opened.items()})
    if output.as_json:
        loo = None if result.loo is None else result.loo.reset_index(names="run").to_dict("records")
        rows = result.changes.to_dict("records")
        runs_named = {name: path for path, name in names.items()}
        printing.print_json(
            {"runs": runs_named, "interval": INTERVAL, "loo": loo, "changes": rows, "sentences": list(result.sentences)}
        )
        return
    if result.loo is not None:
        heads = ("run", "elpd (nats)", "difference", "standard error", "weight", "diagnosis")
        rows = [
            [
                str(name),
                f"{row['elpd']:.1f}",
                f"{row['elpd_diff']:.1f}",
                f"{row['dse']:.1f}",
                f"{row['weight']:.2f}",
                str(row["diag_elpd"]) or "sound",
            ]
            for name, row in result.loo.iterrows()
        ]
        printing.print_rows("Leave-one-out predictive density, best first", heads, rows)
    shown = {
        (row["quantity"], row["what"], row["run"]): with_interval(row["median"], row["low"], row["high"])
        for row in result.changes.to_dict("records")
    }
    keys = list(dict.fromkeys(key[:2] for key in shown))
    printing.print_rows(
        f"Median [{100 * LEVEL:.0f} % equal-tailed interval]; welfare in per cent",
        ("quantity", "of", *names.values()),
        [[q, what, *(shown.get((q, what, n), "not in this run") for n in names.values())] for q, what in keys],
    )
    for sentence in result.sentences:
        typer.echo(sentence)


def _short(paths: list[str]) -> dict[str, str]:
    """The names of the folders, or the whole paths where two folders have one name."""
    names = [Path(path).resolve().name for path in paths]
    return dict(zip(paths, names if len(set(names)) == len(names) else paths, strict=True))
