"""Simulation-based calibration by simuk, on our samplers, with a folder that keeps what is done.

Parameters are drawn from the prior, data from the model at these parameters, and the posterior of these data is sampled
as for any other (Talts et al. 2018). Then the truth is one more draw from the posterior, whatever the study: its rank
among posterior draws is uniform, and an interval of 90 % holds it nine times in ten.

Posterior SBC (Säilynoja et al. 2025) asks the same where a user's own data lead: parameters are drawn from the
posterior of a run, and the posterior that is sampled is given the run's data and the simulated ones.
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
    as_one_chain,
    model_of,
    ranked_draws,
    sample_model,
    with_welfare,
)
from reestim.calibration.fit_store import DRAWS, TRUTH, load_fit, save_fit
from reestim.calibration.reconditioned import ReconditionedModel
from reestim.calibration.summary import SIMULATION
from reestim.dims import CHAIN, COUNTRY, DRAW, LABEL, SECTOR, YEAR
from reestim.errors import InputError, Problem
from reestim.estimate.count_information import information_of
from reestim.estimate.misclassification import as_read
from reestim.estimate.patent_counts import information_name
from reestim.estimate.priors import Priors
from reestim.estimate.pymc_model import PymcModel
from reestim.estimate.unit_values import CHANGE_DATA, unit_value_evidence

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
    group = "prior_sbc" if design.run is None else "posterior_sbc"
    truth = _dataset(study.ref_params)
    data = {
        str(name): ((SIMULATION, *(d for d in truth[name].dims if d != _SAMPLE)), found.values[0], {"units": "draws"})
        for name, found in ranks[group].data_vars.items()
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
        how: dict[str, Any] = {} if design.run is None else {"method": "posterior", "trace": design.run}
        super().__init__(model, num_simulations=design.simulations, seed=design.seed, progress_bar=False, **how)
        self._design, self._folder, self._done, self._shard = design, folder, done, shard
        self._reconditioned = ReconditionedModel(model, beside=design.run is not None)
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

    def _get_posterior_predictive_samples(self) -> tuple[xr.Dataset, xr.Dataset]:
        run: Any = self._design.run
        posterior = run["posterior"].to_dataset()[[name for name in self.var_names if name != WELFARE]]
        plain = ranked_draws(posterior, self.num_simulations)
        data = PymcModel(self.model).simulated(as_one_chain(plain), int(self._seeds[0])).isel({CHAIN: 0}, drop=True)
        solved = with_welfare(plain, self._design)
        truths, data = (part.drop_vars(DRAW, errors="ignore").rename({DRAW: _SAMPLE}) for part in (solved, data))
        return truths, data

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
        design = self._design
        known = information_about(design.inputs, design.spec.priors, data, beside=design.run is not None)
        posterior, record = sample_model(self._reconditioned.on_data(data | known), design, int(self._seeds[index]))
        wanted = posterior[[n for n in self.var_names if n in posterior]]
        draws = with_welfare(ranked_draws(wanted, self._design.ranked), self._design)
        record = record.but(sampling_seconds=round(time.perf_counter() - begun, 1))
        return save_fit(self._folder, name, draws, truth[self.var_names], record)


def information_about(
    inputs: xr.Dataset, priors: Priors, data: dict[str, Any], *, beside: bool = False
) -> dict[str, Any]:
    """What coordinates of a sampler depend on, of the simulated data, under the names that a PyMC model has for it.

    ``beside``: where the inputs' own data are conditioned on too.
    """
    audit = inputs.get("label_audit")
    found = {}
    if "unit_value_change" in data:
        own = unit_value_evidence(inputs).change
        found[CHANGE_DATA] = (data["unit_value_change"] + own) / 2 if beside else data["unit_value_change"]
    if "patent_count" not in data or "patent_count" not in inputs:
        return found
    count = inputs["patent_count"].transpose(COUNTRY, SECTOR, YEAR, LABEL)
    counts = count.copy(data=np.asarray(data["patent_count"]).reshape(count.shape))
    simulated = inputs.assign(patent_count=counts + count if beside else counts)
    if audit is not None:
        drawn = as_read(audit, np.asarray(data["label_audit"]))
        simulated["label_audit"] = drawn + audit if beside else drawn
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
