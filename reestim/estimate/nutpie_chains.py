"""nutpie, chain by chain: each has a seed of its own, so that it is the same draws whatever chains run beside it.

As many run at once as there are cores; one that is done is kept, if there is a place for it (`ChainStore`).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from reestim.dims import CHAIN, DRAW
from reestim.estimate.chain_store import ChainStore
from reestim.estimate.density import CANDIDATES, Density
from reestim.estimate.model import SampledModel

if TYPE_CHECKING:
    from reestim.study.spec import Sampler

#: The unconstrained vector among nutpie's variables.
_VECTOR = "unconstrained"
#: Seconds between two looks at running chains, and milliseconds between two of their reports.
_LOOK, _REPORT = 0.02, 200


def sample(
    model: SampledModel, sampler: Sampler, seed: int, progress: bool, first: int = 0, store: Path | None = None
) -> xr.DataTree:
    """nutpie on JAX, gradients of a PyMC model by PyTensor: compiles in seconds where Numba takes a minute or two.

    Parameters
    ----------
    model
        What is sampled.
    sampler
        Its settings.
    seed
        Of the fit. Chain k depends on it and on k, not on how many chains there are.
    progress
        Whether a bar is shown.
    first
        Index of the first chain that is drawn here.
    store
        Folder where chains that are done are kept, and looked for.

    Returns
    -------
    xarray.DataTree
        ``posterior`` and ``sample_stats``, chains in their order.
    """
    density = model.density() if model.pymc is None else None
    compiled = _compiled(density) if density else _compiled_pymc(model.pymc)
    indices = range(first, first + sampler.chains)
    kept = _store(compiled, sampler, seed, store) if store else None
    done = {k: chain for k in indices if kept and (chain := kept.load(k)) is not None}
    bar = _Bar(sampler, len(done)) if progress else None
    if bar:
        bar.start()
    try:
        for k, tree in _drawn(compiled, sampler, seed, [k for k in indices if k not in done], bar):
            chain = _named(tree, density)
            if kept:
                kept.save(k, chain)
            done[k] = chain
    finally:
        if bar:
            bar.stop()
    return joined([done[k] for k in indices], first)


def joined(trees: list[xr.DataTree], first: int = 0) -> xr.DataTree:
    """Fits with the same variables as one: their chains in this order, numbered from ``first``."""
    groups: dict[str, xr.Dataset] = {}
    for name in ("posterior", "sample_stats"):
        parts = [tree[name].to_dataset() for tree in trees]
        group = xr.concat(parts, dim=CHAIN, combine_attrs="override", join="exact")
        groups[name] = group.assign_coords({CHAIN: np.arange(first, first + group.sizes[CHAIN])})
    return xr.DataTree.from_dict(groups)


def _drawn(compiled: Any, sampler: Sampler, seed: int, indices: list[int], bar: _Bar | None) -> Any:
    """The chains of these indices as they come to their end: pairs of index and nutpie's tree."""
    import nutpie

    waiting, running = list(indices), dict[int, Any]()
    at_once = min(sampler.chains, os.cpu_count() or 1)
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                k = waiting.pop(0)
                running[k] = nutpie.sample(
                    compiled,
                    draws=sampler.draws,
                    tune=sampler.tune,
                    chains=1,
                    cores=1,
                    seed=int(np.random.SeedSequence([seed, k]).generate_state(1, np.uint64)[0]),
                    target_accept=sampler.target_accept,
                    maxdepth=sampler.max_tree_depth,
                    save_warmup=False,
                    progress_bar=False,
                    progress_callback=partial(bar.update, k) if bar else None,
                    progress_rate=_REPORT,
                    blocking=False,
                )
            time.sleep(_LOOK)
            for k in [k for k, one in running.items() if _is_finished(one)]:
                chain = running.pop(k).wait()
                if chain["posterior"].sizes[DRAW] < sampler.draws:  # nutpie's answer to Ctrl-C
                    raise KeyboardInterrupt
                yield k, chain
    finally:
        for one in running.values():  # or their threads outlive Python
            one.cancel()


def _is_finished(chain: Any) -> bool:
    try:
        return chain.is_finished
    except TimeoutError:  # nutpie's answer while it draws
        return False


def _named(tree: xr.DataTree, density: Density | None) -> xr.DataTree:
    """A chain with named variables, whatever nutpie drew."""
    if density:
        tree["posterior"] = xr.DataTree(density.posterior(tree["posterior"].to_dataset()[_VECTOR].values))
    return xr.DataTree.from_dict({name: tree[name].to_dataset() for name in ("posterior", "sample_stats")})


def _store(compiled: Any, sampler: Sampler, seed: int, folder: Path) -> ChainStore:
    start = np.asarray(compiled._make_initial_points(seed), dtype="float64")
    return ChainStore.of(folder, sampler, seed, _log_density(compiled), start)


def _log_density(compiled: Any) -> Callable[[np.ndarray], Any]:
    """Log density and gradient of an unconstrained vector, as nutpie calls them."""
    return partial(compiled._make_logp_func(), **compiled._shared_data)


def _compiled_pymc(model: Any) -> Any:
    import nutpie

    compiled: Any = nutpie.compile_pymc_model(model, backend="jax", gradient_backend="pytensor")
    return replace(compiled, _make_initial_points=_densest(compiled._make_initial_points, _log_density(compiled)))


def _densest(
    start: Callable[[int], np.ndarray], log_density: Callable[[np.ndarray], Any]
) -> Callable[[int], np.ndarray]:
    """Starting points as `Density.starts` chooses them: the densest of several of PyMC's own."""

    def chosen(seed: int) -> np.ndarray:
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


class _Bar:
    """One bar for all chains, with the number of divergences; ``update`` is called from the threads of chains."""

    def __init__(self, sampler: Sampler, done: int) -> None:
        each = sampler.draws + sampler.tune
        self._progress = Progress(
            TextColumn("sampling"),
            BarColumn(),
            TextColumn("{task.completed:.0f} of {task.total:.0f} iterations,"),
            TextColumn("{task.fields[divergences]} divergences"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            transient=False,
        )
        self._before, self._chains = done * each, dict[int, Any]()
        self._task = self._progress.add_task(
            "sampling", total=sampler.chains * each, completed=self._before, divergences=0
        )

    def start(self) -> None:
        self._progress.start()

    def update(self, index: int, chains: Any) -> None:
        self._chains[index] = chains[0]
        self._progress.update(
            self._task,
            completed=self._before + sum(chain.finished_draws for chain in self._chains.values()),
            divergences=sum(chain.divergences for chain in self._chains.values()),
        )

    def stop(self) -> None:
        self._progress.stop()
