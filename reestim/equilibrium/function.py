"""The equilibrium as a pure function for JAX: ``grad``, ``jacfwd``, ``jit`` and ``vmap`` work on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from reestim.equilibrium.drawn_baseline import drawn_baseline
from reestim.equilibrium.implicit import all_residuals, baseline_unknowns, equilibrium, within_tolerance
from reestim.equilibrium.parameter_arrays import ParameterArrays
from reestim.equilibrium.parameters import Parameters
from reestim.equilibrium.policy_arrays import PolicyArrays
from reestim.equilibrium.scenario import Scenario
from reestim.equilibrium.solve import TOLERANCE
from reestim.equilibrium.welfare import Outcomes, outcomes

if TYPE_CHECKING:
    from reestim.equilibrium.economy import Economy


class Inputs(NamedTuple):
    """What an equilibrium depends on beside the baseline, as arrays in the economy's order of labels.

    All are floats. Which pairs of exporter and sector the pools of a scenario name is not a number to differentiate
    by: ``policy.pools.exporter`` and ``policy.pools.sector`` are None, and those of the scenario are used.

    Attributes
    ----------
    parameters
        Elasticities and technology.
    policy
        The scenario.
    """

    parameters: ParameterArrays
    policy: PolicyArrays


def equilibrium_function(
    economy: Economy,
    scenario: Scenario,
    parameters: Parameters,
    technology: str = "directed",
    supply: str = "independent",
    tolerance: float = TOLERANCE,
) -> tuple[Callable[[Inputs], Outcomes], Inputs]:
    """The equilibrium as a differentiable function of arrays, and the arrays of one scenario and its parameters.

    Parameters
    ----------
    economy, scenario, parameters, technology, supply, tolerance
        As in :func:`solve`, without transitions.

    Returns
    -------
    function : callable
        ``function(inputs)`` returns :class:`Outcomes`, the names of docs/model.md section 3 as arrays in the economy's
        order of labels; not a number where no equilibrium is found. ``jit``, ``vmap``, ``grad`` and ``jacfwd`` work on
        it: derivatives are those of the implicit function, through binding quotas too, away from the points where they
        begin to bind.
    inputs : Inputs
        ``parameters`` and ``policy``.

    Raises
    ------
    InputError, ParameterError
        As :func:`solve`.

    Examples
    --------
    >>> function, inputs = ree.equilibrium_function(economy, quota, parameters, "fixed")
    >>> function(inputs).welfare.shape == (len(economy.countries),)
    True
    """
    economy = scenario.baseline(economy)
    shared, policy_arrays = economy.baseline, scenario.to_arrays(economy, supply)
    places = {"exporter": policy_arrays.pools.exporter, "sector": policy_arrays.pools.sector}

    def function(inputs: Inputs) -> Outcomes:
        draw = inputs.parameters
        policy = inputs.policy._replace(pools=inputs.policy.pools._replace(**places))
        b = drawn_baseline(shared, draw)
        zero, unravel = ravel_pytree(baseline_unknowns(b, policy))
        root = equilibrium(b, policy, draw, zero, tolerance)
        u = unravel(root.point)
        good = within_tolerance(all_residuals(b, policy, draw, u), tolerance)
        result = outcomes(b, policy, draw, u)
        return jax.tree.map(lambda x: x if x.dtype == bool else jnp.where(good, x, jnp.nan), result)

    without = policy_arrays._replace(pools=policy_arrays.pools._replace(exporter=None, sector=None))
    return function, Inputs(parameters.to_arrays(economy, technology, scenario.horizon), without)
