"""From a study and data to a model, and from a model to draws that say whether they may be used."""

from __future__ import annotations

import importlib
import importlib.util
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, cast

import numpy as np
import pymc as pm
import xarray as xr

from reestim.dims import CHAIN, DRAW
from reestim.errors import InputError, Problem, Problems, in_one_line
from reestim.estimate import sampling
from reestim.estimate.further_chains import more_chains, other_model, other_settings
from reestim.estimate.gates import GateWarning, check_gates
from reestim.estimate.inputs import checked, model_inputs
from reestim.estimate.log_terms import LIKELIHOOD, log_terms, rounded
from reestim.estimate.model import EstimationModel, Model, Study, adapt
from reestim.estimate.priors import PriorBook, Priors
from reestim.estimate.pymc_model import StudyModel
from reestim.numerics.jax_setup import require_jax
from reestim.runs.record import RunRecord
from reestim.study.spec import Gates

if TYPE_CHECKING:
    from reestim.data.dataset import Dataset
    from reestim.estimate.numpyro_model import NumpyroModel
    from reestim.study.spec import Sampler, Spec

#: Draws of the prior that a result carries, to be set against the posterior.
PRIOR_DRAWS = 1000


def build(spec: Spec, data: Dataset | xr.Dataset) -> Model:
    """Build the model of a study on data.

    Parameters
    ----------
    spec : Spec
        The study. Its model file defines ``build(data, priors)`` and returns a ``pm.Model`` or a ``NumpyroModel``.
    data : Dataset or xarray.Dataset
        A dataset, or the inputs made from one (``reestim.estimate.inputs.model_inputs``).

    Returns
    -------
    pm.Model or NumpyroModel
        The joint model of parameters and evidence with named dims, docs/model.md section 4. A ``pm.Model`` is one for
        all that PyMC does; ``model.study`` holds the inputs it was built from.

    Raises
    ------
    InputError
        Listing every problem of the inputs and of the priors (missing, unused, mass outside the support), before
        anything is compiled.

    Examples
    --------
    >>> import reestim as ree
    >>> spec = ree.read_spec("models/patents_only.toml")
    >>> model = ree.build(spec, ree.load_dataset("simulated-2010"))
    >>> sorted(v.name for v in model.observed_RVs)
    ['label_audit', 'patent_count']
    >>> model.named_vars_to_dims["sigma"]
    ('sector',)
    """
    problems = Problems()
    inputs = problems.attempt(lambda: _inputs(spec, data))
    module = problems.attempt(lambda: _load(spec.model_path))
    if inputs is None or module is None:
        raise InputError(problems, f"the model of the study {spec.name!r} cannot be built")
    book = PriorBook(spec.priors)
    model = cast("Callable[[xr.Dataset, Priors], object]", module.build)(inputs, book)
    if not isinstance(model, pm.Model | EstimationModel):
        advice = "Let build return the pm.Model, or a reestim.estimate.numpyro_model.NumpyroModel"
        raise InputError(Problem("build did not return a model", advice, file=str(spec.model_path)))
    if book.problems():
        raise InputError(book.problems(), f"the priors of the study {spec.name!r} cannot be used")
    study = Study(inputs, tuple(book))
    if isinstance(model, pm.Model):
        return StudyModel(model, study)
    built = cast("NumpyroModel", model)
    built.study = study
    return built


