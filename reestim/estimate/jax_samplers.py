"""NUTS on a `Density`: NumPyro's and BlackJAX's, chains side by side in one compiled program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import numpy as np
import xarray as xr
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from reestim.dims import CHAIN, DRAW
from reestim.estimate.density import Density

if TYPE_CHECKING:
    from reestim.study.spec import Sampler

#: Between two of these a BlackJAX run can be watched and interrupted.
_CHUNKS = 20


def numpyro(density: Density, sampler: Sampler, seed: int, progress: bool) -> xr.DataTree:
    """NumPyro's NUTS."""
    from numpyro.infer import MCMC, NUTS

    def potential(x: Any) -> Any:
        return -density.log_density(x)

    kernel = NUTS(
        potential_fn=potential, target_accept_prob=sampler.target_accept, max_tree_depth=sampler.max_tree_depth
    )
    chains = sampler.chains
    mcmc = MCMC(
        kernel,
        num_warmup=sampler.tune,
        num_samples=sampler.draws,
        num_chains=chains,
        chain_method="vectorized",
        progress_bar=progress,
    )
    start = density.starts(seed, chains)
    fields = ("num_steps", "potential_energy", "energy", "accept_prob", "diverging")
    mcmc.run(jax.random.key(seed), init_params=start if chains > 1 else start[0], extra_fields=fields)
    extra: Any = mcmc.get_extra_fields(group_by_chain=True)
    steps = np.asarray(extra["num_steps"])
    stats = {
        "diverging": extra["diverging"],
        "energy": extra["energy"],
        "lp": -np.asarray(extra["potential_energy"]),
        "n_steps": steps,
        "tree_depth": np.floor(np.log2(steps)).astype(int) + 1,  # 2^(d-1) <= steps < 2^d
        "acceptance_rate": extra["accept_prob"],
    }
    draws: Any = mcmc.get_samples(group_by_chain=True)
    return _tree(density, draws, stats)


def blackjax(density: Density, sampler: Sampler, seed: int, progress: bool) -> xr.DataTree:
    """BlackJAX's NUTS after its window adaptation (diagonal metric)."""
    import blackjax

    window_adaptation: Any = blackjax.window_adaptation
    nuts: Any = blackjax.nuts
    key_tune, key_draw = jax.random.split(jax.random.key(seed))
    depth = {"max_num_doublings": sampler.max_tree_depth}
    adapt = window_adaptation(
        nuts,
        density.log_density,
        target_acceptance_rate=sampler.target_accept,
        adaptation_info_fn=lambda *_: None,
        **depth,
    )

    @jax.jit
    @jax.vmap
    def warm_up(key: Any, start: Any) -> Any:
        (state, tuned), _ = adapt.run(key, start, num_steps=sampler.tune)
        return state, {name: tuned[name] for name in ("step_size", "inverse_mass_matrix")}

    @jax.jit
    @jax.vmap
    def advance(state: Any, tuned: Any, keys: Any) -> Any:
        step = nuts(density.log_density, **tuned, **depth).step

        def one(state: Any, key: Any) -> Any:
            state, info = step(key, state)
            stats = {
                "diverging": info.is_divergent,
                "energy": info.energy,
                "lp": state.logdensity,
                "n_steps": info.num_integration_steps,
                "tree_depth": info.num_trajectory_expansions,
                "acceptance_rate": info.acceptance_rate,
            }
            return state, (state.position, stats)

        return jax.lax.scan(one, state, keys)

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, disable=not progress) as bar:
        task = bar.add_task("warming up", total=sampler.draws)
        state, tuned = jax.block_until_ready(
            warm_up(jax.random.split(key_tune, sampler.chains), density.starts(seed, sampler.chains))
        )
        bar.update(task, description="sampling")
        keys = jax.random.split(key_draw, (sampler.chains, sampler.draws))
        size = max(1, -(-sampler.draws // _CHUNKS))
        parts = []
        for first in range(0, sampler.draws, size):
            state, part = jax.block_until_ready(advance(state, tuned, keys[:, first : first + size]))
            parts.append(jax.tree.map(np.asarray, part))
            bar.advance(task, min(size, sampler.draws - first))
    draws, stats = jax.tree.map(lambda *values: np.concatenate(values, axis=1), *parts)
    return _tree(density, draws, stats)


def _tree(density: Density, draws: Any, stats: dict[str, Any]) -> xr.DataTree:
    chains, count = np.shape(draws)[:2]
    coords = {CHAIN: range(chains), DRAW: range(count)}
    statistics = xr.Dataset({k: ((CHAIN, DRAW), np.asarray(v)) for k, v in stats.items()}, coords=coords)
    return xr.DataTree.from_dict({"posterior": density.posterior(draws), "sample_stats": statistics})
