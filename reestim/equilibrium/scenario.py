"""A scenario: what is different from the baseline, as labelled arrays and policies, checked against an economy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array

from reestim.dims import BILATERAL, COUNTRY, SECTOR
from reestim.equilibrium.horizon import MONTHS, YEAR_AHEAD, horizon_problems
from reestim.equilibrium.mines import Mine
from reestim.equilibrium.placing import NO_LIMIT, Levels, Pool, pool_arrays
from reestim.equilibrium.policies import POLICIES
from reestim.equilibrium.policy import Policy
from reestim.equilibrium.policy_arrays import PolicyArrays, place_array
from reestim.errors import InputError, Problem

if TYPE_CHECKING:
    from reestim.equilibrium.economy import Economy


@dataclass(frozen=True)
class Scenario:
    """What is different from the baseline; whatever is absent does not change.

    Parameters
    ----------
    name, description
        For people; results are labelled with the name.
    year
        The year that a static solution speaks of: a dated policy holds if it is one of its years.
    tariff, export_tax
        New ad valorem levels over (importer, exporter, sector) or some of these dimensions and labels; NaN changes
        nothing. For what policies do not say. Domestic sales (importer = exporter) are never taxed.
    trade_cost
        Iceberg costs as factors, same dimensions; 1 changes nothing.
    productivity
        Factors over (country, sector); 1 changes nothing.
    policies
        Objects such as :class:`ExportQuota` or :class:`Tariff`, in any number.
    mines
        Mines of the economy that the scenario is set against, where the baseline has none.
    horizon
        The time that users and mines have: ``"months"`` (elasticities σ·s and ρ·s, supply of months), ``"year"`` or
        ``"long"`` (mines enter: long-run supply elasticity), see :class:`Parameters`.

    Raises
    ------
    InputError
        For an unknown horizon, or something among ``policies`` that is not a policy.

    Examples
    --------
    >>> import reestim as ree
    >>> quota = ree.ExportQuota("CHN", "all", 0.53, years=(2010, 2011))
    >>> ree.Scenario("quota", year=2010, policies=(quota,)).in_force(2012)
    ()
    """

    name: str = "scenario"
    description: str = ""
    year: int | None = None
    tariff: xr.DataArray | None = None
    export_tax: xr.DataArray | None = None
    trade_cost: xr.DataArray | None = None
    productivity: xr.DataArray | None = None
    policies: tuple[Policy, ...] = ()
    mines: tuple[Mine, ...] = ()
    horizon: str = YEAR_AHEAD

    def __post_init__(self) -> None:
        advice = f"Use {', '.join(kind.__name__ for kind in POLICIES)}."
        stray = [p for p in self.policies if not isinstance(p, POLICIES)]
        problems = [Problem("this is not a policy", advice, value=repr(p)) for p in stray]
        if problems := problems + horizon_problems(self.horizon):
            raise InputError(problems)

    def baseline(self, economy: Economy) -> Economy:
        """The economy with the scenario's mines: the baseline that results are measured against.

        Parameters
        ----------
        economy
            The economy of the data.

        Returns
        -------
        Economy
            ``economy`` itself where the scenario has no mines.

        Raises
        ------
        InputError
            With the problems of every mine that cannot be placed.

        Examples
        --------
        >>> quota.baseline(economy) is economy
        True
        """
        problems: list[Problem] = []
        for mine in self.mines:
            try:
                economy = mine.opened(economy)
            except InputError as error:
                problems += error.problems
        if problems:
            raise InputError(problems, f"scenario {self.name!r} does not fit the economy")
        return economy

    def in_force(self, year: int | None) -> tuple[Policy, ...]:
        """The policies that hold in a year: the undated ones, and those that name it.

        Parameters
        ----------
        year
            Calendar year; None: only undated policies hold.

        Returns
        -------
        tuple of Policy
            In the scenario's order.

        Examples
        --------
        >>> dated = ree.Scenario(year=2010, policies=(ree.Tariff(0.1, "USA", "CHN", "all", years=(2010,)),))
        >>> len(dated.in_force(2010)), len(dated.in_force(2011))
        (1, 0)
        """
        return tuple(p for p in self.policies if not p.years or year in p.years)

    def at(self, year: int) -> Scenario:
        """The scenario of one year: its policies in force, undated.

        Parameters
        ----------
        year
            Calendar year.

        Returns
        -------
        Scenario
            Of that year.

        Examples
        --------
        >>> quota.at(2012).year
        2012
        """
        return replace(self, year=year, policies=tuple(replace(p, years=()) for p in self.in_force(year)))

    def path(self, economy: Economy, years: Sequence[int], supply: str = "independent") -> PolicyArrays:
        """The arrays of every year of a path; a quota that is not in force is too large to bind.

        Parameters
        ----------
        economy
            Whose labels.
        years
            Calendar years, ascending.
        supply
            ``"independent"``, or ``"joint"``: elements of a country come out of one mine in fixed proportions.

        Returns
        -------
        PolicyArrays
            Stacked along a leading axis, one entry a year.

        Raises
        ------
        InputError
            For a scenario with the horizon of months, and as :meth:`to_arrays`.

        Examples
        --------
        >>> quota.path(economy, range(2010, 2013)).log_tariff.shape[0]
        3
        """
        if self.horizon == MONTHS:
            advice = 'Give the scenario horizon="year" or "long", or solve without a transition.'
            raise InputError(Problem("a transition is a path of years and its horizon is of months", advice))
        each = [self.at(year)._place(economy, supply) for year in years]
        idle_pools = {pool.key: replace(pool, log_limit=NO_LIMIT) for levels, _ in each for pool in levels.pools}
        stacked: list[PolicyArrays] = []
        for levels, arrays in each:
            held = {pool.key: pool for pool in levels.pools}
            pools = [held.get(key, idle) for key, idle in idle_pools.items()]
            stacked.append(arrays._replace(pools=pool_arrays(economy, pools)))
        return jax.tree.map(lambda *leaves: jnp.stack(leaves), *stacked)

    def to_arrays(self, economy: Economy, supply: str = "independent") -> PolicyArrays:
        """Place the scenario by label and check it against the economy.

        Parameters
        ----------
        economy
            Whose labels.
        supply
            ``"independent"``, or ``"joint"``: elements of a country come out of one mine in fixed proportions.

        Returns
        -------
        PolicyArrays
            Arrays of JAX, float64.

        Raises
        ------
        InputError
            With every problem: unknown labels, values out of bounds, two policies on one cell, dates without a year.

        Examples
        --------
        >>> quota.to_arrays(economy).pools.log_limit.shape
        (1,)
        """
        return self._place(economy, supply)[1]

    def pools(self, economy: Economy) -> list[Pool]:
        """The pools of quotas and licences, in the order of the arrays; raises as :meth:`to_arrays`.

        Parameters
        ----------
        economy
            Whose labels.

        Returns
        -------
        list of Pool
            One a quota.

        Examples
        --------
        >>> len(quota.pools(economy))
        1
        """
        return self._place(economy, "independent")[0].pools

    def _place(self, economy: Economy, supply: str) -> tuple[Levels, PolicyArrays]:
        if any(p.years for p in self.policies):
            if self.year is None:
                advice = "Give Scenario(year=...), or solve with technology='transition' and years=..."
                raise InputError(Problem(f"policies of {self.name!r} are dated and the scenario is not", advice))
            return self.at(self.year)._place(economy, supply)
        levels = Levels.of(economy)
        problems = levels.problems
        if supply not in ("independent", "joint"):
            problems.append(Problem("unknown supply of elements", "Use 'independent' or 'joint'.", value=supply))
        foreign = ~np.eye(len(economy.countries), dtype=bool)[:, :, None]
        baseline = economy.baseline

        def level(name: str, value: xr.DataArray | None, old: Array, domestic: float) -> np.ndarray:
            if value is None:
                return np.array(old, dtype=float)
            placed = place_array(name, value, economy, BILATERAL, np.asarray(old), problems)
            lowest = -1.0 if name != "trade_cost" else 0.0
            if not (np.isfinite(placed) & (placed > lowest)).all():
                message = f"{name} must be finite and above {lowest:g}"
                problems.append(Problem(message, "Correct the scenario.", column=name))
            return np.where(foreign, placed, domestic)

        levels.tariff = level("tariff", self.tariff, baseline.tariff, 0.0)
        levels.export_tax = level("export_tax", self.export_tax, baseline.export_tax, 0.0)
        trade_cost = level("trade_cost", self.trade_cost, jnp.ones(baseline.trade_share.shape), 1.0)
        productivity = np.ones(baseline.expenditure.shape)
        if self.productivity is not None:
            productivity = place_array(
                "productivity", self.productivity, economy, (COUNTRY, SECTOR), productivity, problems
            )
            if not (np.isfinite(productivity) & (productivity > 0)).all():
                advice = "Give factors, 1 = no change."
                problems.append(Problem("productivity must be positive", advice, column="productivity"))
        for policy in self.policies:
            policy.apply(levels)
        if problems:
            raise InputError(problems, f"scenario {self.name!r} does not fit the economy")
        with np.errstate(divide="ignore"):
            return levels, PolicyArrays(
                log_tariff=jnp.asarray(np.log1p(levels.tariff)),
                log_export_tax=jnp.asarray(np.log1p(levels.export_tax)),
                log_trade_cost=jnp.asarray(np.log(trade_cost)),
                log_productivity=jnp.asarray(np.log(productivity)),
                log_subsidy=jnp.asarray(-np.log1p(-levels.subsidy)),
                log_endowment=jnp.asarray(np.log(levels.endowment)),
                recycled=jnp.asarray(levels.recycled),
                deficit_change=jnp.zeros(len(economy.countries)),
                pools=pool_arrays(economy, levels.pools),
                joint=jnp.asarray(1.0 if supply == "joint" else 0.0, dtype=float),  # not weakly typed: compiled once
            )
