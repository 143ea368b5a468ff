"""Why a draw or scenario was not solved: what can be said of the furthest point that the solver reached."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from reestim.equilibrium.accounts import Baseline
from reestim.equilibrium.equations import State, Unknowns, evaluate
from reestim.equilibrium.mining import idle_resources
from reestim.equilibrium.parameter_arrays import ParameterArrays
from reestim.equilibrium.policy_arrays import PolicyArrays, scaled
from reestim.technology import Costs, innovation_passthrough, price_passthrough

if TYPE_CHECKING:
    from reestim.equilibrium.economy import Economy


class Reason(IntEnum):
    """Whether a draw has a solution, else why not: results hold the code as ``reason``; ``meaning`` is what
    people read. The last four name what keeps an equilibrium from existing."""

    meaning: str

    SOLVED = 0, "solved"
    OUTSIDE = 1, "parameters outside the interior"
    NOT_FOUND = 2, "no equilibrium found"
    EXHAUSTED = 3, "subsidies or a deficit exhaust an income"
    NOT_DETERMINATE = 4, "not determinate: an equilibrium need not exist"
    IDLE = 5, "a mine may sell less than it yields when its resource is free"
    GLUT = 6, "a licence costs more than an element of a joint mine is worth"

    def __new__(cls, code: int, meaning: str) -> Reason:
        """The code as a whole number that carries its meaning."""
        member = int.__new__(cls, code)
        member._value_, member.meaning = code, meaning
        return member


#: Reasons of draws without a solution.
FAILURES = tuple(why for why in Reason if why != Reason.SOLVED)
#: Part of what a country receives that subsidies and a deficit to others may take; on the way to an income of zero
#: the solver stops just before it.
EXHAUSTING = 0.9
#: Feedback on demand from which a second equilibrium may be near: half of what makes demand slope up.
SAFE_FEEDBACK = 0.5
#: ln of price over cost of an element under joint supply from which on it counts as given away.
WORTHLESS = -3.0


def determinate(b: Baseline, parameters: ParameterArrays, costs: Costs) -> Bool[Array, ""]:
    """Whether technology feeds back on prices too little for a second equilibrium to be near.

    In every user of rare earths, at the baseline and at ``costs``, `demand_feedback` must stay below ``SAFE_FEEDBACK``
    and unit cost rise by less than the price of the bundle. In the long run without gap or diffusion both always hold,
    as in any CES economy.
    """
    t = parameters.technology
    users = b.ree_share > 0
    good = jnp.ones((), bool)
    for share, research in ((b.ree_share, jnp.zeros_like(b.ree_share)), (costs.ree_share, costs.research)):
        slope = price_passthrough(b.ree_share, share, research, t)
        feedback = demand_feedback(share, slope, parameters)
        good = good & jnp.all(~users | ((feedback < SAFE_FEEDBACK) & (slope <= 1)))
    return good


def demand_feedback(
    ree_share: Float[Array, "country sector"],
    slope: Float[Array, "country sector"],
    parameters: ParameterArrays,
) -> Float[Array, "country sector"]:
    """What scarcity adds to a sector's demand for rare earths by lowering its cost, over what substitution takes away.

    Demand at given other costs moves by −(1 − (1−θ′)(1−σ)(1 − (1+ξ)λm)) − ε·d ln c/dq with the relative price q. Where
    d ln c/dq is negative the second part is positive: at 1 it outweighs the first, demand slopes up, and there may be
    several equilibria. ε is taken as for a sector that sells on markets where it is small, which bounds the response.
    """
    t = parameters.technology
    m = t.adjustment_rate * innovation_passthrough(t.sigma, t.kappa, t.spillover)
    substitution = 1 - (1 - ree_share) * (1 - t.sigma) * (1 - (1 + t.spillover) * m)
    return parameters.trade_elasticity * jnp.maximum(-slope, 0.0) / substitution


def outlays(b: Baseline, policy: PolicyArrays, state: State) -> Float[Array, " country"]:
    """Subsidies and deficits paid to others as a share of what each country receives before them."""
    subsidies = jnp.sum(state.output - state.earned.sum(axis=0), axis=1)
    paid = subsidies + jnp.maximum(-b.deficit - policy.deficit_change, 0.0)
    return paid / (state.income + paid)


@jax.jit
def reason(
    b: Baseline, policy: PolicyArrays, parameters: ParameterArrays, u: Unknowns, stage: Float[Array, ""]
) -> Int[Array, ""]:
    """Code of `Reason` for an unsolved scenario, from the last solution ``u`` at a part ``stage`` of its size."""
    state = evaluate(b, scaled(b, policy, stage), parameters, u)
    exhausted = jnp.any(outlays(b, policy, state) > EXHAUSTING)
    unclear = ~determinate(b, parameters, state.costs)
    idle = jnp.any(_idle(b, policy, parameters, u, state))
    glut = jnp.any(_worthless(u))
    why = jnp.where(glut, Reason.GLUT, jnp.where(unclear, Reason.NOT_DETERMINATE, Reason.NOT_FOUND))
    return jnp.where(exhausted, Reason.EXHAUSTED, jnp.where(idle, Reason.IDLE, why))


def _worthless(u: Unknowns) -> Bool[Array, "country element"]:
    """Elements of joint mines that all but have no price while a licence has one: disposal is not in the model."""
    return (u.margin < WORTHLESS) & jnp.any(u.pool > 0)


def _idle(
    b: Baseline, policy: PolicyArrays, parameters: ParameterArrays, u: Unknowns, state: State
) -> Bool[Array, "country element"]:
    """Mines whose resource is all but idle."""
    e = b.element_index
    before = jnp.where(b.output[:, e] > 0, b.output[:, e], 1.0)
    quantity = jnp.log(state.output[:, e] / before) - state.costs.unit_cost[:, e] - u.margin
    return idle_resources(b, parameters, policy.log_endowment @ b.resource + policy.log_productivity[:, e], quantity)


def advice(
    b: Baseline,
    policy: PolicyArrays,
    parameters: ParameterArrays,
    u: Unknowns,
    stage: float,
    economy: Economy,
) -> str:
    """What an unsolved scenario's error says beyond the residual."""
    why = Reason(int(reason(b, policy, parameters, u, jnp.asarray(stage))))
    if why is Reason.EXHAUSTED:
        state = evaluate(b, scaled(b, policy, jnp.asarray(stage)), parameters, u)
        share = np.asarray(outlays(b, policy, state))
        k = int(np.nanargmax(share))
        return (
            f"At {stage:.0%} of the shock subsidies and deficits take {share[k]:.0%} of what {economy.countries[k]} "
            "receives: beyond, its income is exhausted and there is no equilibrium. Lower them, or use "
            "deficits='balanced'."
        )
    if why is Reason.IDLE:
        at = scaled(b, policy, jnp.asarray(stage))
        n, e = np.argwhere(np.asarray(_idle(b, at, parameters, u, evaluate(b, at, parameters, u))))[0]
        return (
            f"The resource of {economy.elements[e]} in {economy.countries[n]} is idle at {stage:.0%} of the shock: "
            "with this supply elasticity the mine yields more than it may sell even when its resource is free. Take a "
            "supply_elasticity between 0 and (1 − r)/r, r the resource_share, or restrict the mine less."
        )
    if why is Reason.GLUT:
        n, e = np.argwhere(np.asarray(_worthless(u)))[0]
        return (
            f"{economy.elements[e]} from {economy.countries[n]} is all but given away at {stage:.0%} of the shock: its "
            "mine yields it with the others and a licence costs more than it is worth; that it is thrown away is not "
            "in the model. Restrict less, leave it out of the quota, or use supply='independent'."
        )
    if why is Reason.NOT_DETERMINATE:
        return (
            "Directed technology with this ω·θ lets scarcity lower costs so much that demand may rise with the price "
            "(see 'determinate' in docs/model.md): an equilibrium need not exist. Try technology='fixed', a smaller "
            "spillover_gap, or a smaller shock."
        )
    return "Try a smaller shock, check that nobody is left without any supplier, or use throw=False to record it."
