"""Arguments and options that several commands share, said once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

SpecArgument = Annotated[Path, typer.Argument(help="The study, a TOML file.", metavar="SPEC")]


def _names_of_runs(incomplete: str) -> list[str]:
    """For the shell: runs in ``posteriors/`` and folders that begin as typed."""
    typed = Path(incomplete or ".")
    parent = typed if incomplete.endswith("/") or not incomplete else typed.parent
    names = [path.name for path in Path("posteriors").glob("*") if path.is_dir()]
    if parent.is_dir():
        names += [str(path) for path in parent.iterdir() if path.is_dir()]
    return sorted(name for name in names if name.startswith(incomplete) and not Path(name).name.startswith("."))


RunArgument = Annotated[
    Path,
    typer.Argument(help="A run folder, or its name in posteriors/.", metavar="RUN", autocompletion=_names_of_runs),
]
DatasetOption = Annotated[
    Path | None, typer.Option("--dataset", help="Dataset folder, or its name in data/ (default: the study's).")
]
OutOption = Annotated[
    Path | None, typer.Option("--out", help="Where the results go (default: a new folder in posteriors/).")
]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Seed of all random numbers.")]
QuickOption = Annotated[bool, typer.Option("--quick", help="Smoke run in under a minute; not for its numbers.")]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace the run that is in --out.")]
MoreDrawsOption = Annotated[
    int, typer.Option("--more-draws", min=0, help="Add so many draws, in whole chains, to the fit of the run in --out.")
]
AllowOption = Annotated[
    list[str] | None,
    typer.Option("--allow", metavar="GATE", help="A gate that may fail with exit code 0; repeat for several."),
]
DrawsOption = Annotated[
    int | None, typer.Option("--draws", min=1, help="How many posterior draws to solve (default: all).")
]
NoVarianceOption = Annotated[
    bool,
    typer.Option(
        "--no-variance", help="Leave out what drives the uncertainty of welfare: it takes longer than the draws."
    ),
]
#: The study that is run where none is named.
STUDY = Path("models/substitution.toml")
