"""Directed technical change in a closed economy: Acemoglu (2002, Review of Economic Studies 69), sections 3 and 4.

One country makes one good from labor and a rare earth; more of the rare earth is mined. Its relative supply is
r = ln R̂ − ln X̂, relative technology a = ln Â − ln B̂ and the relative price q = ln p̂_R − ln ĉ_X. With equation (2), free
entry and state dependence δ = 1 − 1/κ, the slopes of the paper's relations are

    technology   da/dr = κ(σ−1) / (σ + κ(1−σ))          = (σ−1)/(1−δσ)
    price        dq/dr = −(1 + κ(1−σ)) / (σ + κ(1−σ))   = (σ−2+δ)/(1−δσ);   −1/σ while technology stands still
    weak bias    the difference of the two prices' slopes, κ(σ−1)² / (σ(σ + κ(1−σ))) ≥ 0: technology favours what has
                 become abundant

and with κ = 1, the lab-equipment model, σ − 1 and σ − 2. All three are straight lines in logs, so that a large shock
must find them to the solver's precision. Strong bias (the price rises with supply) begins at σ = 1 + 1/κ, where the
research problem at given prices loses its interior optimum and ``Parameters`` refuses.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

import reestim as ree
from reestim.dims import COUNTRY, ELEMENT, EXPORTER, FACTOR, IMPORTER, INPUT, LABOR, SECTOR
from replications.tables import Table, number

HOME, GOOD, ORE = "HOME", "good", "Nd"
RESOURCE = f"resource_{ORE}"
#: Share of the rare earth in cost: large, so that nothing rests on its being small.
SHARE = 0.2
#: (σ, κ): complements and substitutes, no direction, weak and strong state dependence, and close to strong bias.
CASES = (
    (0.2, 0.5),
    (0.2, 1.0),
    (0.2, 2.0),
    (0.6, 0.5),
    (0.6, 1.0),
    (0.6, 2.0),
    (1.0, 1.0),
    (1.4, 0.5),
    (1.4, 1.0),
    (1.4, 2.0),
    (1.95, 1.0),
)
#: Supply of the rare earth times this.
MORE = 1.5


class Slopes(NamedTuple):
    """Log points per log point of relative supply."""

    technology: float
    price: float
    bias: float  # of the price, long run less technology as it was


def predicted(sigma: float, kappa: float) -> Slopes:
    """The paper's slopes in our σ and κ."""
    both = sigma + kappa * (1 - sigma)
    price = -(1 + kappa * (1 - sigma)) / both
    return Slopes(kappa * (sigma - 1) / both, price, kappa * (sigma - 1) ** 2 / (sigma * both))


def economy() -> ree.Economy:
    """The closed economy, money 100."""
    ones = (IMPORTER, EXPORTER, SECTOR)
    return ree.Economy(
        xr.Dataset(
            {
                "trade_share": (ones, np.ones((1, 1, 2))),
                "expenditure": ((COUNTRY, SECTOR), [[100.0, 100.0 * SHARE]]),
                "factor_share": ((COUNTRY, FACTOR, SECTOR), np.eye(2)[None]),
                "input_share": ((COUNTRY, INPUT, SECTOR), np.zeros((1, 2, 2))),
                "ree_share": ((COUNTRY, SECTOR), [[SHARE, 0.0]]),
                "element_share": ((COUNTRY, ELEMENT, SECTOR), [[[1.0, 0.0]]]),
                "trade_elasticity": (SECTOR, [4.0, 4.0]),
            },
            coords={
                COUNTRY: [HOME],
                IMPORTER: [HOME],
                EXPORTER: [HOME],
                SECTOR: [GOOD, ORE],
                INPUT: [GOOD, ORE],
                FACTOR: [LABOR, RESOURCE],
                ELEMENT: [ORE],
            },
        )
    )


def computed(sigma: float, kappa: float, world: ree.Economy | None = None, more: float = MORE) -> Slopes:
    """The slopes between two equilibria, before and after supply is multiplied by ``more``."""
    world = world or economy()
    supply = xr.DataArray([more], dims=SECTOR, coords={SECTOR: [ORE]})
    scenario, parameters = ree.Scenario(name="supply", productivity=supply), ree.Parameters(sigma=sigma, kappa=kappa)
    prices, bias = {}, 0.0
    for technology in ("fixed", "directed"):
        found = ree.solve(world, scenario, parameters, technology=technology, tolerance=1e-13)
        at = found.sel({COUNTRY: HOME})
        good = at.sel({SECTOR: GOOD})
        mined = float(at["output"].sel({SECTOR: ORE}) - at["price"].sel({SECTOR: ORE}))
        spent = float(good["output"]) + np.log((1 - float(good["ree_share"])) / (1 - SHARE))  # on all else
        relative = mined - (spent - float(good["other_cost"]))
        prices[technology] = float(good["ree_price"] - good["other_cost"]) / relative
        bias = float(good["ree_technology"] - good["other_technology"]) / relative
    return Slopes(bias, prices["directed"], prices["directed"] - prices["fixed"])


def slopes() -> pd.DataFrame:
    """Predicted and computed slopes of all cases: sigma, kappa, and two columns a slope."""
    world, rows = economy(), []
    for sigma, kappa in CASES:
        ours, theirs = computed(sigma, kappa, world), predicted(sigma, kappa)
        row = {"sigma": sigma, "kappa": kappa}
        for name in Slopes._fields:
            row |= {f"{name}_predicted": getattr(theirs, name), f"{name}_computed": getattr(ours, name)}
        rows.append(row)
    return pd.DataFrame(rows)


def table() -> Table:
    """Slopes by (σ, κ), predicted and computed."""
    found = slopes()
    columns = [(f"{name}_predicted", f"{name}_computed") for name in Slopes._fields]
    gap = max(float(np.abs(found[a].to_numpy() - found[b].to_numpy()).max()) for a, b in columns)
    rows = [
        [
            f"{row['sigma']:g}",
            f"{row['kappa']:g}",
            number(1 - 1 / row["kappa"], 1),
            *(number(row[name], 4) for pair in columns for name in pair),
        ]
        for row in found.to_dict("records")
    ]
    words = ("technology da/dr", "price dq/dr", "weak bias")
    header = ["σ", "κ", "δ", *(cell for name in words for cell in (f"{name}, predicted", "computed"))]
    note = f"Supply times {MORE:g}, share of rare earths in cost {SHARE:g}. Largest gap of a slope: {gap:.0e}."
    return Table(header, rows, [note])
