"""Event study of 2010 on every real panel that is at hand: exports and productivity of exposed sectors.

Exposure is that of 41 countries and twenty sectors of the World Input-Output Database of 2008, through all suppliers,
with the uses and country shares of the dataset `rare-earths-2010`. Each panel is estimated by itself: levels of two
sources never meet in one series. What may not be shipped is read here, and estimates alone go onto the page.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

import reestim as ree
from reestim.dims import COUNTRY, SECTOR, YEAR
from reestim.errors import InputError, Problem
from reestim.evidence.estimators import TWO_WAY
from reestim.evidence.event_design import COUNTRY_SECTOR
from reestim.evidence.event_options import EventStudyOptions
from reestim.evidence.event_paths import event_tables, exposure_of
from reestim.evidence.event_rows import Rows
from reestim.importers.build import build_from_tables
from reestim.importers.concordance import HERE
from reestim.io.resources import REAL
from reestim.reports.figures.images import image
from replications.event_sources import ELECTRICAL, PANELS, POLICY_YEAR, SECTIONS, Panel
from replications.tables import Table, number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIGURE = "event_study_panels.png"


@dataclass(frozen=True)
class Exposed:
    """The economy that exposure comes from: exposure and output (country, sector)."""

    dose: xr.DataArray
    output: xr.DataArray

    def of(self, groups: dict[str, Sequence[str]], countries: Sequence[str]) -> xr.DataArray:
        """Exposure of sums of sectors, weighted by output; a country without a table has the rest of the world's."""
        parts = []
        for members in groups.values():
            dose, weight = self.dose.sel({SECTOR: list(members)}), self.output.sel({SECTOR: list(members)})
            parts.append((dose * weight).sum(SECTOR) / weight.sum(SECTOR))
        table = xr.concat(parts, pd.Index(list(groups), name=SECTOR)).transpose(COUNTRY, SECTOR)
        there = [c if c in self.dose[COUNTRY].values else "ROW" for c in countries]
        return table.sel({COUNTRY: there}).assign_coords({COUNTRY: list(countries)})


def exposed(data: Path) -> Exposed:
    """Exposure in 41 countries and twenty sectors, from the table of 2008. Raises InputError where it is not here."""
    tables = data / "wiod2013"
    if not tables.is_dir():
        raise InputError(Problem("the World Input-Output Database is not here", "Bring it", file="wiod2013"))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        sectors = folder / "sectors.csv"
        pd.read_csv(HERE / "industries_wiod.csv")[["industry", "sector"]].to_csv(sectors, index=False)
        one = folder / "wiod2013_2008.npz"
        one.symlink_to(tables / one.name)
        built = build_from_tables(one, 2008, folder / "world", "full", facts=REAL, sectors=sectors, simulated=False)
        economy = ree.Economy.from_dataset(ree.load_dataset(built))
    io = economy.ds
    output = (io["trade_share"] * io["expenditure"].rename({COUNTRY: "importer"})).sum("importer")
    return Exposed(exposure_of(io), output.rename({"exporter": COUNTRY}))


#: What the figure shows: start of a panel's words, and the group.
DRAWN = (
    (PANELS[0].words, "all"),
    (PANELS[1].words, "CHN"),
    (PANELS[1].words, "JPN"),
    (PANELS[3].words, "all"),
    (PANELS[4].words, "all"),
    (PANELS[4].words, "JPN"),
    (PANELS[4].words, "DEU"),
    (PANELS[5].words, "USA"),
)


def estimate(panel: Panel, data: Path, world: Exposed) -> dict[str, pd.DataFrame]:
    """The tables of ``event_tables`` for one panel, countries of a group by name; two-way fixed effects.

    Raises InputError where the file of the panel is not here, or nothing can be estimated.
    """
    path = panel.file if panel.file.is_absolute() else data / panel.file
    if not path.is_file():
        raise InputError(Problem("the panel is not here", "Bring it, or leave it out", file=str(panel.file)))
    frame: Any = panel.read(path)[[COUNTRY, SECTOR, YEAR, "value"]].assign(outcome=panel.outcome)
    dose = _dose(panel, frame, world)
    frame = frame[frame[SECTOR].isin(dose[SECTOR].values) & frame[COUNTRY].isin(dose[COUNTRY].values)]
    known: Any = dose.rename("exposure").to_series().reset_index()
    units: Any = frame[[COUNTRY, SECTOR]].drop_duplicates().merge(known)
    chosen = EventStudyOptions(
        POLICY_YEAR, -1, COUNTRY_SECTOR, "random_walk", 0.02, float(units["exposure"].std()), seed=1
    )
    rows, fewer = Rows(), Rows()
    for group in panel.groups:
        there = sorted(set(frame[COUNTRY]))
        names = there if group == "all" else [c for c in there if (c in group.split()) != group.startswith("all but")]
        inside = frame[frame[COUNTRY].isin(names)]
        rows.add_panel(panel.outcome, group, inside, dose, chosen, (TWO_WAY,), placebo=True)
        rest = inside[~inside[SECTOR].isin(list(ELECTRICAL))]
        fewer.add_panel(panel.outcome, group, rest, dose, chosen, (TWO_WAY,), placebo=True)
    if not rows.studies:
        raise InputError(rows.problems, f"{panel.words}: nothing can be estimated")
    tables = event_tables(rows.dataset())
    columns = ["countries", "estimate", "low", "high", "robust_low", "robust_high", "placebo_p_value"]
    other = event_tables(fewer.dataset())["event_study_summary"][columns].set_index("countries").add_prefix("without_")
    tables["event_study_summary"] = tables["event_study_summary"].join(other, on="countries")
    return {name: table.assign(panel=panel.words, exposure_sd=chosen.exposure_sd) for name, table in tables.items()}


