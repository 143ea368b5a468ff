"""What Alfaro, Fadinger, Schymik and Virananda (2025) find, asked of a run, as a table of the documentation."""

from __future__ import annotations

from typing import Any

import xarray as xr

from reestim.dims import COUNTRY, SECTOR, TECHNOLOGY
from reestim.results.effects import FIXED, parameter_draws, quantiles
from reestim.results.findings import FINDINGS_HEADS, findings_table, notes_of, rows_as_text
from reestim.results.format import with_interval
from reestim.results.tables import welfare
from reestim.results.world import ABROAD, mitigation_sentences, mitigation_table, world_table
from reestim.runs.record import RunRecord
from replications.tables import Table


def table(post: xr.DataTree) -> Table:
    """The findings as `reestim findings` prints them; of a run on simulated evidence every row says so.

    Raises InputError where the run has no counterfactual with fixed and directed technology.
    """
    found = findings_table(post)
    synthetic = bool(RunRecord.of(post).provenance.synthetic)
    evidence = "SYNTHETIC evidence" if synthetic else "real evidence"
    rows = [[*row, evidence] for row in rows_as_text(found)]
    notes = [*notes_of(post), quoted(post)]
    return Table([*FINDINGS_HEADS, "data"], rows, notes, "" if synthetic else "real")


def quoted(post: xr.DataTree) -> str:
    """What other pages quote of the run, in a sentence: σ, what research takes away, and by technology the sum of those
    who do not restrict and each country, in money."""
    said = [f"mean σ over sectors, unweighted, {_mean_sigma(post, 'posterior')}"]
    said += [f"before the data {_mean_sigma(post, 'prior')}"] if "prior" in post.children else []
    share = mitigation_sentences(mitigation_table(post))[0].partition(": ")[2].partition(". ")[0]
    said.append(f"of the loss abroad directed technology takes away {share}")
    sums, by_country = world_table(post), welfare(post)
    for technology in dict.fromkeys(sums[TECHNOLOGY]):
        who = f"technology as it was ({technology})" if technology == FIXED else str(technology)
        whole = sums[(sums["whom"] == ABROAD) & (sums[TECHNOLOGY] == technology)].iloc[0]
        parts = [f"all who do not restrict {_money(whole, '')}"]
        of_countries: Any = by_country[by_country[TECHNOLOGY] == technology]
        for row in of_countries.to_dict("records"):
            parts.append(f"{row[COUNTRY]} {_money(row, '_money')}")
        said.append(f"{who}, {whole['money_unit']} a year: {', '.join(parts)}")
    return f"Figures of this run that other pages quote: {'; '.join(said)}."


def _mean_sigma(post: xr.DataTree, group: str) -> str:
    ends = quantiles(parameter_draws(post, group)["sigma"].mean(SECTOR))
    return with_interval(float(ends["median"]), float(ends["low"]), float(ends["high"]))


def _money(row: Any, suffix: str) -> str:
    median, low, high = (float(row[f"{name}{suffix}"]) for name in ("median", "low", "high"))
    return with_interval(median, low, high)
