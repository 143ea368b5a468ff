"""What to measure next: numbers whose exact value would narrow the bands of welfare, and data to collect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from reestim.counterfactuals.information import COMPONENT, evppi
from reestim.decisions.sample_information import DESIGN, evsi
from reestim.decisions.standard_designs import standard_designs
from reestim.dims import COUNTRY, SCENARIO, TECHNOLOGY
from reestim.errors import InputError
from reestim.reports.section import POSTERIOR, Block, Heading, Notes, Section, TableBlock, suffixes
from reestim.reports.sections.uncertainty import named
from reestim.results.format import number
from reestim.runs.record import RunRecord

if TYPE_CHECKING:
    import xarray as xr

TABLE, DESIGNS = "evppi", "evsi"
_SHOWN = 8


def tables(post: xr.DataTree) -> dict[str, pd.DataFrame]:
    """``evppi``: one row per scenario, technology, country and number that varies (``component``).

    Percentage points: ``band_points``, width of the 90 % interval of welfare; ``reduction_points``, its expected fall
    if the number were known; ``reduction_error_points``, standard error of that. ``beyond_chance``: it is no noise.
    ``evsi``: the same for data that the run allows to simulate (``design``), and ``reduction_known_points``, the fall
    if what they measure were known exactly.
    """
    if "counterfactual" not in post.children or "posterior" not in post.children:
        return {}
    try:
        ds = evppi(post)
    except InputError:  # a posterior without a parameter that varies
        return {}
    found = {TABLE: _points(ds, COMPONENT, ("reduction", "reduction_error"))}
    worth = worth_of_designs(post)
    if worth is not None:
        found[DESIGNS] = _points(worth, DESIGN, ("reduction", "reduction_error", "reduction_known"))
    return {name: table for name, table in found.items() if not table.empty}


def worth_of_designs(post: xr.DataTree) -> xr.Dataset | None:
    """What the designs would narrow that the run has draws enough for; None where it has for none."""
    designs = standard_designs(post)
    while designs:
        try:
            return evsi(post, designs, seed=RunRecord.of(post).seed or 0)
        except InputError as error:
            refused = {problem.value for problem in error.problems}
            left = [design for design in designs if design.in_words not in refused]
            if len(left) == len(designs):
                raise
            designs = left
    return None


def _points(ds: xr.Dataset, what: str, falls: tuple[str, ...]) -> pd.DataFrame:
    """A row a scenario, technology, country and ``what``; percentage points."""
    names = {name: f"{name}_points" for name in ("band", *falls)}
    table = ds[[*names, "beyond_chance"]].rename(names).to_dataframe().reset_index().dropna()
    return table.loc[:, [SCENARIO, TECHNOLOGY, COUNTRY, what, *names.values(), "beyond_chance"]]


def section(post: xr.DataTree, tables: Mapping[str, pd.DataFrame]) -> Section | None:
    """For each scenario: the numbers most worth measuring, with the band of the countries that they would narrow."""
    if TABLE not in tables:
        return None
    table: Any = tables[TABLE]
    scenarios = list(dict.fromkeys(table[SCENARIO]))
    blocks: list[Block] = [
        Notes(
            [
                "By how much the 90 % band of welfare would shrink, in expectation, if one number alone were known "
                "exactly (expected value of partial perfect information, by regression on the draws). Numbers are "
                "listed by the mean over countries of the fall as a share of the band, where it is more than chance "
                "makes of the best of all numbers; with few draws none may be. Nothing here says what it costs to "
                "measure them."
            ]
        )
    ]
    for name, suffix in suffixes(scenarios).items():
        block = _table_block(table[table[SCENARIO] == name], f"{TABLE}{suffix}")
        none = Notes(["With so few draws no single number is told from chance."])
        blocks += [*([Heading(name)] if suffix else []), block if block.rows else none]
        if DESIGNS in tables:
            designs: Any = tables[DESIGNS]
            blocks.append(_designs_block(designs[designs[SCENARIO] == name], f"{DESIGNS}{suffix}"))
    computed = set(tables[DESIGNS][DESIGN]) if DESIGNS in tables else set[str]()
    if missing := [d.in_words for d in standard_designs(post) if d.in_words not in computed]:
        blocks.append(Notes([f"The run has too few draws to say what these data are worth: {'; '.join(missing)}."]))
    return Section("information", "What to measure next", blocks, POSTERIOR)


def _table_block(table: pd.DataFrame, name: str) -> TableBlock:
    rows = []
    shares: Any = table.assign(share=table["reduction_points"] / table["band_points"])
    shares = shares[shares.groupby([TECHNOLOGY, COMPONENT])["beyond_chance"].transform("any")]
    for technology, part in shares.groupby(TECHNOLOGY, sort=False):
        mean: Any = part.groupby(COMPONENT)["share"].mean()
        mean = mean.sort_values(ascending=False)
        for component in mean.index[:_SHOWN]:
            one: Any = part[part[COMPONENT] == component]
            most = one.loc[one["reduction_points"].idxmax()]
            fall, error, band = (most[f"{k}_points"] for k in ("reduction", "reduction_error", "band"))
            text = f"{most[COUNTRY]}: {_two(fall)} ± {_two(error)} of {_two(band)}"
            rows.append([f"{named(str(component))}, {technology}", f"{100 * mean[component]:.0f} %", text])
    heads = ["Number, technology", "Mean fall of the band", "Largest fall, percentage points of welfare"]
    caption = "Expected fall of the 90 % band of welfare if a number were known exactly, ± standard error."
    return TableBlock(name, caption, heads, rows, None)


def _designs_block(table: pd.DataFrame, name: str) -> TableBlock:
    rows = []
    shares: Any = table.assign(share=table["reduction_points"] / table["band_points"])
    for (technology, design), part in shares.groupby([TECHNOLOGY, DESIGN], sort=False):
        most: Any = part.loc[part["reduction_points"].idxmax()]
        fall, error, known, band = (
            _two(most[f"{k}_points"]) for k in ("reduction", "reduction_error", "reduction_known", "band")
        )
        chance = "" if part["beyond_chance"].any() else "; no more than chance"
        text = f"{most[COUNTRY]}: {fall} ± {error} of {band}, {known} if known exactly{chance}"
        rows.append([f"{design}, {technology}", f"{100 * part['share'].mean():.0f} %", text])
    heads = ["Data, technology", "Mean fall of the band", "Largest fall, percentage points of welfare"]
    caption = (
        "Expected fall of the 90 % band of welfare by data that could be collected, ± standard error: simulated at "
        "every draw (expected value of sample information). Errors are in log points; other designs: ree.evsi."
    )
    return TableBlock(name, caption, heads, rows, None)


def _two(value: float) -> str:
    """To two digits."""
    return number(float(f"{value:.2g}")) if np.isfinite(value) else "not available"
