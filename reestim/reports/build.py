"""``report``: a folder with the page, its figures and its tables, whole or not there at all."""

from __future__ import annotations

from pathlib import Path

import xarray as xr

from reestim.errors import InputError, Problem
from reestim.files import whole_folder

PAGE = "report.html"


def report(post: xr.DataTree, out_dir: str | Path) -> Path:
    """Write the report of a run and return the path of its page.

    ``out_dir`` gets ``report.html`` (self-contained), ``figures/*.png`` and ``tables/*.csv`` (full precision, units in
    the column names). A report that is there is replaced in one step.

    Parameters
    ----------
    post
        A DataTree with the group ``posterior``; ``prior``, ``counterfactual`` and ``economy`` add their sections.

    Raises
    ------
    InputError
        If there is no posterior, or ``out_dir`` holds something that is not a report.
    """
    from reestim.reports.figures import all_pictures
    from reestim.reports.html import render
    from reestim.reports.tables import all_tables

    out = Path(out_dir)
    problems = []
    if "posterior" not in post.children:
        problems.append(Problem("the DataTree has no group 'posterior'", "Pass what ree.fit or ree.load returns."))
    if "counterfactual" in post.children and "economy" not in post.children:
        advice = "Use what ree.counterfactual returns: it keeps the economy it was computed on."
        problems.append(Problem("the counterfactual comes without its group 'economy'", advice))
    if out.exists() and not ((out / PAGE).is_file() or (out.is_dir() and not any(out.iterdir()))):
        advice = "Only reports and empty folders are replaced. Choose another folder."
        problems.append(Problem("this is not a report", advice, value=str(out)))
    if problems:
        raise InputError(problems, "no report can be made")

    tables, pictures = all_tables(post), all_pictures(post)
    page = render(post, tables, pictures)
    with whole_folder(out) as folder:
        (folder / "figures").mkdir()
        (folder / "tables").mkdir()
        for picture in pictures:
            (folder / "figures" / f"{picture.name}.png").write_bytes(picture.png)
        for name, table in tables.items():
            table.to_csv(folder / "tables" / f"{name}.csv", index=False, lineterminator="\n")
        (folder / PAGE).write_text(page, encoding="utf-8")
    return out / PAGE
