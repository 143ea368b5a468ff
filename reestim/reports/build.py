"""``report``: a folder with the page, its figures and its tables, whole or not there at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import xarray as xr

from reestim.errors import InputError, Problem
from reestim.io.files import atomic_folder
from reestim.io.places import is_free
from reestim.reports.latex import latex, latex_of
from reestim.reports.section import FigureBlock, TableBlock

PAGE = "report.html"


def report(post: xr.DataTree, out_dir: str | Path) -> Path:
    """Write the report of a run and return the path of its page.

    ``out_dir`` gets ``report.html`` (self-contained), every figure as ``figures/*.png`` and ``*.svg``, every table as
    ``tables/*.csv`` (full precision, units in the column names) and ``*.tex`` (as on the page, for booktabs). A report
    that is there is replaced in one step.

    Parameters
    ----------
    post
        A DataTree with the group ``posterior``; ``prior``, ``counterfactual`` and ``economy`` add their sections.
    out_dir
        A folder: new, empty, or with a report, which is replaced.

    Returns
    -------
    Path
        The page, ``report.html``.

    Raises
    ------
    InputError
        If there is no posterior, or ``out_dir`` holds something that is not a report.

    Examples
    --------
    >>> ree.report(fitted, folder / "report").name
    'report.html'
    """
    from reestim.reports.html import render
    from reestim.reports.sections import all_sections, all_tables

    out = Path(out_dir)
    problems = []
    if "posterior" not in post.children:
        problems.append(Problem("the DataTree has no group 'posterior'", "Pass what ree.fit or ree.load returns."))
    if "counterfactual" in post.children and "economy" not in post.children:
        advice = "Use what ree.counterfactual returns: it keeps the economy it was computed on."
        problems.append(Problem("the counterfactual comes without its group 'economy'", advice))
    if not ((out / PAGE).is_file() or is_free(out)):
        advice = "Only reports and empty folders are replaced. Choose another folder."
        problems.append(Problem("this is not a report", advice, value=str(out)))
    if problems:
        raise InputError(problems, "no report can be made")

    tables = all_tables(post)
    sections = all_sections(post, tables)
    page = render(post, tables, sections)
    with atomic_folder(out) as folder:
        (folder / "figures").mkdir()
        (folder / "tables").mkdir()
        for block in (block for section in sections for block in section.blocks):
            if isinstance(block, FigureBlock):
                (folder / "figures" / f"{block.name}.png").write_bytes(block.png)
                (folder / "figures" / f"{block.name}.svg").write_bytes(block.svg)
            elif isinstance(block, TableBlock):
                _write_block(folder / "tables", block, tables)
        for name, table in tables.items():
            _write_csv(table, folder / "tables" / f"{name}.csv")
            tex = folder / "tables" / f"{name}.tex"
            if not tex.exists():  # no section shows it
                tex.write_text(latex_of(name, table), encoding="utf-8")
        (folder / PAGE).write_text(page, encoding="utf-8")
    return out / PAGE


def _write_block(folder: Path, shown: TableBlock, tables: Mapping[str, pd.DataFrame]) -> None:
    text = latex(shown.name, shown.caption, shown.heads, shown.rows)
    (folder / f"{shown.name}.tex").write_text(text, encoding="utf-8")
    if shown.name not in tables:
        data = shown.data if shown.data is not None else pd.DataFrame(list(shown.rows), columns=list(shown.heads))
        _write_csv(data, folder / f"{shown.name}.csv")


def _write_csv(table: pd.DataFrame, path: Path) -> None:
    table.to_csv(path, index=False, lineterminator="\n")
