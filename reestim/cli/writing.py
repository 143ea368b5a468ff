"""Folders of tables and figures that commands write, whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from reestim.errors import InputError, Problem
from reestim.io.files import atomic_folder
from reestim.io.places import is_free

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def write_results(out: Path, tables: Mapping[str, pd.DataFrame], figures: Mapping[str, Figure]) -> list[Path]:
    """``out/<table>.csv`` and ``out/<figure>.png`` and ``.svg``; the paths. ``out`` must be new or empty.

    Raises InputError where it is neither, or cannot be written.
    """
    from reestim.reports.figures.images import write_figure

    free_place(out)
    with atomic_folder(out) as folder:
        for name, table in tables.items():
            table.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
        for name, figure in figures.items():
            write_figure(figure, folder, name)
    return sorted(out.iterdir())


def free_place(out: Path, column: str = "--out") -> None:
    """Raise InputError where ``out`` is neither new nor an empty folder: a command asks before it computes."""
    if not is_free(out):
        advice = "Name a new or an empty folder: nothing is overwritten"
        raise InputError(Problem("the results cannot go there", advice, column=column, value=str(out)))


def free_picture(path: Path, overwrite: bool) -> None:
    """Raise InputError where a picture cannot go to ``path``: neither .png nor .svg, or something is there."""
    problems = []
    if path.suffix.lower() not in (".png", ".svg"):
        problems.append(Problem("this is not a picture", "Name a file ending in .png or .svg", value=str(path)))
    if path.exists() and (not overwrite or path.is_dir()):
        advice = "Name a new file, or say --overwrite"
        problems.append(Problem("there is something in this place already", advice, value=str(path)))
    if problems:
        raise InputError(problems, "the picture cannot be written")
