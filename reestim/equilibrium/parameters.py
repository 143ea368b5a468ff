"""The behavioural parameters of the equilibrium, validated against an economy."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from jaxtyping import Bool

from reestim.editions import gone_parameter, is_first_edition
from reestim.equilibrium.horizon import horizon_problems, use_at_horizon
from reestim.equilibrium.mine_parameters import IN_ECONOMY, complete_mines
from reestim.equilibrium.parameter_arrays import (
    TECHNOLOGIES,
    ParameterArrays,
    Value,
    place_parameter,
    to_jax,
    violations,
)
from reestim.errors import ParameterError, Problem

if TYPE_CHECKING:
    from reestim.equilibrium.economy import Economy


@dataclass(frozen=True)
class Parameters:
    """Elasticities and technology parameters (docs/model.md section 2); each a number or a DataArray placed by label.

    Parameters
    ----------
    sigma
        σ, substitution between rare earths and other inputs: number, (sector) or (country, sector). Sectors that use
        no rare earths need none. At given knowledge. Must lie inside 0 < σ < 1 + 1/κ̃, κ̃ = κ(1+ξ).
    kappa, spillover, spillover_gap, diffusion
        κ ≥ 0, ξ ≥ 0, ω ≥ 0, 0 ≤ ψ ≤ 1: number, (sector) or (country, sector).
    element_elasticity
        ρ > 0 between elements in the bundle: number or (sector).
    trade_elasticity
        ε > 0: number or (sector). ``None`` takes the economy's own ``trade_elasticity``.
    supply_elasticity
        μ ≥ 0 of mines, how output answers the price at given costs of other inputs: number, (element) or (country,
        element). ``None`` takes the economy's own ``supply_elasticity``; where it has none either, mines are
        Cobb–Douglas, μ = (1−r)/r.
    resource_share
        0 < r < 1, rent's share of a mine's revenue at the baseline: number, (element) or (country, element). ``None``
        takes the share of the resource in the economy's ``factor_share``. Another one changes the baseline: other
        inputs of mines in proportion, and incomes and final demand with them; trade and spending stay.
    impact_ratio
        0 < s ≤ 1: within months (``horizon="months"`` of a scenario) elasticities are σ·s and ρ·s. A number. The
        default, 0.15, puts σ at .05 where it is .35 over a year: imported inputs were near Leontief after the
        earthquake of 2011 (Boehm, Flaaen and Pandalai-Nayar 2019), gas in Germany .04 to .1 (Bachmann and others 2022).
    impact_supply_elasticity, long_run_supply_elasticity
        μ of months (``None``: s·μ), and μ_L of ``horizon="long"`` (``None``: the economy's own): as supply_elasticity.
    adjustment_rate
        0 < λ ≤ 1, the share of the distance to (2) that knowledge closes in a year, with ``technology="transition"``: a
        number.
    obsolescence, knowledge_growth
        0 ≤ δ < 1 a year and g ≥ 0 log points a year: in a transition knowledge falls by at most g − ln(1−δ) a year
        against its trend, equation (2b). Numbers. These three have no effect on the two other technologies.

    Raises
    ------
    ParameterError
        Not here, but where they meet an economy: listing every parameter outside its bounds, unknown label and
        dimension.

    Examples
    --------
    >>> import reestim as ree
    >>> ree.Parameters(sigma=0.4, kappa=1.2, spillover=1.6).kappa
    1.2
    """

    sigma: Value = 0.5
    kappa: Value = 1.0
    spillover: Value = 0.0
    spillover_gap: Value = 0.0
    element_elasticity: Value = 1.0
    trade_elasticity: Value | None = None
    diffusion: Value = 0.0
    adjustment_rate: Value = 0.2
    obsolescence: Value = 0.15
    knowledge_growth: Value = 0.05
    supply_elasticity: Value | None = None
    resource_share: Value | None = None
    impact_ratio: Value = 0.15
    impact_supply_elasticity: Value | None = None
    long_run_supply_elasticity: Value | None = None

    def __new__(cls, *_: object, **given: object) -> Parameters:
        """Refuse what belonged to the first edition of the model, in words."""
        if gone := [gone_parameter(name) for name in given if is_first_edition([name])]:
            raise ParameterError(gone)
        return super().__new__(cls)

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Names of all parameters.

        Returns
        -------
        tuple of str
            In the order of the fields.

        Examples
        --------
        >>> ree.Parameters.names()[:3]
        ('sigma', 'kappa', 'spillover')
        """
        return tuple(field.name for field in dataclasses.fields(cls))

    def to_arrays(self, economy: Economy, technology: str = "directed", horizon: str = "year") -> ParameterArrays:
        """Place the parameters by label and check them.

        Parameters
        ----------
        economy
            Whose labels, and elasticities where they are not stated here.
        technology
            ``"fixed"``, ``"directed"``, ``"frontier"`` or ``"transition"``: which bounds hold.
        horizon
            ``"months"``, ``"year"`` or ``"long"``.

        Returns
        -------
        ParameterArrays
            Arrays of JAX, float64.

        Raises
        ------
        ParameterError
            With every problem: a missing elasticity, unknown labels and dimensions, values outside their bounds.

        Examples
        --------
        >>> parameters.to_arrays(economy).trade_elasticity.shape == (len(economy.sectors),)
        True
        """
        values, problems = self._place(economy, technology, None, horizon)
        if not problems:
            problems = [problem for _, problem in violations(values, economy, technology, horizon)]
        if problems:
            raise ParameterError(problems, "these parameters have no equilibrium in the model")
        return to_jax(values, economy, technology)

    def feasible(
        self, economy: Economy, technology: str, batch: str, horizon: str = "year"
    ) -> tuple[Bool[np.ndarray, " draw"], list[Problem]]:
        """Say which draws are inside the parameter space.

        Parameters
        ----------
        economy, technology, horizon
            As for :meth:`to_arrays`.
        batch
            The dimension of the draws.

        Returns
        -------
        feasible : numpy.ndarray
            True for draws inside (draw).
        problems : list of Problem
            What is wrong with the others, one a kind.

        Raises
        ------
        ParameterError
            For problems of all draws: labels, dimensions.

        Examples
        --------
        >>> import xarray as xr
        >>> draws = ree.Parameters(sigma=xr.DataArray([0.4, 9.0], dims="sample"), kappa=1.0)
        >>> inside, problems = draws.feasible(economy, "directed", "sample")
        >>> inside.tolist(), len(problems)
        ([True, False], 1)
        """
        values, problems = self._place(economy, technology, batch, horizon)
        if problems:
            raise ParameterError(problems, "these parameters do not fit the economy")
        good = np.ones(len(values["sigma"]), bool)
        for bad, problem in violations(values, economy, technology, horizon):
            good &= ~bad.reshape(len(good), -1).any(axis=1)
            problems.append(problem)
        return good, problems

    def to_batch(self, economy: Economy, technology: str, batch: str, horizon: str = "year") -> ParameterArrays:
        """Place draws of the parameters by label; they are not checked.

        Parameters
        ----------
        economy, technology, horizon
            As for :meth:`to_arrays`.
        batch
            The dimension of the draws, which must all be :meth:`feasible`.

        Returns
        -------
        ParameterArrays
            With a leading dimension, ``batch``.

        Raises
        ------
        ParameterError
            For labels and dimensions that do not fit the economy.

        Examples
        --------
        >>> import xarray as xr
        >>> draws = ree.Parameters(sigma=xr.DataArray([0.4, 0.5], dims="sample"))
        >>> draws.to_batch(economy, "fixed", "sample").technology.sigma.shape[0]
        2
        """
        values, _ = self._place(economy, technology, batch, horizon)
        return to_jax(values, economy, technology)

    def _place(
        self, economy: Economy, technology: str, batch: str | None, horizon: str
    ) -> tuple[dict[str, np.ndarray], list[Problem]]:
        """Every parameter as ([batch,] country, sector) in the economy's order, and what cannot be placed."""
        if technology not in TECHNOLOGIES:
            advice = f"Use one of {', '.join(TECHNOLOGIES)}."
            raise ParameterError(Problem("unknown technology", advice, value=technology))
        if problems := horizon_problems(horizon):
            raise ParameterError(problems)
        elasticity = self.trade_elasticity
        if elasticity is None:
            elasticity = economy.ds.get("trade_elasticity")
        if elasticity is None:
            advice = "Give Parameters(trade_elasticity=...) or put trade_elasticity(sector) into the economy's Dataset."
            raise ParameterError(Problem("the trade elasticity is missing", advice))
        stated = {name: getattr(self, name) for name in self.names()} | {"trade_elasticity": elasticity}
        stated |= {name: economy.ds.get(name) for name in IN_ECONOMY if stated[name] is None}
        sizes = {v.sizes[batch] for v in stated.values() if isinstance(v, xr.DataArray) and batch in v.dims}
        if batch is not None and len(sizes) != 1:
            raise ParameterError(Problem(f"no parameter, or unequal ones, along {batch!r}", "Give one size for all."))
        lead = (sizes.pop(),) if batch is not None else ()
        values = {
            name: place_parameter(name, value, economy, lead, batch, problems)
            for name, value in stated.items()
            if value is not None
        }
        return complete_mines(use_at_horizon(values, horizon), economy, horizon, lead, problems), problems
