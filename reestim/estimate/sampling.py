"""The samplers by name, one function each: a model in, draws as an xarray.DataTree out.

Each returns the groups ``posterior`` and ``sample_stats`` and lets Ctrl-C through: an interrupted run has no draws.
A PyMC model goes to any of them; one written in NumPyro to those that need no PyMC.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

import numpy as np
import xarray as xr
from threadpoolctl import threadpool_limits

from reestim.errors import InputError, Problem, ReestimError, in_one_line
from reestim.estimate.memory import kept_memory
from reestim.estimate.model import Model, SampledModel, adapt

if TYPE_CHECKING:
    from reestim.study.spec import Sampler

#: How nutpie and PyMC say that the density is not finite where they start.
_NOT_STARTED = ("initialization points failed", "Initial evaluation of model at starting point failed")

#: The statistics that gates and ArviZ read, under ArviZ's names, and what the samplers call them.
STATISTICS: dict[str, tuple[str, ...]] = {
    "diverging": (),
    "energy": (),
    "lp": ("logp",),
    "tree_depth": ("depth",),
    "reached_max_treedepth": ("maxdepth_reached",),
    "n_steps": (),
    "acceptance_rate": ("mean_tree_accept",),
}


class Chains(NamedTuple):
    """Which chains of a fit are drawn: from index ``first``; nutpie keeps those that are done in ``store``."""

    first: int = 0
    store: Path | None = None

    def seed(self, seed: int) -> int:
        """Seed of a sampler that draws all its chains from one."""
        return seed if not self.first else int(np.random.SeedSequence([seed, self.first]).generate_state(1)[0])


#: All chains of a fit, kept nowhere.
ALL = Chains()


def problems(sampler: Sampler, model: Model | SampledModel) -> list[Problem]:
    """What keeps a sampler from running here on this model, before anything is compiled."""
    in_pymc = adapt(model).pymc is not None
    able = [name for name in SAMPLERS if name != "pymc" or in_pymc]
    faults = []
    if sampler.name not in SAMPLERS:
        advice = f"Use {', '.join(SAMPLERS)}"
        faults.append(Problem("unknown sampler", advice, column="sampler.name", value=sampler.name))
    elif sampler.name not in able:
        advice = f"Use {', '.join(able)}"
        message = "this sampler cannot run a model written in NumPyro"
        faults.append(Problem(message, advice, column="sampler.name", value=sampler.name))
    return faults or missing(sampler.name, able)


def missing(name: str, able: Sequence[str] = ()) -> list[Problem]:
    """The problem that a sampler is not installed, with those of ``able`` (default: all) that are."""
    if importlib.util.find_spec(name) is not None:
        return []
    here = [other for other in able or SAMPLERS if importlib.util.find_spec(other)]
    advice = f"Install it (pip install {name}), or use {', '.join(here)}"
    return [Problem("this sampler is not installed", advice, column="sampler.name", value=name)]


def statistics(stats: xr.Dataset, max_tree_depth: int) -> xr.Dataset:
    """``sample_stats`` of any sampler under the names of ``STATISTICS``, as far as it reports them."""
    renamed = stats.rename(
        {mine: name for name, others in STATISTICS.items() for mine in others if mine in stats and name not in stats}
    )
    if "reached_max_treedepth" not in renamed and "tree_depth" in renamed:
        renamed["reached_max_treedepth"] = renamed["tree_depth"] >= max_tree_depth
    kept = renamed[[name for name in STATISTICS if name in renamed]].drop_attrs()
    return kept.assign({name: kept[name].astype("int64") for name in ("tree_depth", "n_steps") if name in kept})


def _nutpie(model: SampledModel, sampler: Sampler, seed: int, progress: bool, chains: Chains) -> xr.DataTree:
    from reestim.estimate import nutpie_chains

    return nutpie_chains.sample(model, sampler, seed, progress, *chains)


def _numpyro(model: SampledModel, sampler: Sampler, seed: int, progress: bool, chains: Chains) -> xr.DataTree:
    from reestim.estimate import jax_samplers

    return jax_samplers.numpyro(model.density(), sampler, chains.seed(seed), progress)


def _blackjax(model: SampledModel, sampler: Sampler, seed: int, progress: bool, chains: Chains) -> xr.DataTree:
    from reestim.estimate import jax_samplers

    return jax_samplers.blackjax(model.density(), sampler, chains.seed(seed), progress)


def _pymc(model: SampledModel, sampler: Sampler, seed: int, progress: bool, chains: Chains) -> xr.DataTree:
    import pymc as pm

    tree = pm.sample(
        draws=sampler.draws,
        tune=sampler.tune,
        chains=sampler.chains,
        random_seed=chains.seed(seed),
        nuts_sampler="pymc",
        nuts={"target_accept": sampler.target_accept, "max_treedepth": sampler.max_tree_depth},
        progressbar=progress,
        compute_convergence_checks=False,
        quiet=True,
        model=model.pymc,
    )
    if tree["posterior"].sizes["draw"] < sampler.draws:  # PyMC answers Ctrl-C with the draws it has
        raise KeyboardInterrupt
    return tree


_Sample = Callable[[SampledModel, "Sampler", int, bool, Chains], xr.DataTree]


@runtime_checkable
class Sample(Protocol):
    """A sampler: a model, its settings, the seed, whether progress is shown, and which chains."""

    def __call__(
        self, model: Model | SampledModel, sampler: Sampler, seed: int, progress: bool, chains: Chains = ALL, /
    ) -> xr.DataTree: ...


def _guarded(sample: _Sample) -> Sample:
    """Memory is kept while it samples; a density that is nowhere finite is a problem of the study.

    Chains fill the cores already: were BLAS to share out the small matrices of (15) among threads as well, these would
    wait for one another (8 times slower on a busy machine).
    """

    @wraps(sample)
    def sampled(
        model: Model | SampledModel, sampler: Sampler, seed: int, progress: bool, chains: Chains = ALL
    ) -> xr.DataTree:
        try:
            with kept_memory(), threadpool_limits(1, user_api="blas"):
                return sample(adapt(model), sampler, seed, progress, chains)
        except RuntimeError as error:
            if any(words in str(error) for words in _NOT_STARTED):
                from reestim.estimate.density import NO_START

                raise InputError(NO_START, "the model cannot be sampled") from error
            raise
        except BaseException as error:
            if type(error).__module__ != "pyo3_runtime":  # a panic of a library in Rust, which is no Exception
                raise
            advice = "Try another seed or sampler.name; with tune below a hundred there is no adaptation"
            raise ReestimError(f"the sampler broke off ({in_one_line(error)}). {advice}") from error

    return sampled


SAMPLERS: dict[str, Sample] = {
    name: _guarded(sample)
    for name, sample in {"nutpie": _nutpie, "numpyro": _numpyro, "blackjax": _blackjax, "pymc": _pymc}.items()
}
