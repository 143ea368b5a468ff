"""Instruments: numbers of policies that can be chosen, and the arrays of a scenario as a function of them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from reestim.equilibrium.economy import Economy
from reestim.equilibrium.placing import NO_LIMIT, Levels, attainable_limits
from reestim.equilibrium.policies import CLOSED, POLICIES, Recycling, SupplyShock
from reestim.equilibrium.policy import Policy
from reestim.equilibrium.policy_arrays import PolicyArrays
from reestim.equilibrium.scenario import Scenario
from reestim.errors import InputError, Problem

Values = Float[Array, " instrument"]

#: What can be chosen of a policy, and the value at which a cost that is stated for it begins.
COST_BEGINS = {"rate": 0.0, "quantity_change": 1.0}
#: Policies that add material to the economy: what this takes is not in the model and has to be stated.
UNPAID = (Recycling, SupplyShock)
LIMIT = "log_limit"
#: The array of a scenario that holds each array of `Levels`.
_ARRAYS = {
    "tariff": "log_tariff",
    "export_tax": "log_export_tax",
    "subsidy": "log_subsidy",
    "endowment": "log_endowment",
    "recycled": "recycled",
}
#: From the value of an instrument to the entry of the array, as `Scenario.to_arrays` has it.
_ENTRY: dict[str, Callable[[Array], Array]] = {
    "log_tariff": jnp.log1p,
    "log_export_tax": jnp.log1p,
    "log_subsidy": lambda value: -jnp.log1p(-value),
    "log_endowment": lambda value: jnp.log(jnp.maximum(value, CLOSED)),
    "recycled": lambda value: value,
    LIMIT: jnp.log,
}


@dataclass(frozen=True)
class Instrument:
    """One number of a policy that is to be chosen: a rate, or a quantity.

    Parameters
    ----------
    name
        What it is called in results.
    policy
        The policy, with any value of the number: the ``rate`` of a :class:`Tariff`, :class:`ExportTax`,
        :class:`Subsidy` or :class:`Recycling`, the ``quantity_change`` of an :class:`ExportQuota`,
        :class:`ProductionQuota`, :class:`Licence` or :class:`SupplyShock`. A stock that is released is a
        :class:`Recycling`: material that the country owns, sold at the market price.
    low, high
        The smallest and the largest value that can be chosen.
    cost
        Money of the data a year per unit by which the value exceeds 0 (a rate) or 1 (a quantity), paid by those whose
        welfare is the objective. What the model knows of already is not to be stated again: subsidies are paid by the
        country's income, tariffs and quotas cost what they distort. :class:`Recycling` and :class:`SupplyShock` add
        material out of nothing and must state their cost, 0 where it is meant to be free.

    Raises
    ------
    InputError
        Listing everything that is wrong.

    Examples
    --------
    >>> import reestim as ree
    >>> ree.Instrument("tariff", ree.Tariff(0.0, importer="USA", exporter="CHN"), 0.0, 0.5).parameter
    'rate'
    """

    name: str
    policy: Policy
    low: float
    high: float
    cost: float | None = None

    def __post_init__(self) -> None:
        problems: list[Problem] = []
        if not self.name:
            problems.append(Problem("an instrument has no name", "Give it one."))
        kinds = tuple(kind for kind in POLICIES if set(COST_BEGINS) & {f.name for f in dataclasses.fields(kind)})
        if not isinstance(self.policy, kinds):
            advice = f"Use {', '.join(kind.__name__ for kind in kinds)}."
            problems.append(Problem("this has no rate or quantity to choose", advice, value=repr(self.policy)))
        elif not self.low < self.high:
            advice = "Give low < high."
            problems.append(Problem("the bounds leave nothing to choose", advice, value=(self.low, self.high)))
        else:
            for value in (self.low, self.high):
                try:
                    self.at(value)
                except InputError as error:
                    problems += error.problems
        if isinstance(self.policy, UNPAID) and self.cost is None:
            advice = "State cost=, money a year per unit of the value, or cost=0 if it is meant to be free."
            message = f"the model has no cost of {type(self.policy).__name__}, and nothing is free"
            problems.append(Problem(message, advice, column="cost"))
        if self.cost is not None and not (math.isfinite(self.cost) and self.cost >= 0):
            problems.append(Problem("a cost is finite and not negative", "Correct it.", column="cost", value=self.cost))
        if problems:
            raise InputError(problems, f"instrument {self.name!r} is not possible")

    @property
    def parameter(self) -> str:
        """The field of the policy that is chosen."""
        return next(name for name in COST_BEGINS if hasattr(self.policy, name))

    def at(self, value: float) -> Policy:
        """The policy with a value of its number.

        Parameters
        ----------
        value
            Of ``parameter``: a rate or a quantity.

        Returns
        -------
        Policy
            A copy.

        Examples
        --------
        >>> tariff = ree.Instrument("tariff", ree.Tariff(0.0, importer="USA", exporter="CHN"), 0.0, 0.5)
        >>> tariff.at(0.2).rate
        0.2
        """
        policy: Policy = dataclasses.replace(self.policy, **{self.parameter: float(value)})  # type: ignore[arg-type]
        return policy

    def stated_cost(self, value: float) -> tuple[float, float]:
        """What a value costs by ``cost``.

        Parameters
        ----------
        value
            Of ``parameter``.

        Returns
        -------
        cost, slope : float
            Money of the data a year, and its derivative in the value.

        Examples
        --------
        >>> scrap = ree.Instrument("scrap", ree.Recycling(0.1, "USA"), 0.0, 0.3, cost=50.0)
        >>> scrap.stated_cost(0.2)
        (10.0, 50.0)
        """
        each, above = self.cost or 0.0, value - COST_BEGINS[self.parameter]
        return each * max(above, 0.0), each if above >= 0 else 0.0


class Placement(NamedTuple):
    """Where the values of instruments stand in the arrays of a scenario.

    Attributes
    ----------
    cells
        By instrument, cells of its array or of the pools.
    log_leakage
        ln(1 + leakage) of quotas (instrument).
    """

    cells: tuple[Bool[Array, ...], ...]  # of the array of each instrument, or of the pools
    log_leakage: Float[Array, " instrument"]  # ln(1 + leakage) of quotas


def with_values(policy: PolicyArrays, names: Sequence[str], placement: Placement, values: Values) -> PolicyArrays:
    """The scenario with instruments at given values.

    Parameters
    ----------
    policy
        The scenario without the instruments, as arrays.
    names
        The array that each instrument moves.
    placement
        Where each stands in it.
    values
        One a instrument.

    Returns
    -------
    PolicyArrays
        A copy.
    """
    for k, (name, cells) in enumerate(zip(names, placement.cells, strict=True)):
        entry = _ENTRY[name](values[k])
        if name == LIMIT:
            limit = jnp.where(cells, entry + placement.log_leakage[k], policy.pools.log_limit)
            policy = policy._replace(pools=policy.pools._replace(log_limit=limit))
        else:
            policy = policy._replace(**{name: jnp.where(cells, entry, getattr(policy, name))})
    return policy


def with_policies(scenario: Scenario, instruments: Sequence[Instrument], values: Sequence[float]) -> Scenario:
    """The scenario with the policies of instruments beside its own.

    Parameters
    ----------
    scenario
        The scenario.
    instruments, values
        One value an instrument.

    Returns
    -------
    Scenario
        A copy.
    """
    added = tuple(one.at(value) for one, value in zip(instruments, values, strict=True))
    return dataclasses.replace(scenario, policies=(*scenario.policies, *added))


def place(
    economy: Economy, scenario: Scenario, instruments: Sequence[Instrument], supply: str
) -> tuple[PolicyArrays, tuple[str, ...], Placement]:
    """The scenario without the instruments (their quotas out of reach), the array that each moves, and where.

    Parameters
    ----------
    economy
        The baseline with the scenario's mines.
    scenario, instruments
        What is placed.
    supply
        ``"independent"`` or ``"joint"``, as for `reestim.solve`.

    Returns
    -------
    policy, names, placement
        Arrays of the scenario, the array of each instrument, its cells.

    Raises
    ------
    InputError
        Where instruments do not fit the economy, the scenario or each other.
    """
    chosen = with_policies(scenario, instruments, [one.high for one in instruments])
    full, without = chosen.to_arrays(economy, supply), scenario.to_arrays(economy, supply)
    pools = chosen.pools(economy)
    keys = [pool.key for pool in pools]
    names, cells, leakage = [], [], []
    held = np.zeros(len(pools), bool)
    for one in instruments:
        levels = Levels.of(economy)
        dataclasses.replace(one.at(1.0) if one.parameter == "quantity_change" else one.policy, years=()).apply(levels)
        if levels.pools:
            where = np.isin(range(len(keys)), [keys.index(pool.key) for pool in levels.pools])
            held |= where
            names.append(LIMIT)
        else:
            name, where = next(iter(levels.taken.items()))
            names.append(_ARRAYS[name])
        flows = np.asarray(economy.baseline.trade_share) > 0
        if not (where & flows if where.ndim == flows.ndim else where).any():
            raise InputError(Problem("an instrument moves nothing", "Name trade that exists.", value=one.name))
        cells.append(jnp.asarray(where))
        leakage.append(math.log1p(getattr(one.policy, "leakage", 0.0)))
    _refuse_shared_trade(economy, chosen, scenario, instruments)
    limit = jnp.where(jnp.asarray(held), NO_LIMIT, full.pools.log_limit)
    nothing = without._replace(pools=full.pools._replace(log_limit=limit))
    return nothing, tuple(names), Placement(tuple(cells), jnp.asarray(leakage))


def _refuse_shared_trade(
    economy: Economy, chosen: Scenario, scenario: Scenario, instruments: Sequence[Instrument]
) -> None:
    """Of two limits on the same trade only the tighter one acts: welfare would not be smooth in the other."""

    def idle(one: Scenario) -> int:
        pools = one.pools(economy)
        limits = attainable_limits(economy, pools)
        return sum(limit != pool.log_limit for limit, pool in zip(limits, pools, strict=True))

    if idle(chosen) > idle(scenario):
        advice = "Choose one of them, or let them hold different trade."
        message = "an instrument holds the same tonnes as another quota or licence"
        raise InputError(Problem(message, advice, value=", ".join(one.name for one in instruments)))
