"""At an undistorted baseline the world loses by any policy (docs/model.md section 5, item 4d), over random worlds.

Baseline prices support what the world can make, knowledge included where research is paid for (ω = 0). So no other
allocation is worth more at them, and equivalent variations cannot add up to a gain, whatever the spillover ξ, the
diffusion ψ.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reestim as ree
from tests.economics.worlds import LARGE, SMALL, Recipe, examples, magnitudes, recipes

#: A limit that does not bind: a policy that is not used keeps the arrays of the others, compiled once, as they are.
SLACK = 10.0


def undistorted(shapes: tuple[dict, ...]) -> tuple[dict, ...]:
    """Worlds in which everybody sells everything somewhere, so that every policy has something to hold."""
    return tuple(shape | {"zero_flows": False} for shape in shapes)


def sizes(highest: float) -> st.SearchStrategy[float]:
    """Of a tax or subsidy; nothing in one world in two."""
    return st.just(0.0) | magnitudes(0.01, highest)


LIMITS = st.just(SLACK) | magnitudes(0.05, 0.99)
SHARES = st.floats(0, 0.5)
#: Limits of an export quota, a production quota and licences; leakage and waste; export tax, tariff and subsidy.
POLICIES = st.tuples(LIMITS, LIMITS, LIMITS, SHARES, SHARES, SHARES, sizes(2.0), sizes(1.0), sizes(0.2))


def policies(drawn: tuple[float, ...]) -> tuple[object, ...]:
    """One of each, of the sizes drawn: quotas and licences in tonnes, taxes on either side, a subsidy."""
    export, mined, licensed, beside, more, waste, tax, tariff, subsidy = drawn
    return (
        ree.ExportQuota("c0", "all", export, leakage=beside),
        ree.ProductionQuota("c1", "all", mined, leakage=more),
        ree.Licence("c1", ("c0",), "all", licensed, waste=waste),
        ree.ExportTax(tax, "all", "c2", ("e1", "g0")),
        ree.Tariff(tariff, "c1", "all", ("g0", "e0")),
        ree.Subsidy(subsidy, "c1", ("g1",)),
    )


@pytest.mark.parametrize("shapes", [SMALL, pytest.param(LARGE, marks=pytest.mark.slow)], ids=("small", "large"))
def test_the_world_loses_by_any_policy(shapes: tuple[dict, ...]) -> None:
    """Fixed and directed technology: what directed research saves is less than what the policy costs."""
    gains: list[float] = []

    @given(recipe=recipes(undistorted(shapes)), drawn=POLICIES)
    @examples(5)
    def holds(recipe: Recipe, drawn: tuple[float, ...]) -> None:
        world = dataclasses.replace(recipe, taxes=False, deficits=False).world(spillover_gap=0.0)
        income = np.asarray(world.economy.baseline.income)
        for technology in ("fixed", "directed"):
            scenario = ree.Scenario(policies=policies(drawn))
            result = ree.solve(world.economy, scenario, world.parameters, technology, tolerance=1e-12)
            gains.append(float(income @ np.expm1(result.welfare.values)) / income.sum())
            assert gains[-1] <= 1e-11, technology

    holds()
    assert min(gains) < -1e-6
