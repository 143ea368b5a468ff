"""Draws of the inputs that an economy knows with error: factors on what its data say, from an explicit seed.

A draw's inputs follow from the seed, its chain and its draw alone, each source from a stream of its own: neither
thinning nor another source changes them, so that a chunk makes its own, and a saved run can be repeated and checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float, Int
from numpy.typing import ArrayLike

from reestim.dims import APPLICATION, CHAIN, COUNTRY, DRAW, ELEMENT, EXPORTER, IMPORTER, SECTOR
from reestim.equilibrium.accounts import Baseline
from reestim.equilibrium.drawn_baseline import InputArrays, with_inputs
from reestim.equilibrium.economy import Economy
from reestim.errors import InputError, Problem

Indices = Int[np.ndarray, " sample"]
FIXED, DRAWN = "fixed", "drawn"
TRADE = "trade"
#: Dimension of draws in one row, chain after chain.
SAMPLE = "_sample"
#: Largest fall of final demand below zero that is rounding, as a share of spending.
_DEMAND_ROUNDING = 1e-9


class UncertainInput(NamedTuple):
    """An input that may be off: its array of standard deviations, its dims, and what it is."""

    sd: str
    dims: tuple[str, ...]
    long_name: str


#: The order is part of what a seed means: new ones go to the end.
SOURCES: dict[str, UncertainInput] = {
    "element_use": UncertainInput(
        "element_use_sd", (APPLICATION, ELEMENT), "world use of an element in an application"
    ),
    "application_sector": UncertainInput(
        "application_sector_sd", (APPLICATION, SECTOR), "weights of sectors in applications"
    ),
    "country_use": UncertainInput("country_use_sd", (APPLICATION, COUNTRY), "shares of countries in applications"),
    "element_price": UncertainInput("element_price_sd", (ELEMENT,), "prices of elements"),
    "element_output": UncertainInput("element_output_sd", (COUNTRY, ELEMENT), "mine output"),
    TRADE: UncertainInput("trade_sd", (IMPORTER, EXPORTER, SECTOR), "cells of trade in goods"),
}
_BY_APPLICATION = ("element_use", "application_sector", "country_use")


def uncertain_inputs(economy: Economy) -> list[str]:
    """The sources of error that an economy states."""
    stated = [name for name, source in SOURCES.items() if source.sd in economy.ds]
    return [name for name in stated if bool((economy.ds[SOURCES[name].sd] > 0).any())]


@dataclass(frozen=True)
class DrawnInputs:
    """The inputs of a set of draws, made for any of them when asked.

    ``chain`` and ``draw`` are the labels of each. ``copies`` says by source which of the independent draws of it each
    has; 0, that of the run, where it says nothing.
    """

    economy: Economy
    seed: int
    chain: Int[np.ndarray, " sample"]
    draw: Int[np.ndarray, " sample"]
    copies: Mapping[str, Int[np.ndarray, " sample"]] = field(default_factory=dict)

    @cached_property
    def sources(self) -> list[str]:
        """What is drawn."""
        return uncertain_inputs(self.economy)

    def factors(self, source: str, index: Indices) -> np.ndarray:
        """Factors of some samples, (sample, dims of the source): log-normal, mean one; shares still sum to one."""
        sd, number = self._sd(source), list(SOURCES).index(source)
        copies = self.copies.get(source, np.zeros(len(self.chain), int))
        of_each = [(self.seed, number, int(copies[k]), int(self.chain[k]), int(self.draw[k])) for k in index]
        z = np.stack([np.random.default_rng(key).standard_normal(sd.shape) for key in of_each])
        factor = np.exp(sd * z - sd**2 / 2)
        if source not in self._weights:
            return factor
        total = (self._weights[source] * factor).sum(axis=-1, keepdims=True)
        return np.where(total > 0, factor / np.where(total > 0, total, 1.0), 1.0)

    def arrays(self, index: Indices) -> InputArrays:
        """The inputs of some samples as the equilibrium takes them."""
        drawn: dict[str, Any] = {name: self.factors(name, index) for name in self.sources}
        use: Any = None
        if set(_BY_APPLICATION) & set(drawn):
            share = self.economy.ds["application_share"].transpose(APPLICATION, COUNTRY, ELEMENT, SECTOR).values
            one = np.ones((len(index), 1, 1))
            amount, weight, place = (drawn.get(name, one) for name in _BY_APPLICATION)
            mixed = amount[:, :, :, None] * weight[:, :, None, :]  # (sample, application, element, sector)
            mixed = np.broadcast_to(mixed, (len(index), share.shape[0], share.shape[2], share.shape[3]))
            place = np.broadcast_to(place, (len(index), *share.shape[:2]))
            use = np.einsum("anes,daes,dan->dnes", share, mixed, place)
            use = np.where(share.sum(axis=0) > 0, use, 1.0)
        return InputArrays(use, drawn.get("element_price"), drawn.get("element_output"), drawn.get(TRADE))

    def dataset(self, chains: np.ndarray, draws: np.ndarray) -> xr.Dataset:
        """The factors over chain and draw; those of trade, which are many, follow from the seed."""
        ds, everyone, variables = self.economy.ds, np.arange(len(self.chain)), {}
        for name in (source for source in self.sources if source != TRADE):
            about = SOURCES[name]
            attrs = {"long_name": f"factor on {about.long_name}", "units": "1"}
            values = self.factors(name, everyone)
            values = values.reshape(len(chains), len(draws), *values.shape[1:])
            variables[name] = xr.Variable((CHAIN, DRAW, *about.dims), values, attrs)
        dims = {str(dim) for variable in variables.values() for dim in variable.dims} - {CHAIN, DRAW}
        coords = {CHAIN: chains, DRAW: draws} | {dim: ds[dim].values for dim in sorted(dims)}
        return xr.Dataset(variables, coords=coords, attrs={"seed": self.seed, "sources": ", ".join(self.sources)})

    def refuse_impossible(self, economy: Economy, unit: int) -> None:
        """Raise InputError where a draw leaves somebody less than nothing to spend, naming the worst cell."""
        b, count = economy.baseline, len(self.chain)
        shortfall = jax.jit(jax.vmap(lambda inputs: _shortfall(b, with_inputs(b, inputs))))
        parts = [np.arange(first, min(first + unit, count)) for first in range(0, count, unit)]
        short = np.concatenate([np.asarray(shortfall(self.arrays(part))) for part in parts])
        bad = int((short.max(axis=(1, 2)) > _DEMAND_ROUNDING).sum())
        if bad:
            n, s = np.unravel_index(int(short.max(axis=0).argmax()), short.shape[1:])
            advice = "State smaller errors: [uncertainty] in dataset.toml, or the *_sd arrays of the economy."
            message = f"in {bad} of {count} draws producers need more of a good than the economy has"
            cell = f"{economy.countries[n]} {economy.sectors[s]}"
            raise InputError(Problem(message, advice, value=cell), "the inputs cannot be drawn")

    def standard_deviations(self) -> dict[str, np.ndarray]:
        """Of logs, by source: with seed and labels what the factors follow from."""
        return {name: self._sd(name) for name in self.sources}

    def _sd(self, source: str) -> np.ndarray:
        return self.economy.ds[SOURCES[source].sd].transpose(*SOURCES[source].dims).values

    @cached_property
    def _weights(self) -> dict[str, np.ndarray]:
        """Value shares of sectors and of countries in each application, at the data's prices."""
        if "application_share" not in self.economy.ds:
            return {}
        b, ds = self.economy.baseline, self.economy.ds
        value = np.asarray(b.member_share * (b.ree_share * b.output)[:, None, :])[:, : len(self.economy.elements)]
        paid = ds["application_share"].transpose(APPLICATION, COUNTRY, ELEMENT, SECTOR).values * value
        by = {"application_sector": paid.sum(axis=(1, 2)), "country_use": paid.sum(axis=(2, 3))}
        return {name: w / np.where((t := w.sum(axis=-1, keepdims=True)) > 0, t, 1.0) for name, w in by.items()}


