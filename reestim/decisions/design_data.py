"""The data that a design would give at each draw, and what they would say without end and without error."""

from __future__ import annotations

import math
from functools import singledispatch
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from jaxtyping import Float

from reestim.decisions.designs import InputSurvey, PatentAudit, UsePanel
from reestim.decisions.use_design import use_at_draws
from reestim.dims import CHAIN, DRAW, LABEL, LABELS
from reestim.errors import InputError, Problem
from reestim.wording import closest


class Measured(NamedTuple):
    """What a design says at each draw, as summary statistics."""

    exact: Float[np.ndarray, "draw statistic"]  # of data without end and without error
    observed: Float[np.ndarray, "draw statistic"]  # of the data of the design


@singledispatch
def measured(design: Any, post: xr.DataTree, at: xr.Dataset, rng: np.random.Generator) -> Measured:
    """Simulate a design at the draws whose labels (chain, draw) ``at`` has, chain after chain.

    Raises InputError where the design does not fit the run.
    """
    advice = "Give a PatentAudit, a UsePanel or an InputSurvey."
    raise InputError(Problem("this is no design", advice, value=repr(design)))


@measured.register
def _(design: PatentAudit, post: xr.DataTree, at: xr.Dataset, rng: np.random.Generator) -> Measured:
    """Shares of the true classes among the patents of each label; those of the last class follow."""
    from reestim.labels.agreement import prevalence_of

    draws, data = (_group(post, name) for name in ("posterior", "constant_data"))
    if "confusion" not in draws or "patent_count" not in data:
        advice = "Take a run of a study that reads patents (models/with_patents.toml)."
        raise InputError(Problem("the run has no audited labels", advice, value=design.in_words))
    if "confusion_by_group" in draws:
        advice = "Take a run without error groups."
        raise InputError(Problem("errors of labels vary between groups", advice, value=design.in_words))
    confusion = _rows(draws["confusion"], at, ("true_label", "machine_label"))
    counts = data["patent_count"].sel({LABEL: list(LABELS)})
    counts = counts.sum([dim for dim in counts.dims if dim != LABEL]).values
    prevalence = np.stack([prevalence_of(one, counts / counts.sum()) for one in confusion])
    joint = (prevalence[:, :, None] * confusion).swapaxes(1, 2)  # (draw, label, class)
    given = joint / joint.sum(axis=2, keepdims=True)
    each = design.patents // len(LABELS) + (np.arange(len(LABELS)) < design.patents % len(LABELS))
    found = rng.multinomial(each, given) / np.maximum(each, 1)[:, None]
    return Measured(*(share[:, :, :-1].reshape(len(given), -1) for share in (given, found)))


@measured.register
def _(design: UsePanel, post: xr.DataTree, at: xr.Dataset, rng: np.random.Generator) -> Measured:
    """For each sector the two combinations of its changes in which draws differ most."""
    return Measured(*use_at_draws(post, at, rng, design.country, design.named, design.years, design.error))


@measured.register
def _(design: InputSurvey, post: xr.DataTree, at: xr.Dataset, rng: np.random.Generator) -> Measured:
    """Log factors on the figures that vary, and the means of the answers."""
    drawn = _group(post, "inputs")
    if design.source not in drawn:
        advice = "Draw the inputs: ree.counterfactual(..., inputs='drawn', seed=), docs/inputs.md."
        raise InputError(Problem("this input was not drawn", advice, value=design.source))
    factor = drawn[design.source]
    chosen = {dim: [one] if isinstance(one, str) else list(one) for dim, one in design.where.items()}
    problems = [
        Problem(f"unknown {dim}", closest(label, there), value=label)
        for dim, labels in chosen.items()
        for label in labels
        if label not in (there := [str(one) for one in factor[dim].values])
    ]
    if problems:
        raise InputError(problems)
    values = _rows(factor.sel(chosen), at, tuple(dim for dim in factor.dims if dim not in (CHAIN, DRAW)))
    values = values.reshape(len(values), -1)
    exact = np.log(values[:, np.ptp(values, axis=0) > 0])
    if not exact.shape[1]:
        raise InputError(Problem("these figures are taken as known", "Choose others.", value=design.in_words))
    error = design.error / math.sqrt(design.respondents)
    return Measured(exact, exact + error * rng.standard_normal(exact.shape))


def _group(post: xr.DataTree, name: str) -> xr.Dataset:
    return post[name].to_dataset() if name in post.children else xr.Dataset()


def _rows(array: xr.DataArray, at: xr.Dataset, dims: tuple[object, ...]) -> np.ndarray:
    """Values at the draws of ``at``, chain after chain (draw, dims)."""
    values = array.sel({CHAIN: at[CHAIN], DRAW: at[DRAW]}).transpose(CHAIN, DRAW, *dims).values
    return values.reshape(-1, *values.shape[2:])
