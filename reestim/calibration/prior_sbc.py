"""Simulation-based calibration (Talts et al. 2018) by simuk, on our samplers, with a folder that keeps what is done.

Parameters are drawn from the prior, data from the model at these parameters, and the posterior of these data is sampled
as for any other. Then the truth is one more draw from the posterior, whatever the study: its rank among posterior
draws is uniform, and an interval of 90 % holds it nine times in ten.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pymc as pm
import simuk
import xarray as xr
from arviz_base import extract

from reestim.calibration.design import (
    WELFARE,
    WHOLE,
    SbcDesign,
    Shard,
    model_of,
    ranked_draws,
    sample_model,
    with_welfare,
)
from reestim.calibration.fit_store import DRAWS, TRUTH, load_fit, save_fit
from reestim.calibration.reconditioned import ReconditionedModel
from reestim.calibration.summary import SIMULATION
from reestim.dims import COUNTRY, DRAW, LABEL, SECTOR, YEAR
from reestim.errors import InputError, Problem
from reestim.estimate.count_information import information_of
from reestim.estimate.misclassification import as_read
from reestim.estimate.patent_counts import information_name
from reestim.estimate.priors import Priors
from reestim.estimate.unit_values import CHANGE_DATA

_SAMPLE = "sample"


def calibrate(
    design: SbcDesign, folder: Path, done: Callable[[bool], object] = lambda _: None, shard: Shard = WHOLE
) -> xr.Dataset | None:
    """Ranks of the truths, (simulation, and the dims of each variable): how many of the ``design.ranked`` posterior
    draws lie below; None where only a ``shard`` was fitted. ``done(was_there)`` is called after each
    dataset, with whether its fit was there already.

    Every fit is kept in ``folder`` (see `reestim.calibration.fit_store`). The same design gives the same datasets.

    Raises InputError, before anything is sampled, for a model in another language than PyMC.
    """
    model = model_of(design).pymc
    if model is None:
        advice = "Calibrate models/substitution.toml: the two state the same density"
        raise InputError(
            Problem("simuk calibrates PyMC models with data inside, not NumPyro's", advice, column="model")
        )
    study = _Calibration(model, design, folder, done, shard)
    try:
        study.run_simulations()
    except _Failed as failed:
        raise failed.error from None
    if shard != WHOLE:
        return None
    ranks: Any = study.simulations
    truth = _dataset(study.ref_params)
    data = {
        str(name): ((SIMULATION, *(d for d in truth[name].dims if d != _SAMPLE)), found.values[0], {"units": "draws"})
        for name, found in ranks["prior_sbc"].data_vars.items()
    }
    used = {d for dims, _, _ in data.values() for d in dims if d in truth.coords}
    return xr.Dataset(data, coords={d: truth[d].values for d in used})


def fits_of(design: SbcDesign, folder: Path) -> list[xr.DataTree]:
    """The fits that are kept, in order: all of them when the calibration is finished."""
    return [tree for i in range(design.simulations) if (tree := load_fit(folder, _name(i))) is not None]


def _name(index: int) -> str:
    return f"simulation-{index:04d}"


class _Failed(BaseException):
    """Carries an error past simuk, which prints and drops what it can catch."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class _Calibration(simuk.SBC):
    """simuk's study of a PyMC model: it draws parameters and data, and ranks; sampling and keeping are ours."""

    def __init__(
        self, model: pm.Model, design: SbcDesign, folder: Path, done: Callable[[bool], object], shard: Shard
    ) -> None:
        super().__init__(model, num_simulations=design.simulations, seed=design.seed, progress_bar=False)
        self._design, self._folder, self._done, self._shard = design, folder, done, shard
        self._reconditioned = ReconditionedModel(model)
        self.var_names = [str(v.name) for v in (*model.free_RVs, *model.deterministics)]
        if design.scenario is not None:
            self.var_names.append(WELFARE)

    def _get_prior_predictive_samples(self) -> tuple[xr.Dataset, xr.Dataset]:
        drawn = pm.sample_prior_predictive(
            self.num_simulations,
            model=self.model,
            random_seed=int(self._seeds[0]),
            compile_kwargs={"mode": "FAST_COMPILE"},  # run once: compiling would take longer than drawing
        )
        prior, data = (_dataset(extract(drawn, group=g, keep_dataset=True)) for g in ("prior", "prior_predictive"))
        plain = prior.reset_index(_SAMPLE, drop=True).rename({_SAMPLE: DRAW}).drop_vars(["chain"], errors="ignore")
        solved = with_welfare(plain, self._design).rename({DRAW: _SAMPLE})
        return solved, data

    def _get_posterior_samples(self, replicated_data: dict[str, Any]) -> xr.Dataset:
        index = int(self._simulations_complete)
        if not self._shard.holds(index):  # its rank is not used
            return _dataset(self.ref_params).isel({_SAMPLE: [index]})
        try:
            tree = self._fit(index, replicated_data)
        except Exception as error:
            raise _Failed(error) from error
        return tree[DRAWS].to_dataset().rename({DRAW: _SAMPLE})

    def _fit(self, index: int, data: dict[str, Any]) -> xr.DataTree:
        name, truth = _name(index), _dataset(self.ref_params).isel({_SAMPLE: index}, drop=True)
        tree = load_fit(self._folder, name)
        self._done(tree is not None)
        if tree is not None:
            return _the_same(tree, truth, name)
        begun = time.perf_counter()
        posterior, record = sample_model(
            self._reconditioned.on_data(data | information_about(self._design.inputs, self._design.spec.priors, data)),
            self._design,
            int(self._seeds[index]),
        )
        wanted = posterior[[n for n in self.var_names if n in posterior]]
        draws = with_welfare(ranked_draws(wanted, self._design.ranked), self._design)
        record = record.but(sampling_seconds=round(time.perf_counter() - begun, 1))
        return save_fit(self._folder, name, draws, truth[self.var_names], record)


def information_about(inputs: xr.Dataset, priors: Priors, data: dict[str, Any]) -> dict[str, Any]:
    """What coordinates of a sampler depend on, of the simulated data, under the names that a PyMC model has for it."""
    audit = inputs.get("label_audit")
    found = {CHANGE_DATA: data["unit_value_change"]} if "unit_value_change" in data else {}
    if "patent_count" not in data or "patent_count" not in inputs:
        return found
    count = inputs["patent_count"].transpose(COUNTRY, SECTOR, YEAR, LABEL)
    simulated = inputs.assign(patent_count=count.copy(data=np.asarray(data["patent_count"]).reshape(count.shape)))
    if audit is not None:
        simulated["label_audit"] = as_read(audit, np.asarray(data["label_audit"]))
    information = information_of(simulated, priors)
    return found | {information_name(name): value for name, value in information._asdict().items()}


def _dataset(found: Any) -> xr.Dataset:
    """Cast: the libraries annotate a union."""
    return found


def _the_same(tree: xr.DataTree, truth: xr.Dataset, name: str) -> xr.DataTree:
    """A kept fit, after a look whether it is of this truth (another version of a library may draw others)."""
    there = tree[TRUTH].to_dataset()
    for variable in there.data_vars:
        if not (there[variable].values == truth[variable].values).all() and variable != WELFARE:
            advice = "Begin again in a new folder: versions of libraries differ from those that began this one"
            raise InputError(Problem("a kept simulation has another truth", advice, column=str(variable), value=name))
    return tree