def fit(
    model: Model,
    sampler: Sampler,
    seed: int,
    progress: bool = True,
    gates: Gates | None = None,
    *,
    store: str | Path | None = None,
    continued: xr.DataTree | None = None,
) -> xr.DataTree:
    """Sample the posterior of a model.

    The same model, sampler and seed give the same draws on the same machine. KeyboardInterrupt passes through: there is
    no partial result.

    Further draws are further chains, with a start and a tuning of their own: R-hat then compares all of them, and with
    nutpie chain k is the same draws whether it is drawn at once with the others or later.

    Parameters
    ----------
    model : pm.Model or NumpyroModel
        From `build`, or any ``pm.Model``.
    sampler : Sampler
        Which sampler, and how many draws: ``spec.sampler``.
    seed : int
        From 0 to 2³² − 1. All randomness comes from it.
    progress : bool
        Whether a progress bar is shown.
    gates : Gates, optional
        What the draws must pass: ``spec.gates``. Default: those of ``reestim.study.spec.Gates``.
    store : str or Path, optional
        A folder for chains that are done (nutpie only): a fit that was killed goes on with the others when it is called
        again, and ends with the same bits. The folder is not removed.
    continued : xarray.DataTree, optional
        A fit of the same model, settings and seed with fewer chains: they are kept, and chains are added until there
        are ``sampler.chains``.

    Returns
    -------
    xarray.DataTree
        Groups posterior, prior (1,000 draws), sample_stats, constant_data (the inputs), observed_data, log_likelihood
        (nats, to 2⁻¹³) and log_prior (nats). Dims: chain, draw and those of the model; every variable has
        ``long_name`` and ``units``, every group ArviZ's attributes. ``RunRecord.of(post).gates`` says whether the
        draws passed.

    Raises
    ------
    InputError
        Before sampling: a sampler that is not installed or cannot run the model, a model with nothing to sample, priors
        with infinite draws, a density that is nowhere finite; a fit to go on with that is another.

    Warns
    -----
    GateWarning
        Where a gate failed: do not report these draws.
    RuntimeWarning
        Where log densities cannot be computed; their groups are left out.

    Examples
    --------
    >>> import pymc as pm
    >>> import reestim as ree
    >>> from reestim.study.spec import Gates, Sampler
    >>> with pm.Model() as model:
    ...     x = pm.Normal("x")
    ...     y = pm.Normal("y", x, observed=[1.0, 2.0])
    >>> few = Sampler(draws=300, tune=300, chains=2)
    >>> post = ree.fit(model, few, seed=1, progress=False, gates=Gates(min_ess=50, max_r_hat=1.1))
    >>> abs(float(post["posterior"]["x"].mean()) - 1.0) < 0.2  # the mean is (1 + 2) / 3
    True
    """
    gates = gates or Gates()
    problems = sampling.problems(sampler, model)
    if not 0 <= seed < 2**32:
        problems.append(Problem("a seed lies between 0 and 2^32 - 1", "Choose another", column="seed", value=seed))
    adapted = adapt(model)
    if not adapted.free:
        problems.append(Problem("the model has nothing to sample", "Check that its priors are not all Fixed"))
    if continued is not None:
        problems += other_settings(continued, sampler, seed)
    if problems:
        raise InputError(problems, "the model cannot be sampled")
    prior = prior_draws(model, PRIOR_DRAWS, seed)
    if continued is not None and (problems := other_model(continued, model, prior)):
        raise InputError(problems, "the fit cannot go on")
    about, observed = adapted.about, adapted.observed_data()
    tree, seconds = more_chains(model, sampler, seed, progress, Path(store) if store else None, continued)
    inputs = adapted.study.inputs if adapted.study else None
    drawn, stats = tree["posterior"].to_dataset(), tree["sample_stats"].to_dataset()
    source = {"sampling_time": seconds, "tuning_steps": sampler.tune} | stats.attrs | drawn.attrs
    settings = stats.attrs.get("inference_library_settings")  # of nutpie; ArviZ has them beside the statistics
    drawn.attrs = {name: value for name, value in source.items() if value is not settings}
    stats = sampling.statistics(stats, sampler.max_tree_depth).assign_attrs(source | stats.attrs)
    post = xr.DataTree.from_dict(
        {
            "posterior": arviz_attributes(_documented(drawn, about), sampler.name),
            "prior": arviz_attributes(_documented(prior, about), adapted.language),
            "sample_stats": arviz_attributes(stats, sampler.name),
            "constant_data": arviz_attributes(inputs if inputs is not None else xr.Dataset(), sampler.name, ()),
            "observed_data": arviz_attributes(observed, sampler.name, ()),
        }
    )
    left_out: dict[str, str] = {}
    try:
        for name, group in log_terms(model, post["posterior"].to_dataset()).items():
            kept = rounded(group) if name == LIKELIHOOD else group
            post[name] = xr.DataTree(arviz_attributes(kept, sampler.name))
    except Exception as error:  # whatever it is, the draws have taken longer and are good
        left_out["log_likelihood"] = in_one_line(error)
        sentence = f"no log densities (LOO, sensitivity to priors): {left_out['log_likelihood']}"
        warnings.warn(sentence, RuntimeWarning, stacklevel=2)
    report = check_gates(post, gates)
    known = {"gates": report.as_dict(), "sampler": sampler.model_dump(mode="json"), "seed": seed}
    RunRecord.read(known | {"sampling_seconds": round(seconds, 2), "left_out": left_out}).attached(post)
    if not report.passed:
        warnings.warn(
            f"the sampler did not converge; do not report these draws:\n{report}\n"
            "Raise sampler.tune, sampler.draws or sampler.target_accept, or look for a sector without evidence.",
            GateWarning,
            stacklevel=2,
        )
    return post


