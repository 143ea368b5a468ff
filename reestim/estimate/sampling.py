"""The samplers by name, one function each: a model in, draws as an xarray.DataTree out.

Each returns the groups ``posterior`` and ``sample_stats`` and lets Ctrl-C through: an interrupted run has no draws.
A PyMC model goes to any of them; one written in NumPyro to those that need no PyMC.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial, wraps
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from threadpoolctl import threadpool_limits

from reestim.errors import InputError, Problem, ReestimError, in_one_line
from reestim.estimate.memory import kept_memory
from reestim.estimate.model import Model, SampledModel, adapt

if TYPE_CHECKING:
    from reestim.estimate.density import Density
    from reestim.study.spec import Sampler

#: The unconstrained vector among nutpie's variables.
_VECTOR = "unconstrained"
#: Milliseconds between two looks at a running sampler.
_LOOK = 200

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


def _nutpie(model: SampledModel, sampler: Sampler, seed: int, progress: bool) -> xr.DataTree:
    """nutpie on JAX, gradients of a PyMC model by PyTensor: compiles in seconds where Numba takes a minute or two."""
    import nutpie

    density = model.density() if model.pymc is None else None
    compiled = _compiled(density) if density else _compiled_pymc(model.pymc)
    bar = _Bar(sampler) if progress else None
    if bar:
        bar.start()
    running = nutpie.sample(
        compiled,
        draws=sampler.draws,
        tune=sampler.tune,
        chains=sampler.chains,
        seed=seed,
        target_accept=sampler.target_accept,
        maxdepth=sampler.max_tree_depth,
        save_warmup=False,
        progress_bar=False,
        progress_callback=bar.update if bar else None,
        progress_rate=_LOOK,
        blocking=False,
    )
    try:
        tree: xr.DataTree = running.wait()  # pyright: ignore
    except BaseException:
        running.abort()  # pyright: ignore  (or the threads of other chains outlive Python)
        raise
    finally:
        if bar:
            bar.stop()
    if density:
        tree["posterior"] = xr.DataTree(density.posterior(tree["posterior"].to_dataset()[_VECTOR].values))
    return tree


def _compiled_pymc(model: Any) -> Any:
    import nutpie

    compiled: Any = nutpie.compile_pymc_model(model, backend="jax", gradient_backend="pytensor")
    log_density = partial(compiled._make_logp_func(), **compiled._shared_data)
    return replace(compiled, _make_initial_points=_densest(compiled._make_initial_points, log_density))


def _densest(
    start: Callable[[int], np.ndarray], log_density: Callable[[np.ndarray], Any]
) -> Callable[[int], np.ndarray]:
    """Starting points as `Density.starts` chooses them: the densest of several of PyMC's own."""

    def chosen(seed: int) -> np.ndarray:
        from reestim.estimate.density import CANDIDATES

        seeds = np.random.default_rng(seed).integers(2**32, size=CANDIDATES)
        points = [start(int(one)) for one in seeds]
        values = [float(log_density(point)[0]) for point in points]
        return points[int(np.argmax(np.nan_to_num(values, nan=-np.inf, neginf=-np.inf)))]

    return chosen


def _compiled(density: Density) -> Any:
    """A density as nutpie takes it; the draws are kept as the vectors they are."""
    from nutpie.compiled_pyfunc import from_pyfunc

    value_and_gradient = density.value_and_gradient

    def log_density(x: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = value_and_gradient(x)
        return float(value), np.asarray(gradient, dtype="float64")

    return from_pyfunc(
        density.centre.size,
        lambda: log_density,
        lambda *_: lambda x: {_VECTOR: np.asarray(x, dtype="float64")},
        [np.dtype("float64")],
        [density.centre.shape],
        [_VECTOR],
        make_initial_point_fn=lambda seed: density.starts(int(seed), 1)[0],
    )


def _numpyro(model: SampledModel, sampler: Sampler, seed: int, progress: bool) -> xr.DataTree:
    from reestim.estimate import jax_samplers

    return jax_samplers.numpyro(model.density(), sampler, seed, progress)


def _blackjax(model: SampledModel, sampler: Sampler, seed: int, progress: bool) -> xr.DataTree:
    from reestim.estimate import jax_samplers

    return jax_samplers.blackjax(model.density(), sampler, seed, progress)


def _pymc(model: SampledModel, sampler: Sampler, seed: int, progress: bool) -> xr.DataTree:
    import pymc as pm

    tree = pm.sample(
        draws=sampler.draws,
        tune=sampler.tune,
        chains=sampler.chains,
        random_seed=seed,
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


_Sample = Callable[[SampledModel, "Sampler", int, bool], xr.DataTree]
Sample = Callable[["Model | SampledModel", "Sampler", int, bool], xr.DataTree]


def _guarded(sample: _Sample) -> Sample:
    """Memory is kept while it samples; a density that is nowhere finite is a problem of the study.

    Chains fill the cores already: were BLAS to share out the small matrices of (15) among threads as well, these would
    wait for one another (8 times slower on a busy machine).
    """

    @wraps(sample)
    def sampled(model: Model | SampledModel, sampler: Sampler, seed: int, progress: bool) -> xr.DataTree:
        try:
            with kept_memory(), threadpool_limits(1, user_api="blas"):
                return sample(adapt(model), sampler, seed, progress)
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


class _Bar:
    """One bar for all chains, with the number of divergences; ``update`` is called from the sampler's thread."""

    def __init__(self, sampler: Sampler) -> None:
        self._total = sampler.chains * (sampler.draws + sampler.tune)
        self._progress = Progress(
            TextColumn("sampling"),
            BarColumn(),
            TextColumn("{task.completed:.0f} of {task.total:.0f} iterations,"),
            TextColumn("{task.fields[divergences]} divergences"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            transient=False,
        )
        self._task = self._progress.add_task("sampling", total=self._total, divergences=0)

    def start(self) -> None:
        self._progress.start()

    def update(self, chains: Sequence[Any]) -> None:
        self._progress.update(
            self._task,
            completed=sum(chain.finished_draws for chain in chains),
            divergences=sum(chain.divergences for chain in chains),
        )

    def stop(self) -> None:
        self._progress.stop()
