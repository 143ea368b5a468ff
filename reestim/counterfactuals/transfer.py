"""Draws that were estimated on one economy, carried to another: matched by label, and wider for the way they went."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import xarray as xr

from reestim.dims import CHAIN, DRAW, ELEMENT, SECTOR, TRADED_SECTOR
from reestim.equilibrium.parameters import Parameters
from reestim.errors import InputError, Problem
from reestim.supply_chain.trade_elasticity import trade_elasticity_in_logs
from reestim.technology import innovation_passthrough, sigma_upper_bound

if TYPE_CHECKING:
    from reestim.equilibrium.economy import Economy

#: What may be done with a sector that uses rare earths and has no σ among the draws.
ABSENT = ("refuse", "population")
#: Share of the variance of ln ratio that all sectors have in common.
COMMON = 0.5


@dataclass(frozen=True)
class Transfer:
    """The prior on the ratio of σ in another economy to σ where it was estimated.

    Parameters
    ----------
    ratio_sd
        Standard deviation of the log of the ratio of the odds of σ against its bound, ≥ 0; its median is 1. Half of its
        variance is common to all sectors. The default, 0.3, puts 90 % of the ratio between 0.61 and 1.64, and that of σ
        itself between 0.69 and 1.44 where σ is a quarter of its bound: an assumption, narrower than what is known of σ
        over a year from anywhere (0.15 to 0.7).
    absent
        What happens to a sector that uses rare earths and has no σ among the draws: ``"refuse"``, or ``"population"``,
        a sector of the population (14) whose chemistry is average, σ = (1 + 1/κ̃)·logit⁻¹(μ + τu), u ~ N(0, 1).
    seed
        Of the ratio and of u.

    Raises
    ------
    InputError
        If a value lies outside its range.

    Examples
    --------
    >>> import reestim as ree
    >>> ree.Transfer(ratio_sd=0.5).absent
    'refuse'
    """

    ratio_sd: float = 0.3
    absent: str = "refuse"
    seed: int = 1

    def __post_init__(self) -> None:
        problems = []
        if not 0 <= self.ratio_sd < math.inf:
            advice = "Give 0 for none, 0.3 for about 64 % either way."
            problems.append(Problem("the sd of a log ratio must be 0 or more", advice, value=self.ratio_sd))
        if self.absent not in ABSENT:
            problems.append(Problem("there is no such rule", f"Use one of {', '.join(ABSENT)}.", value=self.absent))
        if self.seed < 0:
            problems.append(Problem("a seed must be 0 or more", "Give another.", value=self.seed))
        if problems:
            raise InputError(problems, "draws cannot be carried to another economy")


class Transferred(NamedTuple):
    """Draws for another economy, and which labels were matched, left aside or filled in.

    Attributes
    ----------
    draws
        Parameters (chain, draw, ...) for the other economy.
    matched
        Sectors with σ of their own.
    from_population
        Sectors whose σ is a draw of the population.
    left_aside
        Sectors with draws that the other economy does not have, or that use no rare earths there.
    own_trade_elasticity
        Sectors whose ε is that of the other economy.
    """

    draws: xr.Dataset
    matched: tuple[str, ...]  # sectors with σ of their own
    from_population: tuple[str, ...]  # sectors whose σ is a draw of the population
    left_aside: tuple[str, ...]  # sectors with draws that the other economy does not have, or that use no rare earths
    own_trade_elasticity: tuple[str, ...]  # sectors whose ε is that of the other economy


def transferred_draws(samples: xr.Dataset, economy: Economy, transfer: Transfer, stream: int = 0) -> Transferred:
    """Parameters of the model for another economy, and with them m of equation (2).

    Sectors are matched by their labels. With x = σ/(1 + 1/κ̃), the odds x/(1 − x) are multiplied in each draw and sector
    by a ratio, ln ratio ~ N(0, ``ratio_sd``²), so that a draw inside the interior stays there; far below the bound this
    is the ratio of σ itself, and a σ outside the interior is multiplied as it is.

    Parameters
    ----------
    samples
        Draws of an estimation (chain, draw, ...).
    economy
        The other economy.
    transfer
        The prior on the ratio.
    stream
        Tells apart groups of draws that are carried with one seed.

    Returns
    -------
    Transferred
        The draws, and which sectors were matched.

    Raises
    ------
    InputError
        Naming every sector or element without a value.
    """
    names = [name for name in Parameters.names() if name in samples]
    users = [s for s in economy.sectors if bool((economy.ds["ree_share"].sel({SECTOR: s}) > 0).any())]
    out = {name: samples[name] for name in names}
    problems = [] if "sigma" in out else [Problem("the draws have no σ", "Give a run of an estimation.")]
    filled, own, aside = [], [], []
    random = np.random.default_rng([transfer.seed, stream])
    for name, draws in out.items():
        dim = next((d for d in (SECTOR, TRADED_SECTOR, ELEMENT) if d in draws.dims), None)
        if dim is None:
            continue
        wanted = {ELEMENT: list(economy.elements), TRADED_SECTOR: list(economy.sectors)}.get(dim, users)
        there = [str(label) for label in draws[dim].values]
        absent = [label for label in wanted if label not in there]
        if name == "sigma":
            aside = [label for label in there if label not in wanted]
        out[name] = draws.sel({dim: [label for label in wanted if label in there]})
        if not absent:
            continue
        if name == "trade_elasticity" and "trade_elasticity" in economy.ds:
            more = _drawn_trade_elasticity(economy, absent, samples, dim, random)
            out[name], own = _filled(out[name], more, dim, wanted), absent
        elif name == "sigma" and transfer.absent == "population" and {"mu", "tau", "kappa"} <= set(samples):
            out[name], filled = _filled(out[name], _population(samples, absent, random), dim, wanted), absent
        else:
            problems += [_absent(name, label, transfer, samples) for label in absent]
    if problems:
        raise InputError(problems, "the draws do not fit the other economy")
    out["sigma"] = _widened(out["sigma"], _bound(samples), transfer.ratio_sd, random)
    if {"kappa", "spillover"} <= set(out):
        m = innovation_passthrough(out["sigma"], out["kappa"], out["spillover"])
        out["innovation_passthrough"] = m.assign_attrs(samples.get("innovation_passthrough", m).attrs)
    matched = tuple(s for s in users if s not in filled)
    return Transferred(xr.Dataset(out), matched, tuple(filled), tuple(aside), tuple(own))


def _drawn_trade_elasticity(
    economy: Economy, labels: list[str], samples: xr.Dataset, dim: str, random: np.random.Generator
) -> xr.DataArray:
    """ε (chain, draw, sector) as the other economy states it, lognormal; exact where it states no error."""
    mean = economy.ds["trade_elasticity"].sel({SECTOR: labels}).rename({SECTOR: dim}).reset_coords(drop=True)
    if "trade_elasticity_sd" not in economy.ds:
        return mean
    sd = economy.ds["trade_elasticity_sd"].sel({SECTOR: labels}).rename({SECTOR: dim}).reset_coords(drop=True)
    location, spread = trade_elasticity_in_logs(mean, sd.fillna(0.0))
    lead = samples["sigma"].isel({SECTOR: 0}, drop=True).transpose(CHAIN, DRAW)
    standard = random.standard_normal((*lead.shape, len(labels)))
    z = xr.DataArray(standard, {**lead.coords, dim: labels}, (*lead.dims, dim))
    drawn: xr.DataArray = xr.ufuncs.exp(location + spread * z)
    return drawn


def _filled(draws: xr.DataArray, more: xr.DataArray, dim: str, order: list[str]) -> xr.DataArray:
    """The draws with further labels along ``dim``, in this order."""
    wide = more.broadcast_like(draws.isel({dim: 0}, drop=True)).transpose(*draws.dims)
    return (
        xr.concat([draws, wide], dim, coords="minimal", compat="override").sel({dim: order}).assign_attrs(draws.attrs)
    )


def _bound(samples: xr.Dataset) -> Any:
    """1 + 1/κ̃ in each draw; none (infinite) where the draws have no κ, or κ is 0."""
    kappa, spillover = samples.get("kappa", xr.DataArray(0.0)), samples.get("spillover", xr.DataArray(0.0))
    with np.errstate(divide="ignore"):
        return sigma_upper_bound(kappa, spillover)


def _population(samples: xr.Dataset, labels: list[str], random: np.random.Generator) -> xr.DataArray:
    """σ of sectors of average chemistry, equation (14)."""
    lead = samples["mu"].transpose(CHAIN, DRAW)
    standard = random.standard_normal((*lead.shape, len(labels)))
    u = xr.DataArray(standard, {**lead.coords, SECTOR: labels}, (*lead.dims, SECTOR))
    return _bound(samples) / (1 + xr.ufuncs.exp(-(lead + samples["tau"] * u.assign_coords({SECTOR: labels}))))


def _widened(sigma: xr.DataArray, bound: Any, sd: float, random: np.random.Generator) -> xr.DataArray:
    common = [d for d in (CHAIN, DRAW) if d in sigma.dims]
    one = xr.DataArray(random.standard_normal([sigma.sizes[d] for d in common]), dims=common)
    own = xr.DataArray(random.standard_normal(sigma.shape), dims=sigma.dims)
    ratio = xr.ufuncs.exp(sd * (math.sqrt(COMMON) * one + math.sqrt(1 - COMMON) * own))
    x = (sigma / bound).transpose(*sigma.dims)
    return (sigma * ratio / xr.where(x < 1, 1 - x + x * ratio, 1.0)).assign_attrs(sigma.attrs)


def _absent(name: str, label: str, transfer: Transfer, samples: xr.Dataset) -> Problem:
    advice = "Name the sectors of the dataset as the study does, or fit on it."
    if name == "sigma" and transfer.absent == "refuse" and {"mu", "tau", "kappa"} <= set(samples):
        advice = f'{advice} Or let it be a draw of the population of sectors: absent = "population".'
    return Problem(f"the run has no {name} for it", advice, column=name, value=label)