def prior_draws(model: Model, draws: int, seed: int) -> xr.Dataset:
    """Draws of all parameters from their prior (chain, draw, ...).

    Raises InputError where some are infinite: a prior so wide that its numbers end.
    """
    prior = adapt(model).prior(draws, seed)
    wild = [name for name, values in prior.data_vars.items() if np.isinf(values).any()]
    if wild:
        advice = "Narrow the priors: some draws of these are past the largest number there is"
        value = ", ".join(map(str, wild))
        raise InputError(Problem("the priors have infinite draws", advice, value=value), "the model cannot be sampled")
    return prior


def _inputs(spec: Spec, data: Dataset | xr.Dataset) -> xr.Dataset:
    require_jax()
    return checked(data) if isinstance(data, xr.Dataset) else model_inputs(spec, data)


def _load(path: Path) -> ModuleType:
    """Import the model file from where it lies, as a module that belongs to no package."""
    module_spec = importlib.util.spec_from_file_location(f"reestim_model_{path.stem}", path)
    if module_spec is None or module_spec.loader is None or not path.is_file():
        raise InputError(Problem("there is no such model file", "Correct `model` in the study", file=str(path)))
    module = importlib.util.module_from_spec(module_spec)
    try:
        module_spec.loader.exec_module(module)
    except Exception as error:  # anything may go wrong in a file that a user edits
        reason = f"the model file does not run ({type(error).__name__}: {error})"
        line = getattr(error, "lineno", None)
        raise InputError(Problem(reason, "Correct it", file=str(path), row=line)) from error
    if not callable(getattr(module, "build", None)):
        advice = "Define build(data, priors) -> pm.Model, as models/substitution.py does"
        raise InputError(Problem("the model file has no function build", advice, file=str(path)))
    return module


def _documented(draws: xr.Dataset, about: Mapping[str, Mapping[str, str]]) -> xr.Dataset:
    """Variables with their long_name and units, in the order of their names."""
    kept = draws[sorted(str(name) for name in draws.data_vars)]
    for name in kept.data_vars:
        kept[name].attrs = dict(about.get(str(name), {"long_name": str(name), "units": "not stated"}))
    return plain_labels(kept)


def arviz_attributes(group: xr.Dataset, library: str, sample_dims: Sequence[str] = (CHAIN, DRAW)) -> xr.Dataset:
    """Give a group the attributes by which ArviZ knows it, under those that it has already.

    These are created_at, creation_library, creation_library_version, creation_library_language, inference_library (the
    name of the module ``library``), inference_library_version, and sample_dims, the dims that are draws.
    """
    from arviz_base import make_attrs

    attrs = make_attrs(group.attrs, inference_library=importlib.import_module(library), sample_dims=sample_dims)
    return group.assign_attrs(attrs)


def plain_labels(data: xr.Dataset) -> xr.Dataset:
    """Text coordinates as fixed-length strings, which netCDF keeps as they are."""
    text = {d: data[d].values.astype(str) for d in data.dims if d in data.coords and data[d].dtype.kind == "O"}
    return data.assign_coords(text)
