"""Noise of equation (15): what the series of one use have in common, and errors of levels that enter two changes.

Two series of the use of one country and sector (imports, apparent consumption) see the same stocks and orders, and the
error of one year's figure is in the change to that year and, with the other sign, in the change from it. Series that
are taken as independent would count such evidence twice.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr
from jaxtyping import Float, Int


class NoiseStructure(NamedTuple):
    """Covariance of the observed changes, as far as it is known: var = noise²·years + errors of measurement.

    Changes that covary with others stand in blocks, one for each country and sector, filled up to the same size.
    """

    years: Float[np.ndarray, " use_observation"]  # that a change spans
    error: Float[np.ndarray, " use_observation"]  # variance of the errors of measurement in it
    member: Int[np.ndarray, "block place"]  # the observation at a place of a block, 0 where there is none
    filled: Float[np.ndarray, "block place"]  # 1 where there is one
    alone: Int[np.ndarray, " alone"]  # observations that stand in no block
    own_years: Float[np.ndarray, "block place place"]  # that two changes of one series share
    all_years: Float[np.ndarray, "block place place"]  # that two changes of any series of the use share
    errors: Float[np.ndarray, "block place place"]  # covariance of errors of measurement

    @property
    def shared(self) -> bool:
        """Whether two series of one use overlap: then the share that they have in common is a parameter."""
        return bool((self.own_years != self.all_years).any())


def noise_structure(data: xr.Dataset) -> NoiseStructure:
    """The covariance of the observed changes, as far as it is known.

    Parameters
    ----------
    data
        Inputs of the model, with spans, series and errors of the changes (`use_changes`).

    Returns
    -------
    NoiseStructure
        Years and errors, in blocks of changes that covary.
    """
    series = data["use_in_series"].values
    use = data["use_cell"].values[series]
    years = data["use_years"].values.astype(float)
    until = data["use_until"].values
    since = until - data["use_years"].values
    overlap = np.minimum.outer(until, until) - np.maximum.outer(since, since)
    all_years = np.where(np.equal.outer(use, use), np.maximum(overlap, 0), 0).astype(float)
    same = np.equal.outer(series, series)
    at_end, at_start = data["use_error"].values.T ** 2
    errors = same * (
        np.equal.outer(until, until) * at_end[:, None]
        + np.equal.outer(since, since) * at_start[:, None]
        - np.equal.outer(until, since) * at_end[:, None]
        - np.equal.outer(since, until) * at_start[:, None]
    )
    tied = ((all_years != 0) | (errors != 0)) & ~np.eye(len(series), dtype=bool)
    joint = tied.any(axis=1)
    blocks = [np.flatnonzero(joint & (use == k)) for k in np.unique(use[joint])]
    longest = max((len(block) for block in blocks), default=0)
    member, filled = np.zeros((len(blocks), longest), int), np.zeros((len(blocks), longest))
    for k, block in enumerate(blocks):
        member[k, : len(block)], filled[k, : len(block)] = block, 1.0
    pairs = (member[:, :, None], member[:, None, :])
    there = filled[:, :, None] * filled[:, None, :]
    return NoiseStructure(
        years,
        np.diag(errors),
        member,
        filled,
        np.flatnonzero(~joint),
        there * np.where(same, all_years, 0.0)[pairs],
        there * all_years[pairs],
        there * errors[pairs],
    )


def spread_of(known: NoiseStructure, noise: Any) -> Any:
    """Standard deviation of each change (use_observation): ``noise`` of a year, and the errors of measurement."""
    return (noise**2 * known.years + known.error) ** 0.5


def block_covariance(known: NoiseStructure, noise: Any, common: Any) -> Any:
    """(block, place, place); unit variance where a block has no observation. ``common``: share of the variance of a
    year's noise that the series of one use have in common."""
    drawn = noise**2 * ((1 - common) * known.own_years + common * known.all_years) + known.errors
    return drawn + (1 - known.filled)[:, :, None] * np.eye(known.filled.shape[1])


def covariance(known: NoiseStructure, noise: float, common: float) -> Float[np.ndarray, "change other"]:
    """Of all changes, as one matrix (use_observation, use_observation)."""
    out = np.diag(np.asarray(spread_of(known, noise)) ** 2)
    for block, member, filled in zip(
        np.asarray(block_covariance(known, noise, common)), known.member, known.filled, strict=True
    ):
        places = np.flatnonzero(filled)
        out[np.ix_(member[places], member[places])] = block[np.ix_(places, places)]
    return out


def log_density(known: NoiseStructure, residual: Any, noise: Any, common: Any, xp: Any) -> Any:
    """Log density of each change (use_observation); inside a block given the changes that stand before it, so that the
    sum is the joint density. ``xp``: the array module."""
    spread = spread_of(known, noise)
    deviation = residual / spread
    if known.member.size:
        root = xp.linalg.cholesky(block_covariance(known, noise, common))
        at = residual[known.member] * known.filled
        whitened = _solved(root, at, xp)
        places = np.arange(known.filled.shape[1])
        deviation = _in_order(known, whitened, deviation, xp)
        spread = _in_order(known, root[:, places, places], spread, xp)
    return -0.5 * deviation**2 - xp.log(spread) - 0.5 * np.log(2 * np.pi)


def _solved(root: Any, at: Any, xp: Any) -> Any:
    """x of root·x = at, block by block; ``root`` (block, place, place) is lower triangular."""
    if xp is pt:
        return xp.linalg.solve_triangular(root, at, lower=True, b_ndim=1)
    return jax.scipy.linalg.solve_triangular(root, at[..., None], lower=True)[..., 0]


def correlated(known: NoiseStructure, standard: Any, noise: Any, common: Any, xp: Any) -> Any:
    """Noise of each change (use_observation) from as many independent standard normal numbers."""
    out = spread_of(known, noise) * standard
    if known.member.size:
        root = xp.linalg.cholesky(block_covariance(known, noise, common))
        drawn = (root * (standard[known.member] * known.filled)[:, None, :]).sum(axis=2)
        out = _in_order(known, drawn, out, xp)
    return out


def _in_order(known: NoiseStructure, in_blocks: Any, every: Any, xp: Any) -> Any:
    """By observation: from (block, place) for those in a block, from (use_observation) for the others."""
    block, place = np.nonzero(known.filled)
    order = np.argsort(np.concatenate([known.member[block, place], known.alone]), kind="stable")
    return xp.concatenate([in_blocks[block, place], every[known.alone]])[order]


def noisy_changes(name: str, mean: Any, known: NoiseStructure, noise: Any, common: Any, **observed: Any) -> Any:
    """Changes around their mean with noise of a known structure, as a variable of the PyMC model.

    Parameters
    ----------
    name
        Of the variable.
    mean
        (use_observation), log points.
    known
        From `noise_structure`.
    noise, common
        Standard deviation of a year, and the share of it that series of one use have in common.
    **observed
        As for ``pm.CustomDist``: ``observed``, ``dims``.

    Returns
    -------
    TensorVariable
        (use_observation).
    """

    def random(mean: Any, noise: Any, common: Any, size: Any) -> Any:
        del size
        return mean + correlated(known, pm.Normal.dist(size=len(known.years)), noise, common, pt)

    def logp(value: Any, mean: Any, noise: Any, common: Any) -> Any:
        return log_density(known, value - mean, noise, common, pt)

    return pm.CustomDist(
        name,
        mean,
        pt.as_tensor(noise),
        pt.as_tensor(common),
        dist=random,
        logp=logp,
        signature="(n),(),()->(n)",
        **observed,
    )
