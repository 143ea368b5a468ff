"""How much time a scenario gives: elasticities of months, of a year, and of the long run (docs/model.md section 2)."""

from __future__ import annotations

import numpy as np

from reestim.data.schemas import HORIZONS
from reestim.errors import Problem

MONTHS, YEAR_AHEAD, LONG = HORIZONS
#: The parameter that holds the supply elasticity of a horizon.
SUPPLY = {MONTHS: "impact_supply_elasticity", YEAR_AHEAD: "supply_elasticity", LONG: "long_run_supply_elasticity"}
#: Elasticities of use that are smaller within months.
_OF_USE = ("sigma", "element_elasticity")


def horizon_problems(horizon: object) -> list[Problem]:
    """What is wrong with the name of a horizon, if anything is."""
    if horizon in HORIZONS:
        return []
    advice = 'Use "months" (little can be replaced), "year", or "long" (mines enter).'
    return [Problem("this is not a horizon", advice, value=horizon)]


def use_at_horizon(values: dict[str, np.ndarray], horizon: str) -> dict[str, np.ndarray]:
    """The placed parameters with σ·s and ρ·s within months; ``complete_mines`` says what mines do."""
    if horizon != MONTHS:
        return values
    return values | {name: values["impact_ratio"] * values[name] for name in _OF_USE}
