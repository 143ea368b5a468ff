"""What mines take from the parameters, and the bounds that it must keep: resource shares and supply elasticities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from reestim.equilibrium.economy import Economy

#: Parameters over (country, element).
MINE_PARAMETERS = ("supply_elasticity", "resource_share")
#: Largest fall of final demand below zero that is rounding, as a share of spending.
ROUNDING = 1e-12

Rule = tuple[str, np.ndarray, np.ndarray, str]


def complete_mines(values: dict[str, np.ndarray], economy: Economy, lead: tuple[int, ...]) -> dict[str, np.ndarray]:
    """The placed parameters with what mines need: where nothing is mined the baseline's share, and μ = (1−r)/r where
    no supply elasticity is given."""
    mined, own = _mined(economy), np.asarray(economy.baseline.resource_share)
    values = dict(values)
    share = np.broadcast_to(own, (*lead, *own.shape))
    if "resource_share" in values:
        share = values["resource_share"] = np.where(mined, values["resource_share"], share)
    rents = mined & (share > 0)
    cobb_douglas = np.divide(1 - share, share, out=np.zeros(share.shape), where=rents)
    values["supply_elasticity"] = np.where(rents, values.get("supply_elasticity", cobb_douglas), 0.0)
    return values


def mine_rules(values: dict[str, np.ndarray], economy: Economy) -> list[Rule]:
    """(parameter, cells that are judged, cells that are sound, sentence) of every bound."""
    b, mined = economy.baseline, _mined(economy)
    elasticity = values["supply_elasticity"]
    share = values.get("resource_share", np.asarray(b.resource_share))
    rules: list[Rule] = [
        ("supply_elasticity", mined, elasticity >= 0, "μ must be ≥ 0"),
        (
            "supply_elasticity",
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
    enough = (final >= -ROUNDING * np.asarray(b.expenditure)).all(axis=-1)[..., None]
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
