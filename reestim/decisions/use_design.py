"""Data that a panel of the use of rare earths would give at each draw, by equation (15) as the estimation has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import xarray as xr
from jaxtyping import Float

from reestim.counterfactuals.inputs import SAMPLE
from reestim.dims import CHAIN, COUNTRY, DRAW, PRICE_YEAR, SECTOR, YEAR
from reestim.errors import InputError, Problem
from reestim.technology import Clock, innovation_passthrough
from reestim.wording import closest

#: Combinations of the changes of one sector that are kept.
_KEPT = 2
_NEEDED = ("sigma", "kappa", "spillover", *Clock._fields)
_DOES_NOT_FIT = "the panel does not fit the run"


def use_at_draws(
    post: xr.DataTree,
    at: xr.Dataset,
    rng: np.random.Generator,
    country: str,
    sectors: Sequence[str] | None,
    years: Sequence[int],
    error: float,
) -> tuple[Float[np.ndarray, "draw statistic"], Float[np.ndarray, "draw statistic"]]:
    """Statistics of the changes that equation (15) expects, and of the changes with noise; see `UsePanel`."""
    from reestim.estimate.use_noise import covariance, noise_structure

    inputs, draws = _checked(post, country, sectors, years)
    changes = _changes(inputs, country, sectors, years, error)
    samples: xr.Dataset = draws.sel({CHAIN: at[CHAIN], DRAW: at[DRAW]})
    samples = samples.stack({SAMPLE: [CHAIN, DRAW]}, create_index=False)  # noqa: PD013 - xarray, not pandas
    expected = _expected(changes, samples)
    known = noise_structure(changes)
    measurement = covariance(known, 0.0, 0.0)
    yearly = covariance(known, 1.0, 0.0) - measurement
    noise = samples["ree_use_noise"].values[:, None] if "ree_use_noise" in samples else np.zeros((len(expected), 1))
    z = rng.standard_normal((2, *expected.shape))
    observed = expected + noise * (z[0] @ _root(yearly)) + z[1] @ _root(measurement)
    series, exact, seen = changes["use_in_series"].values, [], []
    for k in np.unique(series):
        own = series == k
        centred = expected[:, own] - expected[:, own].mean(axis=0)
        _, size, directions = np.linalg.svd(centred, full_matrices=False)
        kept = directions[:_KEPT][size[:_KEPT] > 1e-9 * max(size[0], 1e-12)]
        exact.append(expected[:, own] @ kept.T)
        seen.append(observed[:, own] @ kept.T)
    return np.concatenate(exact, axis=1), np.concatenate(seen, axis=1)


def _checked(
    post: xr.DataTree, country: str, sectors: Sequence[str] | None, years: Sequence[int]
) -> tuple[xr.Dataset, xr.Dataset]:
    """Inputs of the study and its draws; raises everything in which the panel does not fit them."""
    data, draws = (
        post[name].to_dataset() if name in post.children else xr.Dataset() for name in ("constant_data", "posterior")
    )
    if missing := [name for name in ("relative_price",) if name not in data] + [n for n in _NEEDED if n not in draws]:
        advice = "Take a run that ree.fit or reestim run made."
        message = "the run lacks what equation (15) needs"
        raise InputError(Problem(message, advice, value=", ".join(missing)), _DOES_NOT_FIT)
    price = data["relative_price"]
    named = {COUNTRY: [country], SECTOR: list(sectors or ())}
    problems = [
        Problem(f"unknown {dim}", closest(label, there), value=label)
        for dim, labels in named.items()
        for label in labels
        if label not in (there := [str(one) for one in price[dim].values])
    ]
    if outside := sorted(set(years) - {int(t) for t in price[PRICE_YEAR].values}):
        first, last = int(price[PRICE_YEAR].min()), int(price[PRICE_YEAR].max())
        problems.append(Problem("years without a price", f"Give years from {first} to {last}.", value=outside))
    if problems:
        raise InputError(problems, _DOES_NOT_FIT)
    return data, draws


def _changes(
    inputs: xr.Dataset, country: str, sectors: Sequence[str] | None, years: Sequence[int], error: float
) -> xr.Dataset:
    """The panel as observations of (15), at the prices of the run; what is observed in it is left to the draws."""
    from reestim.estimate.kinds.ree_use import use_changes

    names = [str(s) for s in inputs[SECTOR].values] if sectors is None else list(sectors)
    rows = [{COUNTRY: country, SECTOR: s, YEAR: t, "tonnes": 1.0, "error": error} for s in names for t in years]
    price = inputs["relative_price"].rename({PRICE_YEAR: YEAR})
    made = use_changes(pd.DataFrame(rows).assign(value=np.nan, output=np.nan), price, inputs["ree_share"])
    return made.assign_coords({name: inputs[name] for name in ("price_lag",)})


def _expected(changes: xr.Dataset, samples: xr.Dataset) -> Float[np.ndarray, "draw use_observation"]:
    from reestim.estimate.ree_use import expected_change

    users = changes[SECTOR].values
    sigma = samples["sigma"].sel({SECTOR: users}).transpose(SAMPLE, SECTOR).values
    kappa, spillover = (samples[name].values for name in ("kappa", "spillover"))
    m = innovation_passthrough(sigma, kappa[:, None], spillover[:, None])
    clock = Clock(*(samples[name].values for name in Clock._fields))
    lags = samples["lag_weights"].transpose(SAMPLE, ...).values if "lag_weights" in samples else None
    exactly = np.zeros(changes.sizes["use_price_point"])

    def at_draw(sigma: Any, m: Any, spillover: Any, clock: Clock, lags: Any) -> Any:
        return expected_change(changes, sigma, m, spillover, clock, lags, exactly, xp=jnp)

    return np.asarray(jax.jit(jax.vmap(at_draw))(sigma, m, spillover, clock, lags))


def _root(covariance: Float[np.ndarray, "change other"]) -> Float[np.ndarray, "change other"]:
    """R with R′R the covariance, which may be singular."""
    size, vectors = np.linalg.eigh(covariance)
    return np.sqrt(np.maximum(size, 0.0))[:, None] * vectors.T
