"""Elasticities of welfare with respect to every parameter and policy, by implicit differentiation."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array

from reestim.dims import COUNTRY, ELEMENT, SECTOR
from reestim.equilibrium.function import Inputs, equilibrium_function
from reestim.equilibrium.parameters import Parameters
from reestim.equilibrium.policy_arrays import PolicyArrays
from reestim.equilibrium.scenario import Scenario

if TYPE_CHECKING:
    from reestim.equilibrium.economy import Economy

POLICY = "policy"
#: Parameters of technology: with respect to their logs, or, for those that are zero by default, to themselves.
LOGS = ("sigma", "kappa", "spillover", "element_elasticity")
FRACTIONS = ("spillover_gap", "diffusion")
_OVER = {
    "sigma": (SECTOR,),
    "trade_elasticity": (SECTOR,),
    "supply_elasticity": (ELEMENT,),
    "policy_size": (POLICY,),
}


def sensitivity(
    economy: Economy,
    scenario: Scenario,
    parameters: Parameters,
    technology: str = "directed",
    supply: str = "independent",
) -> xr.Dataset:
    """Slopes of welfare in every parameter and policy, at the counterfactual equilibrium, by implicit differentiation.

    Parameters
    ----------
    economy, scenario, parameters, supply
        As in :func:`solve`.
    technology
        ``"fixed"``, ``"directed"`` or ``"frontier"``.

    Returns
    -------
    xarray.Dataset
        One variable for each input, over ``country`` (whose welfare) and, where the input has several values,
        ``sector``, ``element`` or ``policy``: d welfare / d ln x for sigma, kappa, spillover, element_elasticity,
        trade_elasticity and supply_elasticity; d welfare / d x for spillover_gap and diffusion; ``policy_size``, the
        change of welfare for a policy that is larger by one per cent of its log size, times 100. Units are in
        ``attrs["units"]`` of each variable. Not a number where no equilibrium is found.

    Raises
    ------
    InputError, ParameterError
        As :func:`solve`.

    Examples
    --------
    >>> slopes = ree.sensitivity(economy, quota, parameters, "fixed")
    >>> slopes["sigma"].dims, slopes["policy_size"].dims
    (('country', 'sector'), ('country', 'policy'))
    """
    function, inputs = equilibrium_function(economy, scenario, parameters, technology, supply, tolerance=1e-12)
    economy = scenario.baseline(economy)
    nothing = replace(scenario, policies=(), tariff=None, export_tax=None, trade_cost=None, productivity=None)
    rest = nothing.to_arrays(economy, supply)
    alone = [replace(nothing, policies=(p,)) for p in scenario.in_force(scenario.year)]
    parts = [one.to_arrays(economy, supply) for one in alone]
    keys = [pool.key for pool in scenario.pools(economy)]
    held = [np.isin(range(len(keys)), [keys.index(pool.key) for pool in one.pools(economy)]) for one in alone]
    sectors = len(economy.sectors)

    def welfare(move: dict[str, Array]) -> Array:
        t = inputs.parameters.technology
        changed = {name: getattr(t, name) * jnp.exp(move[name]) for name in LOGS}
        changed |= {name: getattr(t, name) + move[name] for name in FRACTIONS}
        users = economy.baseline.ree_share > 0
        changed = {name: jnp.where(users, value, getattr(t, name)) for name, value in changed.items()}
        elasticity = inputs.parameters.trade_elasticity * jnp.exp(move["trade_elasticity"])
        supply = inputs.parameters.supply_elasticity * jnp.exp(move["supply_elasticity"])
        draw = inputs.parameters._replace(
            technology=t._replace(**changed), trade_elasticity=elasticity, supply_elasticity=supply
        )
        policy = inputs.policy
        for k, part in enumerate(parts):
            policy = _grown(policy, part, rest, held[k], move["policy_size"][k])
        return function(Inputs(draw, policy)).welfare

    zero = {name: jnp.zeros(()) for name in (*LOGS[1:], *FRACTIONS)}
    zero |= {"sigma": jnp.zeros(sectors), "trade_elasticity": jnp.zeros(sectors), "policy_size": jnp.zeros(len(parts))}
    zero["supply_elasticity"] = jnp.zeros(len(economy.elements))
    slopes = jax.jit(jax.jacrev(welfare))(zero)
    return _labelled(economy, scenario, {name: np.asarray(value) for name, value in slopes.items()})


def _grown(policy: PolicyArrays, part: PolicyArrays, rest: PolicyArrays, held: np.ndarray, by: Array) -> PolicyArrays:
    """The scenario with one of its policies larger by the fraction ``by`` of what it changes against the baseline.

    ``held``: which pools are the policy's.
    """
    names = ("log_tariff", "log_export_tax", "log_subsidy", "log_endowment", "recycled")
    grown = {name: getattr(policy, name) + by * (getattr(part, name) - getattr(rest, name)) for name in names}
    pools = policy.pools._replace(log_limit=policy.pools.log_limit * (1 + by * held))
    return policy._replace(pools=pools, **grown)


def _labelled(economy: Economy, scenario: Scenario, slopes: dict[str, np.ndarray]) -> xr.Dataset:
    users = np.asarray(economy.baseline.ree_share > 0).any(axis=0)
    data: dict[str, Any] = {}
    for name, values in slopes.items():
        unit = "per unit" if name in FRACTIONS else "per log point"
        if name == "policy_size":
            unit = "per 100 % of the policy's log size"
        over = _OVER.get(name, ())
        shown = np.where(users, values, np.nan) if name == "sigma" else values
        data[name] = ((COUNTRY, *over), shown, {"units": f"change of welfare {unit}", "long_name": name})
    names = [f"{k + 1}: {policy}" for k, policy in enumerate(scenario.in_force(scenario.year))]
    coords = {COUNTRY: list(economy.countries), SECTOR: list(economy.sectors), POLICY: names}
    coords[ELEMENT] = list(economy.elements)
    return xr.Dataset(data, coords=coords, attrs={"scenario": scenario.name})
