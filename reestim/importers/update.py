"""A dataset whose world economy is brought to a later year by balancing it to new margins (``reestim data update``)."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from reestim.data.dataset import Dataset, load_dataset
from reestim.dims import CAPITAL, COUNTRY, EXPORTER, FACTOR, IMPORTER, INPUT, LABOR, SECTOR
from reestim.errors import InputError, Problem, Problems
from reestim.importers.balance import UNIT, Flows, balanced, moved
from reestim.importers.build import out_problems
from reestim.importers.bundle import write_csv, write_dataset
from reestim.importers.dataset_toml import write_meta
from reestim.importers.margins import Margin, as_table, margins_of, read_margins
from reestim.importers.rows import LABOR_SHARE
from reestim.supply_chain.accounts import accounts
from reestim.supply_chain.flows import border_wedge

#: Files of the economy, which are made anew.
UPDATED = ("trade", "input_output", "value_added")
#: Files on rare earths that must have the new year.
OF_THE_YEAR = ("element_prices", "element_output")


class Updated(NamedTuple):
    """The new folder, how far shares moved (`reestim.importers.balance.moved`), and the largest gap of a stated margin,
    relative to it."""

    folder: Path
    moved: pd.DataFrame
    largest_gap: float


def update_dataset(dataset: str | Path, margins: Path, year: int, out: Path) -> Updated:
    """Write a dataset whose economy has the margins of ``year`` and else the structure of the older one.

    Parameters
    ----------
    dataset : folder or name of the older dataset, which must hold prices and mine output of the new year too.
    margins : CSV file (`reestim.importers.margins`).
    year : the new base year.
    out : folder to write; it must not exist yet.

    Returns
    -------
    Updated

    Raises
    ------
    InputError
        Listing all problems; nothing is written then.
    """
    data = load_dataset(dataset)
    problems = Problems(_year_problems(data, year) + out_problems(out))
    rows = problems.attempt(lambda: read_margins(margins, data.countries, data.goods))
    if problems or rows is None:
        raise InputError(problems, "the dataset cannot be updated")
    before = flows_of(data)
    after = balanced(before, margins_of(rows, before))
    source_text = f"updated: {data.meta.name} ({data.meta.base_year}), balanced to {len(rows)} margins of {year}"
    report = moved(before, after)

    def build(folder: Path) -> None:
        shutil.copytree(data.path, folder, dirs_exist_ok=True)
        for stem, table in economy_rows(after, labor_share_of(data), source_text).items():
            write_csv(table, folder / f"{stem}.csv")
        (folder / "sources").mkdir(exist_ok=True)
        write_csv(as_table(rows), folder / "sources" / "margins.csv")
        _write_meta(folder, data, year, report)

    write_dataset(out, build)
    return Updated(out, report, largest_gap(rows, after))


def flows_of(data: Dataset) -> Flows:
    """The goods economy of a dataset."""
    flows = accounts(data)
    goods = list(data.goods)
    wedge = border_wedge(flows.tariff, flows.export_tax).sel({SECTOR: goods})
    trade = (flows.trade / wedge).transpose(IMPORTER, EXPORTER, SECTOR)
    inputs = flows.inputs.transpose(COUNTRY, INPUT, SECTOR)
    return Flows(data.countries, data.goods, trade.values, inputs.values, wedge.transpose(*trade.dims).values)


def labor_share_of(data: Dataset) -> np.ndarray:
    """Labour's share of value added (country, sector); two thirds where there is none."""
    added = accounts(data).value_added.transpose(COUNTRY, FACTOR, SECTOR)
    labor, whole = added.sel({FACTOR: LABOR}).values, added.sum(FACTOR).values
    return np.divide(labor, whole, out=np.full_like(whole, LABOR_SHARE), where=whole > 0)


def economy_rows(
    flows: Flows, labor_share: np.ndarray, source: str, *, unit: int | None = UNIT
) -> dict[str, pd.DataFrame]:
    """``trade``, ``input_output`` and ``value_added`` as files have them, every cell with the same source.

    Value added is a whole multiple of 1/``unit``, as balanced flows are; None: as the flows have it.
    """
    countries, sectors = flows.countries, flows.sectors
    paid = flows.trade * flows.wedge
    rounded, scale = (np.rint, unit) if unit is not None else (np.positive, 1)
    whole = rounded(flows.value_added * scale)
    labor = rounded(whole * labor_share)
    factors = np.stack([labor, whole - labor], axis=1) / scale
    own = np.eye(len(countries), dtype=bool)[:, :, None]
    tables = {
        "trade": _long(paid, (paid > 0) | own, {IMPORTER: countries, EXPORTER: countries, SECTOR: sectors}),
        "input_output": _long(flows.inputs, flows.inputs > 0, {COUNTRY: countries, INPUT: sectors, SECTOR: sectors}),
        "value_added": _long(factors, factors > 0, {COUNTRY: countries, FACTOR: (LABOR, CAPITAL), SECTOR: sectors}),
    }
    return {stem: table.assign(source=source, verified=False) for stem, table in tables.items()}


def _long(array: np.ndarray, kept: np.ndarray, labels: dict[str, Sequence[str]]) -> pd.DataFrame:
    kept = np.broadcast_to(kept, array.shape)
    rows = [
        (*names, float(v))
        for names, v, keep in zip(product(*labels.values()), array.flat, kept.flat, strict=True)
        if keep
    ]
    return pd.DataFrame(rows, columns=[*labels, "value"])


def largest_gap(rows: Sequence[Margin], flows: Flows) -> float:
    """Largest distance of a stated margin from what the flows have, relative to it.

    Imports are left out: they are balanced to the world's exports.
    """
    gaps = [0.0]
    for row in rows:
        if row.measure != "imports" and row.value > 0:
            n, group = flows.countries.index(row.country), [flows.sectors.index(s) for s in row.sectors]
            gaps.append(abs(float(getattr(flows, row.measure)[n, group].sum()) / row.value - 1))
    return max(gaps)


def _year_problems(data: Dataset, year: int) -> list[Problem]:
    problems = []
    if year == data.meta.base_year:
        problems.append(Problem("this is the base year of the dataset", "Name another year", value=year))
    for stem in OF_THE_YEAR:
        if year not in set(data[stem]["year"]):
            advice = "Add the rows of that year: the rare earths of an economy are those of its year"
            problems.append(Problem(f"there is nothing of {year} in it", advice, file=f"{stem}.csv", column="year"))
    return problems


def _write_meta(folder: Path, data: Dataset, year: int, report: pd.DataFrame) -> None:
    """``dataset.toml``: that of the older dataset, with what was done."""
    meta, files = data.meta, [f"{stem}.csv" for stem in UPDATED]
    lines = "; ".join(
        f"{row['array']} on average {row['mean_change']:.4f}, at most {row['largest_change']:+.4f} ({row['where']})"
        for row in report.to_dict("records")
    )
    notes = [
        *meta.notes,
        f"{', '.join(files)} are updated: {meta.name} of {meta.base_year} balanced by RAS to the margins of {year} in "
        f"sources/margins.csv. How far shares moved: {lines}.",
    ]
    keys = meta.model_dump(exclude={"uncertainty", "truth"}) | {
        "name": f"{meta.name}-to-{year}",
        "base_year": year,
        "imputed": [file for file in meta.imputed if file not in files],
        "updated": files,
        "notes": notes,
    }
    uncertainty = meta.uncertainty.model_dump(exclude_unset=True) if meta.uncertainty else None
    write_meta(folder, keys, uncertainty=uncertainty, truth=meta.truth)
