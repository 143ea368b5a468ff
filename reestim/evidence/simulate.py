"""Evidence simulated from the model at stated parameters: patents with noisy labels, their audit, outcomes, REE use.

Used for the bundled dataset (where it is called synthetic) and for the tests that recover known parameters. It
follows docs/model.md section 4; NumPy generators spawned from one seed, one for each file: adding a file changes none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from reestim import technology
from reestim.data.schemas import AUDIT_DESIGNS
from reestim.dims import COUNTRY, LABELS, SECTOR, YEAR
from reestim.errors import InputError, ParameterError, Problem
from reestim.evidence.published_moments import MONTHS, moment_arrays, predicted_moments
from reestim.evidence.simulated_panels import SimulatedWorld, output_of_users, simulated_outcomes, simulated_ree_use
from reestim.evidence.truth import Truth
from reestim.supply_chain.flows import ree_value


def simulate_evidence(
    io: xr.Dataset,
    relative_price: xr.DataArray,
    substitutability: xr.DataArray,
    truth: Truth,
    seed: int,
    *,
    years: Sequence[int] | None = None,
    outcomes: bool = True,
    ree_use_panel: bool = False,
    published_moments: pd.DataFrame | None = None,
    patent_totals: pd.DataFrame | None = None,
) -> dict[str, pd.DataFrame]:
    """Simulate ``patent_labels`` and ``label_audit``, and where asked further files of evidence.

    The same arguments give the same frames.

    Parameters
    ----------
    io
        The arrays of docs/model.md section 3 with ``trade_elasticity`` (sector).
    relative_price
        q (country, sector, year), log points, consecutive years, in which knowledge follows by (2b).
    substitutability
        z (sector, property).
    truth, seed
        Parameters of the world, and the seed of all draws.
    years
        Those of the evidence; default: all.
    outcomes, ree_use_panel
        Whether these files are made too.
    published_moments
        The design (sector, horizon, std_error) of published elasticities, whose estimates are drawn.
    patent_totals
        All patents (country, sector, year, total), to which the numbers of patents of a sector are in proportion;
        default: to the square root of output, growing by ``patent_growth``.

    Returns
    -------
    dict of pandas.DataFrame
        By file stem, columns of data/README.md: million US$, t REO.

    Raises
    ------
    InputError, ParameterError
        With all problems together.
    """
    _check(io, relative_price, substitutability, truth)
    price = relative_price.transpose(COUNTRY, SECTOR, YEAR)
    streams = [np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(6)]
    sigma = true_sigma(substitutability.sel(sector=price[SECTOR]), truth, streams[0])
    world = _world(price, sigma, truth, [int(t) for t in (price[YEAR].values if years is None else years)])
    patents, prevalence = _patents(_sizes(io, world, truth, patent_totals), world, truth, streams[1])
    tables = {"patent_labels": patents, "label_audit": _audit(prevalence, truth, streams[2])}
    if outcomes:
        tables["outcomes"] = simulated_outcomes(io, world, truth, streams[3])
    if ree_use_panel:
        tables["ree_use_panel"] = simulated_ree_use(io, world, truth, streams[4])
    if published_moments is not None:
        tables["published_moments"] = _moments(io, world, published_moments, truth, streams[5])
    return tables


def _world(price: xr.DataArray, sigma: xr.DataArray, truth: Truth, years: list[int]) -> SimulatedWorld:
    m = technology.innovation_passthrough(sigma.values, truth.kappa, truth.spillover)
    target = m[None, :, None] * price.values
    knowledge = technology.knowledge_path(target, price.sizes[YEAR], truth.clock, np)
    enhancing = target if truth.patents_as == "levels" else technology.patent_flow(knowledge, truth.clock, np)
    at = price.get_index(YEAR).get_indexer(years)
    return SimulatedWorld(price.sel({YEAR: years}), knowledge.bias[..., at], enhancing[..., at], sigma)


def true_sigma(substitutability: xr.DataArray, truth: Truth, rng: np.random.Generator) -> xr.DataArray:
    """σ_j by equation (14); the sectors named in ``truth.sigma`` take the stated value.

    Parameters
    ----------
    substitutability
        z (sector, property).
    truth
        Parameters of the world.
    rng
        For u_j.

    Returns
    -------
    xarray.DataArray
        (sector,).
    """
    z = substitutability.transpose(SECTOR, ...)
    logit = truth.mu + z.values @ np.asarray(truth.beta) + truth.tau * rng.standard_normal(z.sizes[SECTOR])
    sigma = technology.sigma_upper_bound(truth.kappa, truth.spillover) / (1 + np.exp(-logit))
    stated = truth.sigma or {}
    values = [stated.get(str(s), v) for s, v in zip(z[SECTOR].values, sigma, strict=True)]
    return xr.DataArray(np.array(values), coords={SECTOR: z[SECTOR].values}, dims=SECTOR, name="sigma")


def _check(io: xr.Dataset, price: xr.DataArray, z: xr.DataArray, truth: Truth) -> None:
    problems = []
    for name in ("ree_share", "trade_share", "expenditure", "trade_elasticity"):
        if name not in io:
            problems.append(Problem("missing from the economy", "Build it with ree_input_output", column=name))
    for where, index in (("the economy", io[SECTOR].values), ("substitutability", z[SECTOR].values)):
        for s in sorted(set(price[SECTOR].values) - set(index)):
            problems.append(Problem(f"a sector with a relative price that {where} lacks", "Add it", value=str(s)))
    if not np.isfinite(price).all():
        problems.append(Problem("relative prices have gaps", "Fill element_prices.csv", column="relative_price"))
    properties = z.size // max(z.sizes[SECTOR], 1)
    if len(truth.beta) != properties:
        problems.append(Problem(f"beta needs {properties} entries, one a property", "Correct it", value=truth.beta))
    confusion = np.asarray(truth.confusion, float)
    if confusion.shape != (4, 4) or (confusion < 0).any() or not np.allclose(confusion.sum(1), 1, atol=1e-9):
        problems.append(Problem("confusion must be 4 rows of 4 shares that sum to 1", "Correct it"))
    if truth.audit_design not in AUDIT_DESIGNS:
        problems.append(Problem("unknown audit design", f"Use {', '.join(AUDIT_DESIGNS)}", value=truth.audit_design))
    if problems:
        raise InputError(problems, "evidence cannot be simulated")
    bound = technology.sigma_upper_bound(truth.kappa, truth.spillover) if truth.kappa > 0 else -np.inf
    outside = {k: v for k, v in (truth.sigma or {}).items() if not 0 < v < bound}
    if truth.kappa <= 0 or outside:
        raise ParameterError(
            Problem("κ must be positive and σ inside (0, 1 + 1/κ̃), κ̃ = κ(1+ξ)", "Change them", value=outside)
        )


def _sizes(io: xr.Dataset, world: SimulatedWorld, truth: Truth, totals: pd.DataFrame | None) -> np.ndarray:
    """Expected number of patents (country, sector, year). Raises InputError for cells without a total."""
    price = world.price
    if totals is not None:
        keys = [COUNTRY, SECTOR, YEAR]
        cells = price.to_series().index
        expected: Any = totals.set_index(keys)["total"].reindex(cells)
        if expected.isna().any():
            place = dict(zip(keys, expected.index[expected.isna()][0], strict=True))
            problem = Problem("no total of all patents", "Give one for each country, sector and year", value=place)
            raise InputError(problem, "evidence cannot be simulated")
        size = expected.to_numpy(float).reshape(price.shape)
        return truth.patents_per_cell * size / size.mean(axis=(0, 2), keepdims=True)
    if truth.patent_growth is None:
        problem = Problem("numbers of patents need patent_growth, or totals", "State it", column="patent_growth")
        raise ParameterError(problem)
    size = np.sqrt(output_of_users(io, price).values)
    size = np.clip(size / max(size.mean(), 1e-300), 0.1, 4.0)
    n_year = price.sizes[YEAR]
    growth = np.exp(truth.patent_growth * (np.arange(n_year) - (n_year - 1) / 2))
    return truth.patents_per_cell * size[:, :, None] * growth


def _patents(
    sizes: np.ndarray, world: SimulatedWorld, truth: Truth, rng: np.random.Generator
) -> tuple[pd.DataFrame, np.ndarray]:
    """Counts by label, equations (12)-(13), and the true prevalence of the four classes among all patents.

    q and f enter as deviations from their means over years, so ``class_log_odds`` are the odds of an average year.
    """
    price = world.price
    n_country, n_sector, n_year = price.shape
    q = price.values - price.values.mean(2, keepdims=True)
    f = world.enhancing - world.enhancing.mean(2, keepdims=True)
    responses = (truth.using_slope * q, f, truth.substituting_slope * q)
    logits = np.zeros((*price.shape, len(LABELS)))
    for k, (level, response) in enumerate(zip(truth.class_log_odds, responses, strict=True), start=1):
        unit = truth.unit_sd * rng.standard_normal((n_country, n_sector, 1))
        year = truth.year_sd * rng.standard_normal(n_year)
        logits[..., k] = level + unit + (year - year.mean()) + response
    p = np.exp(logits - logits.max(-1, keepdims=True))
    p /= p.sum(-1, keepdims=True)

    n = rng.poisson(sizes)
    noisy = rng.gamma(truth.concentration * (p @ np.asarray(truth.confusion)))
    counts = rng.multinomial(n, noisy / noisy.sum(-1, keepdims=True))
    prevalence = np.einsum("cjt,cjtk->k", n, p) / n.sum()
    array = xr.DataArray(counts, coords={**price.coords, "label": list(LABELS)}, dims=(*price.dims, "label"))
    frame: Any = array.to_series().rename("count").reset_index()
    return frame[[COUNTRY, SECTOR, YEAR, "label", "count"]], prevalence


def _moments(
    io: xr.Dataset, world: SimulatedWorld, design: pd.DataFrame, truth: Truth, rng: np.random.Generator
) -> pd.DataFrame:
    """Published elasticities: that of the truth at each horizon, and a normal error of the stated size."""
    if truth.impact_ratio is None and MONTHS in set(design["horizon"]):
        message = "elasticities within months need impact_ratio"
        raise ParameterError(Problem(message, "State it in the truth", column="impact_ratio"))
    value = ree_value(io).sel(country=world.price[COUNTRY], sector=world.price[SECTOR])
    data = moment_arrays(design.assign(estimate=0.0), value)
    long_run = technology.long_run_elasticity(world.sigma.values, truth.kappa, truth.spillover)
    mean = predicted_moments(data, world.sigma.values, long_run, truth.impact_ratio or 0.0)
    drawn = mean + design["std_error"].to_numpy(float) * rng.standard_normal(len(design))
    return design.assign(estimate=drawn)


def _audit(prevalence: np.ndarray, truth: Truth, rng: np.random.Generator) -> pd.DataFrame:
    """Cross-table of human and machine labels.

    What is fixed by design (row sums, column sums, total) is as equal as ``audit_size`` allows.
    """
    joint = prevalence[:, None] * np.asarray(truth.confusion)  # (true, label)
    each = truth.audit_size // len(LABELS)
    if truth.audit_design == "by_label":
        counts = rng.multinomial(each, (joint / joint.sum(0)).T).T
    elif truth.audit_design == "by_class":
        counts = rng.multinomial(each, joint / joint.sum(1, keepdims=True))
    else:
        counts = rng.multinomial(truth.audit_size, joint.ravel() / joint.sum()).reshape(joint.shape)
    rows = [
        (human, machine, int(counts[i, j]), truth.audit_design)
        for i, human in enumerate(LABELS)
        for j, machine in enumerate(LABELS)
    ]
    return pd.DataFrame(rows, columns=["human_label", "machine_label", "count", "design"])
