"""The samplers by name, one function each: a PyMC model in, draws as an xarray.DataTree out.

Each returns the groups ``posterior`` and ``sample_stats`` and lets Ctrl-C through: an interrupted run has no draws.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import xarray as xr
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from reestim.errors import Problem

if TYPE_CHECKING:
    import pymc as pm

    from reestim.spec import Sampler

#: Milliseconds between two looks at a running sampler.
_LOOK = 200


def problems(sampler: Sampler) -> list[Problem]:
    """What keeps a sampler from running here, before anything is compiled."""
    found = []
    if sampler.name not in SAMPLERS:
        advice = f"Use {', '.join(SAMPLERS)}"
        found.append(Problem("unknown sampler", advice, column="sampler.name", value=sampler.name))
    elif importlib.util.find_spec(sampler.name) is None:
        here = [name for name in SAMPLERS if importlib.util.find_spec(name)]
        advice = f"Install it (pip install {sampler.name}), or use {', '.join(here)}"
        found.append(Problem("this sampler is not installed", advice, column="sampler.name", value=sampler.name))
    return found


def _nutpie(model: pm.Model, sampler: Sampler, seed: int, progress: bool) -> xr.DataTree:
    """nutpie with JAX gradients: compiles in seconds where Numba takes half a minute, and samples as fast here."""
    import nutpie

    compiled = nutpie.compile_pymc_model(model, backend="jax", gradient_backend="jax")
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
        save_warmup=False,
        progress_bar=False,
        progress_callback=bar.update if bar else None,
        progress_rate=_LOOK,
        blocking=False,
    )
    try:
        return running.wait()  # pyright: ignore
    except KeyboardInterrupt:
        running.abort()  # pyright: ignore
        raise
    finally:
        if bar:
            bar.stop()


def _pymc(model: pm.Model, sampler: Sampler, seed: int, progress: bool) -> xr.DataTree:
    return _pymc_sample(model, sampler, seed, progress, nuts_sampler="pymc")


def _numpyro(model: pm.Model, sampler: Sampler, seed: int, progress: bool) -> xr.DataTree:
    return _pymc_sample(
        model, sampler, seed, progress, nuts_sampler="numpyro", nuts_sampler_kwargs={"chain_method": "vectorized"}
    )


def _pymc_sample(model: pm.Model, sampler: Sampler, seed: int, progress: bool, **kwargs: Any) -> xr.DataTree:
    import pymc as pm

    tree = pm.sample(
        draws=sampler.draws,
        tune=sampler.tune,
        chains=sampler.chains,
        random_seed=seed,
        target_accept=sampler.target_accept,
        progressbar=progress,
        compute_convergence_checks=False,
        model=model,
        **kwargs,
    )
    if tree["posterior"].sizes["draw"] < sampler.draws:  # PyMC answers Ctrl-C with the draws it has
        raise KeyboardInterrupt
    return tree


Sample = Callable[["pm.Model", "Sampler", int, bool], xr.DataTree]

SAMPLERS: dict[str, Sample] = {"nutpie": _nutpie, "pymc": _pymc, "numpyro": _numpyro}


class _Bar:
    """One bar for all chains, with the number of divergences; ``update`` is called from the sampler's thread."""

    def __init__(self, sampler: Sampler) -> None:
        self._total = sampler.chains * (sampler.draws + sampler.tune)
        self._progress = Progress(
            TextColumn("sampling"), BarColumn(), TextColumn("{task.completed:.0f} of {task.total:.0f} iterations,"),
            TextColumn("{task.fields[divergences]} divergences"), TimeElapsedColumn(), TimeRemainingColumn(),
            transient=False,
        )  # fmt: skip
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
