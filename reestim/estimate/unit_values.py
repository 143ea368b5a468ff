"""Errors of unit values in equation (15), and the coordinates in which a sampler sees them.

A unit value is value over tonnes: composition and timing move it around the price of a constant basket. Changes of the
unit values of a series tell its errors from true changes, the better the steadier true prices are. Where they are
steady, the errors are known up to their level, and a sampler that moves them one by one meets a funnel: the smaller
the spread of true changes, the narrower. It therefore moves the normal modes of the errors given those changes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr
from jaxtyping import Float, Int

from reestim.estimate.kinds.ree_use import unit_value_changes
from reestim.estimate.priors import Priors, variable
from reestim.estimate.sampling_coordinates import normal_at

#: Data of a PyMC model: the changes of unit values, which the coordinates depend on as the likelihood does.
CHANGE_DATA = "unit_value_change_data"
_LEVEL = 1e-9  # stiffness of a mode below which changes say nothing of it: the level of a series


class Modes(NamedTuple):
    """Errors z as modes Q′z that the changes D(size·z) + noise, of variance spread²·years, tell apart: D′D = QΛQ′."""

    vectors: Float[np.ndarray, "unit_value mode"]  # Q
    stiffness: Float[np.ndarray, " mode"]  # Λ, zero for the level of a series
    pull: Float[np.ndarray, "mode change"]  # Q′D′, by which changes move the modes


class UnitValueEvidence(NamedTuple):
    """What the unit values of the use of rare earths are: which prices, and how they changed."""

    measured: Int[np.ndarray, " unit_value"]  # among all prices
    now: Int[np.ndarray, " change"]  # price of the later year, among all prices
    before: Int[np.ndarray, " change"]
    root_years: Float[np.ndarray, " change"]  # root of the years that a change spans
    change: Float[np.ndarray, " change"]  # log points
    modes: Modes


class UnitValueCoordinates(NamedTuple):
    """z (unit_value), standard normal, from independent modes x: their mean given the changes, and x standard
    deviations; see `sampling_coordinates`."""

    size: Any  # standard deviation of an error
    spread: Any  # of a yearly change of the true price
    change: Any  # observed (change)
    vectors: Any
    stiffness: Any
    pull: Any

    def location(self) -> Any:
        """Mean of z (unit_value)."""
        return 0.0 * self.vectors[0]

    def scale(self) -> Any:
        """Standard deviation of z (unit_value)."""
        return 0.0 * self.vectors[0] + 1.0

    def forward(self, v: Any, xp: Any) -> Any:
        """x of z."""
        return (xp.dot(self.vectors.T, v) - self._mean(xp)) * (self._variance() ** 0.5 / self.spread)

    def backward(self, x: Any, xp: Any) -> Any:
        """z of x."""
        return xp.dot(self.vectors, self._mean(xp) + x * (self.spread / self._variance() ** 0.5))

    def log_slope(self, x: Any, xp: Any) -> Any:
        """ln of the standard deviation of each mode (mode)."""
        return 0.0 * x + xp.log(self.spread) - 0.5 * xp.log(self._variance())

    def _variance(self) -> Any:
        return self.spread**2 + self.size**2 * self.stiffness

    def _mean(self, xp: Any) -> Any:
        return self.size * xp.dot(self.pull, self.change) / self._variance()


def unit_value_evidence(data: xr.Dataset) -> UnitValueEvidence:
    """Unit values and their changes.

    Parameters
    ----------
    data
        Inputs of the model, from `use_changes`.

    Returns
    -------
    UnitValueEvidence
        With the modes of their errors.
    """
    measured = np.flatnonzero(data["use_is_unit_value"].values)
    changed, now, before = unit_value_changes(data)
    root_years = np.sqrt(data["use_years"].values.astype(float))[changed]
    price = data["use_price"].values
    series = data["use_in_series"].values[changed]
    later, earlier = (np.searchsorted(measured, at) for at in (now, before))
    modes = modes_of_errors(later, earlier, root_years, series, measured.size)
    return UnitValueEvidence(measured, now, before, root_years, price[now] - price[before], modes)


def modes_of_errors(
    now: np.ndarray, before: np.ndarray, root_years: np.ndarray, series: np.ndarray, size: int
) -> Modes:
    """Modes series by series, in the order of unit values, with signs fixed: the same in every process.

    Parameters
    ----------
    now, before
        (change), positions of the later and of the earlier unit value.
    root_years, series
        (change), root of the years it spans, and the number of its series.
    size
        How many unit values there are.

    Returns
    -------
    Modes
        Of all errors.
    """
    changes = np.arange(series.size)
    difference = np.zeros((series.size, size))
    difference[changes, now], difference[changes, before] = 1 / root_years, -1 / root_years
    vectors, stiffness = np.eye(size), np.zeros(size)
    for k in np.unique(series):
        at = np.flatnonzero(difference[series == k].any(axis=0))
        own = difference[np.ix_(series == k, at)]
        value, vector = np.linalg.eigh(own.T @ own)
        vectors[np.ix_(at, at)] = vector * np.where(vector[0] < 0, -1.0, 1.0)
        stiffness[at] = np.where(value > _LEVEL, value, 0.0)
    pull = (vectors.T @ difference.T) / root_years
    return Modes(vectors, stiffness, np.where(stiffness[:, None] > 0, pull, 0.0))


def unit_value_error(data: xr.Dataset, priors: Priors) -> Any:
    """Error of each log price (use_price_point); zero where prices are no unit values, or known without error.

    Parameters
    ----------
    data
        Inputs of the model, from `use_changes`.
    priors
        With ``unit_value_error``, standard deviation of the error of a unit value, and ``unit_value_spread``, of the
        yearly change of the true price.

    Returns
    -------
    TensorVariable
        (use_price_point), log points.
    """
    if not has_unit_value_error(data, priors):
        return np.zeros(data.sizes["use_price_point"])
    known = unit_value_evidence(data)
    size = variable(priors, "unit_value_error")
    spread = variable(priors, "unit_value_spread")
    change = pm.Data(CHANGE_DATA, known.change, shape=known.change.shape)
    at = UnitValueCoordinates(*map(pt.as_tensor, (size, spread, change, *known.modes)))
    z = normal_at("unit_value_deviation", at, dims="use_unit_value")
    error: Any = pt.set_subtensor(pt.zeros(data.sizes["use_price_point"])[known.measured], size * z)
    pm.Normal(
        "unit_value_change",
        error[known.now] - error[known.before],
        spread * known.root_years,
        observed=known.change,
        dims="use_unit_value_change",
    )
    return error


def has_unit_value_error(data: xr.Dataset, priors: Priors) -> bool:
    """Whether there are unit values and the study gives them an error."""
    if not data["use_is_unit_value"].values.any():
        return False
    error_prior = priors.get("unit_value_error")
    return error_prior is None or error_prior.distribution != "Fixed" or error_prior.parameters["value"] > 0
