"""Gains from trade in 2008: Costinot and Rodríguez-Clare (2014, Handbook of International Economics 4), Table 4.1.

What a country would lose by autarky, 1 − exp(Δ ln real wage), with perfect competition, in three economies made from
the World Input-Output Database: one sector; many sectors; many sectors that use each other's output. Autarky is a limit
of the solver: iceberg trade costs d̂_s = exp(K/ε_s + 3) shrink every flow by e^−K and more, and deficits go with trade.
The closed form needs domestic shares λ, elasticities, final shares β and the Leontief inverse only:

    ln(real wage in autarky / now) = Σ_k [(1 − γ)⁻¹ β]_k · ln λ_k / ε_k

which with one sector is ln λ / ε (Arkolakis, Costinot, Rodríguez-Clare 2012).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

import reestim as ree
from reestim.dims import COUNTRY, EXPORTER, FACTOR, IMPORTER, INPUT, LABOR, SECTOR
from reestim.equilibrium.implicit import within_tolerance
from reestim.equilibrium.solve import solve_adaptively
from reestim.equilibrium.welfare import outcomes
from reestim.errors import EquilibriumError, InputError, Problem
from reestim.importers.sources import wiod
from reestim.importers.world import WorldTable, aggregate
from replications.tables import Table, number

YEAR = 2008
PRINTED = Path(__file__).with_name("costinot_rodriguez_clare_2014.csv")
#: The economies, as the columns of the printed figures are called.
COLUMNS = {"one_sector": "one sector", "many_sectors": "many sectors", "intermediates": "with intermediates"}
#: Trade elasticity with one sector, and of services with many.
ELASTICITY = 5.0
#: Estimates of Caliendo and Parro (2015), Table 1, full sample, for the goods of the World Input-Output Database.
GOODS = {
    "c1": 8.11,
    "c2": 15.72,
    "c3": 2.55,
    "c4": 5.56,
    "c6": 10.83,
    "c7": 9.07,
    "c8": 51.08,
    "c9": 4.75,
    "c10": 1.66,
    "c11": 2.76,
    "c12": 7.99,
    "c13": 1.52,
    "c14": 10.60,
    "c15": 0.37,
    "c16": 5.0,
}
#: Industries that some country does not produce or does not sell at home, joined with their like: 30 sectors.
JOINED = {"c5": "c4", "c20": "c19", "c21": "c19", "c25": "c24", "c35": "c34"}
#: The rest of the world, in the paper with the small members of the European Union.
ROW = "ROW"
SMALL = ("BGR", "CYP", "EST", "LTU", "LUX", "LVA", "MLT")
#: Trade shrinks by e^−K and more, and has all but vanished.
SHRINK = 40.0
TOLERANCE = 1e-12


class Autarky(NamedTuple):
    """What the solver found."""

    real_wage: pd.Series  # log change, by country
    imports: float  # largest share of imports in the spending of a country on a sector
    residual: float  # largest relative residual of all equations


def world(data: Path) -> WorldTable:
    """The table of 2008 with the paper's regions, industries joined. Raises InputError."""
    folder = data / "wiod2013" if (data / "wiod2013").is_dir() else data
    if YEAR not in wiod.files(folder):
        advice = "Give the folder of the World Input-Output Database, release of 2013, with --data."
        raise InputError(Problem(f"there is no world table of {YEAR} here", advice, file=str(folder)))
    table = wiod.read_table(folder, YEAR)
    regions = {n: ROW if n in SMALL or n.upper() == ROW else n for n in table.regions}
    table = aggregate(table, regions, {industry: JOINED.get(industry, industry) for industry in table.industries})
    lacking = np.argwhere(np.einsum("nkn->nk", table.trade) <= 0)
    if len(lacking):
        advice = "In autarky it would do without, an infinite loss; use the release as it was published."
        cells = [f"{table.regions[n]} {table.industries[k]}" for n, k in lacking]
        message = "a country sells nothing of a sector at home"
        raise InputError([Problem(message, advice, file=str(folder), value=cell) for cell in cells])
    return table


def economies(table: WorldTable) -> dict[str, ree.Economy]:
    """The three economies, by the names of COLUMNS."""
    names, industries = table.regions, table.industries
    epsilon = np.array([GOODS.get(industry, ELASTICITY) for industry in industries])
    trade, final = table.trade, table.final.sum(axis=0).T
    n, s = final.shape
    total, one = trade.sum(axis=1, keepdims=True), np.array([ELASTICITY])
    inputs = table.inputs.transpose(1, 0, 2) / table.output[:, None, :]
    return {
        "one_sector": _economy(names, ["all"], total, total.sum(axis=0).T, np.zeros((n, 1, 1)), one),
        # Without inputs all spending is final: by the sellers of all uses, as the paper's second column must have it.
        "many_sectors": _economy(names, industries, trade, final, np.zeros((n, s, s)), epsilon),
        "intermediates": _economy(names, industries, trade, trade.sum(axis=0).T, inputs, epsilon),
    }


