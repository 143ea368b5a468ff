"""A fit that goes on: chains are added to those that are there."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from reestim.dims import CHAIN
from reestim.errors import Problem
from reestim.estimate import sampling
from reestim.estimate.log_terms import LIKELIHOOD, PRIOR, RESOLUTION, log_terms
from reestim.estimate.model import Model
from reestim.estimate.nutpie_chains import joined
from reestim.runs.record import RunRecord

if TYPE_CHECKING:
    from reestim.study.spec import Sampler

#: How far log densities of one draw may differ, nats: they are computed in another order of operations.
_AS_GOOD_AS_EQUAL = 1e-6
_ADVICE = "Go on with the study, the data, the seed and the settings that it was made with, or fit anew"


def more_chains(
    model: Model, sampler: Sampler, seed: int, progress: bool, store: Path | None, continued: xr.DataTree | None
) -> tuple[xr.DataTree, float]:
    """Posterior and statistics of all chains, those of ``continued`` and those drawn now, and the seconds that they
    took."""
    begun = time.perf_counter()
    first = 0 if continued is None else continued["posterior"].sizes[CHAIN]
    rest = sampler.model_copy(update={"chains": sampler.chains - first})
    drawn = sampling.SAMPLERS[sampler.name](model, rest, seed, progress, sampling.Chains(first, store))
    seconds = time.perf_counter() - begun
    if continued is None:
        return drawn, seconds
    new = {name: drawn[name].to_dataset() for name in ("posterior", "sample_stats")}
    new["sample_stats"] = sampling.statistics(new["sample_stats"], sampler.max_tree_depth)
    together = joined([continued, xr.DataTree.from_dict(new)])
    for name in new:
        together[name].attrs = drawn[name].attrs
    return together, seconds + (RunRecord.of(continued).sampling_seconds or 0.0)


def other_settings(continued: xr.DataTree, sampler: Sampler, seed: int) -> list[Problem]:
    """Why a fit cannot go on by this sampler and seed; empty if it can."""
    if not {"posterior", "sample_stats", "prior"} <= continued.children.keys():
        return [Problem("there is no fit to go on with: its draws, or those of its prior, are missing", _ADVICE)]
    record, problems = RunRecord.of(continued), []
    own, settings = sampler.model_dump(mode="json", exclude={"chains"}), dict(record.sampler or {})
    for name in sorted(name for name in own if settings.get(name) != own[name]):
        column = f"sampler.{name}"
        problems.append(Problem(f"the fit has another {column}", _ADVICE, column=column, value=settings.get(name)))
    if record.seed != seed:
        problems.append(Problem("the fit was drawn with another seed", _ADVICE, column="seed", value=record.seed))
    there = continued["posterior"].sizes[CHAIN]
    if there >= sampler.chains:
        message = f"the fit has {there} chains already"
        problems.append(Problem(message, "Ask for more", column="sampler.chains", value=sampler.chains))
    return problems


def other_model(continued: xr.DataTree, model: Model, prior: xr.Dataset) -> list[Problem]:
    """Why a fit cannot go on as one of this model; empty if it can.

    A model is recognised by its draws of the prior at the seed of the fit, and by its log densities, prior and
    likelihood, at the last draw of the posterior.
    """
    last = continued["posterior"].to_dataset().isel(chain=[-1], draw=[-1])
    then = continued["prior"].to_dataset()
    same = set(then.data_vars) == set(prior.data_vars) and all(
        then[name].shape == prior[name].shape and np.allclose(then[name].values, prior[name].values)
        for name in then.data_vars
    )
    if same:
        now = log_terms(model, last)
        same = all(
            (group in now) == (group in continued.children)
            and (group not in now or _is_equal(now[group], continued[group].to_dataset().isel(chain=[-1], draw=[-1])))
            for group in (PRIOR, LIKELIHOOD)
        )
    return [] if same else [Problem("the fit is one of another model, of other priors or of other data", _ADVICE)]


def _is_equal(now: xr.Dataset, then: xr.Dataset) -> bool:
    """Whether two sets of log densities of one draw have the same sum, as far as they are kept."""
    rounding = RESOLUTION * sum(values.size for values in then.data_vars.values())
    total, kept = (sum(float(v.sum()) for v in group.data_vars.values()) for group in (now, then))
    return set(now.data_vars) == set(then.data_vars) and abs(total - kept) <= rounding + _AS_GOOD_AS_EQUAL
