"""What mines take from the parameters, and the bounds that it must keep: resource shares and supply elasticities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reestim.equilibrium.horizon import LONG, MONTHS, SUPPLY, YEAR_AHEAD
from reestim.errors import Problem

if TYPE_CHECKING:
    from reestim.equilibrium.economy import Economy

#: Parameters over (country, element).
MINE_PARAMETERS = (*SUPPLY.values(), "resource_share")
#: Of these, what an economy may state.
IN_ECONOMY = (SUPPLY[YEAR_AHEAD], SUPPLY[LONG])
#: Largest fall of final demand below zero that is rounding, as a share of spending.
_DEMAND_ROUNDING = 1e-12

Rule = tuple[str, np.ndarray, np.ndarray, str]


def complete_mines(
    values: dict[str, np.ndarray], economy: Economy, horizon: str, lead: tuple[int, ...], problems: list[Problem]
) -> dict[str, np.ndarray]:
    """The placed parameters with what mines need at a horizon, as ``supply_elasticity`` and ``resource_share``.

    Where nothing is mined the share is the baseline's. Where no supply elasticity is given it is (1−r)/r, and of months
    s times that of a year; of the long run it must be given.
    """
    mined, own = _mined(economy), np.asarray(economy.baseline.resource_share)
    values = dict(values)
    share = np.broadcast_to(own, (*lead, *own.shape))
    if "resource_share" in values:
        share = values["resource_share"] = np.where(mined, values["resource_share"], share)
    rents = mined & (share > 0)
    supply = values.get(SUPPLY[horizon])
    if supply is None:
        cobb_douglas = np.divide(1 - share, share, out=np.zeros(share.shape), where=rents)
        supply = values.get(SUPPLY[YEAR_AHEAD], cobb_douglas)
        if horizon == MONTHS:
            supply = values["impact_ratio"][..., :1, :1] * supply
        elif horizon == LONG and rents.any():
            advice = f"Give Parameters({SUPPLY[LONG]}=...), or put {SUPPLY[LONG]} (country, element) into the economy."
            problems.append(Problem('horizon "long" needs to know how mines answer in the long run', advice))
    values[SUPPLY[YEAR_AHEAD]] = np.where(rents, supply, 0.0)
    return values


def mine_rules(values: dict[str, np.ndarray], economy: Economy, horizon: str) -> list[Rule]:
    """(parameter, cells that are judged, cells that are sound, sentence) of every bound."""
    name = SUPPLY[horizon] if SUPPLY[horizon] in values else SUPPLY[YEAR_AHEAD]
    b, mined = economy.baseline, _mined(economy)
    elasticity = values["supply_elasticity"]
    share = values.get("resource_share", np.asarray(b.resource_share))
    rules: list[Rule] = [
        (name, mined, elasticity >= 0, "μ must be ≥ 0"),
        (
            name,
            mined & (share == 1) & (elasticity > 0),
            elasticity == 0,
            "a mine that is all rent (r = 1) cannot answer its price, so μ must be 0",
        ),
    ]
    if "resource_share" not in values:
        return rules
    e, rent = np.asarray(b.element_index), np.asarray(b.resource_share)
    inside = (share > 0) & (share < 1)
    placed, own = mined & inside, np.asarray(b.resource).any(axis=0)
    more = np.where(placed, share - rent, 0.0) * np.asarray(b.output)[:, e]
    final = np.asarray(b.final_share * b.income[:, None]) + np.einsum(
        "nke,...ne->...nk", np.asarray(b.input_share)[:, :, e], more
    )
    enough = (final >= -_DEMAND_ROUNDING * np.asarray(b.expenditure)).all(axis=-1)[..., None]
    return [
        *rules,
        ("resource_share", mined, inside, "r, rent as a share of a mine's revenue, must lie inside (0, 1)"),
        ("resource_share", placed, own, "the element has no resource of its own (a factor resource_<element>)"),
        ("resource_share", placed, rent < 1, "this mine has no other inputs that a smaller share of rent could scale"),
        ("resource_share", placed & (share < rent), enough, "mines would need more inputs than final demand can spare"),
    ]


def _mined(economy: Economy) -> np.ndarray:
    """Cells (country, element) with a mine."""
    b = economy.baseline
    return np.asarray(b.output)[:, np.asarray(b.element_index)] > 0