def inputs_of(economy: Economy, kind: str, seed: int | None, chain: ArrayLike, draw: ArrayLike) -> DrawnInputs | None:
    """What ``ree.counterfactual(inputs=, seed=)`` asks for, over chains and draws; None for ``"fixed"``.

    Raises InputError listing what is wrong with the request.
    """
    problems = []
    if kind not in (FIXED, DRAWN):
        problems.append(Problem("inputs are drawn or fixed", "Give inputs='drawn' or 'fixed'.", value=kind))
    if kind == DRAWN and not uncertain_inputs(economy):
        advice = "Add [uncertainty] to dataset.toml or *_sd arrays to the economy (docs/inputs.md), or inputs='fixed'."
        problems.append(Problem("this economy does not say how far its inputs may be off", advice))
    if kind == DRAWN and (not isinstance(seed, int) or seed < 0):
        problems.append(
            Problem("inputs are drawn from a seed", "Give seed=, a whole number of at least 0.", value=seed)
        )
    labels = [np.asarray(chain), np.asarray(draw)]
    if kind == DRAWN and not all(np.issubdtype(one.dtype, np.integer) and (one >= 0).all() for one in labels):
        advice = "Number chains and draws from 0, as PyMC and ArviZ do."
        problems.append(Problem("chains and draws have other labels than numbers", advice))
    if problems:
        raise InputError(problems, "the inputs cannot be drawn")
    if kind == FIXED:
        return None
    assert seed is not None
    return DrawnInputs(economy, seed, np.repeat(labels[0], len(labels[1])), np.tile(labels[1], len(labels[0])))


def _shortfall(b: Baseline, drawn: Baseline) -> Float[Array, "country sector"]:
    """What a draw takes from final demand beyond what there is, as a share of spending; 1 where θ ≥ 1."""
    spent = jnp.where(drawn.expenditure > 0, drawn.expenditure, 1.0)
    final = drawn.final_share * drawn.income[:, None]
    allowed = jnp.minimum(b.final_share * b.income[:, None], 0.0)  # rounding of the data
    return jnp.where(drawn.ree_share < 1, jnp.maximum(allowed - final, 0.0) / spent, 1.0)