def _dose(panel: Panel, frame: pd.DataFrame, world: Exposed) -> xr.DataArray:
    countries = sorted(set(frame[COUNTRY]))
    sectors: dict[str, Sequence[str]] = {str(s): (str(s),) for s in world.dose[SECTOR].values}
    if panel.sectors is SECTIONS:
        sectors = dict(SECTIONS)
    elif panel.sectors is not None:
        sectors |= panel.sectors
    dose = world.of({s: m for s, m in sectors.items() if s in set(frame[SECTOR])}, countries)
    return dose.where(np.isfinite(dose), 0.0)


def all_panels(data: Path) -> dict[str, pd.DataFrame]:
    """Every panel whose files are here, one below the other. Raises InputError where the world table is not."""
    world = exposed(data)
    parts: list[dict[str, pd.DataFrame]] = []
    for panel in PANELS:
        path = panel.file if panel.file.is_absolute() else data / panel.file
        if path.is_file():
            parts.append(estimate(panel, data, world))
    return {name: pd.concat([part[name] for part in parts], ignore_index=True) for name in parts[0]}


def table(data: Path) -> Table:
    """Mean effects from 2010 on of every panel, with bounds, pre-trends and placebo years; the figure is beside."""
    found = all_panels(data)
    summary = found["event_study_summary"]
    rows = [
        [
            "" if row["panel"] == before else str(row["panel"]),
            str(row["countries"]),
            _interval(row, ""),
            _bounds(row, ""),
            number(row["pretrend_p_value"], 3),
            number(row["placebo_p_value"], 2),
            number(row["wild_p_value"], 3),
            str(int(row["n_clusters"])),
            _interval(row, "without_"),
            _bounds(row, "without_"),
            number(row["without_placebo_p_value"], 2),
        ]
        for row, before in zip(summary.to_dict("records"), ["", *summary["panel"]], strict=False)
    ]
    deviations = summary.drop_duplicates("panel")
    units = "; ".join(
        f"{str(panel).rsplit('(', 1)[1].rstrip(')')} {number(100 * sd, 4)} %"
        for panel, sd in zip(deviations["panel"], deviations["exposure_sd"], strict=True)
    )
    notes = [
        f"Log points for one standard deviation of exposure (of cost: {units}), mean of all years from 2010 on against "
        "2009, two-way fixed effects, 90 % equal-tailed intervals, clustered by country-sector. Bounds: Rambachan and "
        "Roth, M̄ = 1. Placebo p: share of the policy years tried, 2010 among them, whose effect is at least as large. "
        "Without electrical: the same without the most exposed sector.",
    ]
    head = ["panel", "countries", "mean effect", "bounds, M̄ = 1", "pre-trend p", "placebo p", "wild p", "clusters"]
    head += ["without electrical", "its bounds", "its placebo p"]
    return Table(head, rows, notes, figures={FIGURE: image(figure(found))})


def _interval(row: Any, prefix: str) -> str:
    middle, low, high = (number(row[f"{prefix}{name}"], 3) for name in ("estimate", "low", "high"))
    return f"{middle} [{low}, {high}]"


def _bounds(row: Any, prefix: str) -> str:
    return f"[{number(row[f'{prefix}robust_low'], 2)}, {number(row[f'{prefix}robust_high'], 2)}]"


def figure(found: dict[str, pd.DataFrame]) -> Figure:
    """Effects by year, or by window of years where clusters are few, with their intervals: an axis a group."""
    from matplotlib.figure import Figure

    effects: Any = found["event_study_effects"]
    drawn = Figure(figsize=(10, 6.2), layout="constrained")
    axes = drawn.subplots(2, 4).ravel()
    for axis, (panel, group) in zip(axes, DRAWN, strict=True):
        part = effects[effects["panel"].str.startswith(panel) & (effects["countries"] == group)]
        axis.axhline(0, color="#888888", linewidth=0.8)
        axis.axvline(POLICY_YEAR - 0.5, color="#B34700", linewidth=0.8, linestyle="--")
        first, last = (POLICY_YEAR + part[name].to_numpy() for name in ("event_time", "last_event_time"))
        gap = [part["estimate"] - part["low"], part["high"] - part["estimate"]]
        where, look = ((first + last) / 2, part["estimate"]), {"color": "#005A96", "linewidth": 0.9}
        axis.errorbar(*where, gap, (last - first) / 2, fmt="o", markersize=3, **look)
        axis.set_title(f"{panel.split(',')[0]}: {group}\n{panel.rsplit('(', 1)[1].rstrip(')')}", fontsize=8)
        axis.tick_params(labelsize=7)
    drawn.supylabel("log points for one standard deviation of exposure", fontsize=8)
    return drawn