def autarky(economy: ree.Economy, shrink: float = SHRINK) -> Autarky:
    """Solve for trade costs that shrink every flow by e^−shrink and more, deficits removed. Raises EquilibriumError."""
    costs = xr.ufuncs.exp(shrink / economy.ds["trade_elasticity"] + 3.0)
    policy = ree.Scenario(name="autarky", trade_cost=costs).to_arrays(economy)
    policy = policy._replace(deficit_change=-economy.baseline.deficit)  # nobody lends where nothing can be bought
    parameters = ree.Parameters().to_arrays(economy, "fixed")
    u, _, worst = solve_adaptively(economy.baseline, policy, parameters, TOLERANCE)
    if not within_tolerance(worst, TOLERANCE):
        raise EquilibriumError(f"autarky was not reached: largest relative residual {float(worst):.1e}")
    found = outcomes(economy.baseline, policy, parameters, u)
    n = len(economy.countries)
    abroad = np.where(np.eye(n, dtype=bool)[:, :, None], 0.0, np.asarray(found.trade_share)).sum(axis=1)
    real_wage = pd.Series(np.asarray(found.real_wage), index=list(economy.countries))
    return Autarky(real_wage, float(abroad.max()), float(worst))


def closed_form(economy: ree.Economy) -> pd.Series:
    """Log change of the real wage in autarky by country, from domestic shares."""
    b = economy.baseline
    domestic = np.einsum("nns->ns", np.asarray(b.trade_share))
    needed = np.linalg.solve(
        np.eye(domestic.shape[1]) - np.asarray(b.input_share), np.asarray(b.final_share)[..., None]
    )
    gone = np.log(domestic) / economy.ds["trade_elasticity"].to_numpy()
    return pd.Series((needed[..., 0] * gone).sum(axis=1), index=list(economy.countries))


def printed() -> pd.DataFrame:
    """The figures of the paper that are at hand, per cent by country."""
    return pd.read_csv(PRINTED, comment="#", index_col="country")


def table(data: Path) -> Table:
    """Gains from trade by country, per cent: printed, ours."""
    given = printed()
    worlds = world(data)
    ours, notes = pd.DataFrame(index=list(worlds.regions)), []
    for name, economy in economies(worlds).items():
        found, closed = autarky(economy), closed_form(economy)
        ours[name] = -100 * np.expm1(found.real_wage)
        gap = float((found.real_wage - closed).abs().max())
        off = (ours[name] - given[name]).abs().dropna()
        notes.append(
            f"{COLUMNS[name].capitalize()}: largest gap of the solver to the closed form {gap:.0e} (log points), "
            f"largest share of imports left {found.imports:.0e}; gap to the {len(off)} printed figures "
            f"{off.median():.2f} percentage points in the median, at most {off.max():.1f} ({off.idxmax()})."
        )
    notes.append("Per cent of real income lost by autarky. ROW: rest of the world.")
    order = [*sorted(c for c in ours.index if c != ROW), ROW]
    rows = [[c, *(cell for name in COLUMNS for cell in _cells(given, ours, c, name))] for c in order]
    mean = ["mean", *(cell for name in COLUMNS for cell in _cells(given, ours.mean().to_frame("mean").T, "mean", name))]
    header = ["", *(cell for words in COLUMNS.values() for cell in (f"{words}, printed", "ours"))]
    return Table(header, [*rows, mean], notes)


def _cells(given: pd.DataFrame, ours: pd.DataFrame, country: str, name: str) -> tuple[str, str]:
    there = given[name].to_dict().get(country, float("nan"))
    return number(there, 1), number(ours[name].to_dict()[country], 1)


def _economy(
    countries: Sequence[str],
    sectors: Sequence[str],
    trade: np.ndarray,
    spent: np.ndarray,
    inputs: np.ndarray,
    epsilon: np.ndarray,
) -> ree.Economy:
    """One factor, no taxes. trade (seller, sector, buyer), spent (country, sector), inputs (country, input, sector)."""
    share = trade.transpose(2, 0, 1) / trade.sum(axis=0).T[:, None, :]
    labels = {COUNTRY: countries, IMPORTER: countries, EXPORTER: countries, SECTOR: sectors, INPUT: sectors}
    return ree.Economy(
        xr.Dataset(
            {
                "trade_share": ((IMPORTER, EXPORTER, SECTOR), share),
                "expenditure": ((COUNTRY, SECTOR), spent),
                "input_share": ((COUNTRY, INPUT, SECTOR), inputs),
                "factor_share": ((COUNTRY, FACTOR, SECTOR), 1 - inputs.sum(axis=1)[:, None, :]),
                "trade_elasticity": (SECTOR, epsilon),
            },
            coords={name: list(values) for name, values in labels.items()} | {FACTOR: [LABOR]},
        )
    )
