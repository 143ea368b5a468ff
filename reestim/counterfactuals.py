"""Posterior draws through the equilibrium: one call from a posterior to counterfactual welfare with its uncertainty."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from reestim.chunks import joined
from reestim.dims import CHAIN, COUNTRY, DRAW, SCENARIO, SECTOR, TECHNOLOGY, YEAR
from reestim.draws import thinned
from reestim.equilibrium.diagnosis import OUTSIDE, REASONS
from reestim.equilibrium.economy import Economy
from reestim.equilibrium.parameters import Parameters
from reestim.equilibrium.scenario import Scenario
from reestim.equilibrium.sweep import Sweep, take
from reestim.equilibrium.transition import check_years
from reestim.equilibrium.welfare import VARIABLES, labels_of
from reestim.errors import MAX_UNSOLVED, InputError, Problem, UnsolvedDrawsError
from reestim.executors import Chunk, finished, opened

if TYPE_CHECKING:
    from distributed import Client

#: Results kept for every draw; bilateral arrays are left out, a sweep of them would not fit in memory.
KEPT = (
    "welfare", "real_wage", "income", "price_index", "welfare_first_order", "terms_of_trade", "volume_of_trade",
    "technology_effect", "endowment_effect", "determinate", "output", "exports", "price", "unit_cost", "ree_price",
    "ree_technology", "ree_share", "quota_rent",
)  # fmt: skip

#: Results kept for every year of a transition, under the name with ``_path`` behind it.
KEPT_PATH = (
    "welfare", "real_wage", "income", "price_index", "output", "exports", "ree_price", "ree_technology", "quota_rent",
)  # fmt: skip

_SAMPLE = "_sample"
_BYTES_PER_CHUNK = 7e7
#: Fewer draws a chunk would have too many of them solve a middle draw first.
_DRAWS_PER_CHUNK = 256


def counterfactual(
    economy: Economy,
    scenarios: Scenario | Sequence[Scenario],
    post: xr.DataTree,
    technology: Sequence[str] = ("fixed", "directed"),
    draws: int | None = None,
    defaults: Parameters | None = None,
    tolerance: float = 1e-12,
    progress: bool = True,
    allow_unsolved: bool = False,
    supply: str = "independent",
    years: Sequence[int] | None = None,
    store: str | Path | None = None,
    chunk: int | None = None,
    group: str = "posterior",
    executor: Client | str | None = None,
    devices: Sequence[Any] | str | None = None,
) -> xr.DataTree:
    """Solve every scenario and technology at every posterior draw.

    Parameters
    ----------
    post
        Any DataTree whose group ``posterior`` (chain, draw, ...) holds names of :class:`Parameters`; what it lacks
        comes from ``defaults``. σ needs only the sectors that use rare earths.
    group
        ``"prior"`` takes the draws of that group instead, and the result is ``prior_counterfactual``: what the study
        held to be possible before the data. Draws without an equilibrium are likelier there, see ``allow_unsolved``.
    technology
        ``"fixed"``, ``"directed"`` (at least one of them), and ``"transition"``, which needs ``years``.
    draws
        How many draws to use in all, evenly spaced over each chain; ``None`` uses every one. All scenarios and
        technologies see the same draws, so their differences are exact (:func:`reestim.scenario_difference`).
    supply
        ``"independent"`` or ``"joint"``, as in :func:`reestim.solve`.
    years
        Consecutive years of the transition.
    chunk
        Consecutive draws that are solved together and depend on no others; by default at least 256.
    store
        A folder that keeps every chunk as soon as it is solved. The same call after a kill, at whatever moment, reads
        back the whole chunks that it finds and solves the rest.
    executor
        A Dask ``Client``, the address of a scheduler, or ``"local"`` for a cluster on this machine during the call:
        chunks are solved by its workers, the same bits as here on processors of the same kind. ``store`` is written by
        this process.
    devices
        ``"all"`` or a list of ``jax.devices()``: chunks are dealt over several devices of this process.

    Returns
    -------
    A copy of ``post`` with the group ``counterfactual``, dims (scenario, technology, chain, draw, country | sector),
    log changes unless ``attrs["units"]`` says otherwise, with ``solved``, ``reason``, ``residual`` and ``steps``; and
    the group ``economy``, the baseline it was computed on (``Economy(post["economy"].to_dataset())``), without the
    mines that a scenario adds to it. A transition
    adds ``welfare_path`` etc. and ``solved_path``, ... over (scenario, chain, draw, year, country | sector).

    Raises
    ------
    InputError, ParameterError
        Before anything is solved.
    UnsolvedDrawsError
        If more than 1 % of the draws of a scenario have no equilibrium, unless ``allow_unsolved``.
    """
    scenarios = [scenarios] if isinstance(scenarios, Scenario) else list(scenarios)
    technology = [technology] if isinstance(technology, str) else list(technology)
    _check_request(scenarios, technology, post, economy, years, chunk, group)
    asked = check_years(years) if "transition" in technology else []
    samples = thinned(post[group].to_dataset(), draws)
    parameters, used = _parameters(samples, defaults or Parameters())
    draws_of = {name: parameters.to_batch(economy, name, _SAMPLE) for name in technology}
    static = [name for name in technology if name != "transition"]
    count = samples.sizes[CHAIN] * samples.sizes[DRAW]
    size = _chunk_size(economy, count)
    unit = min(chunk or max(4 * size, _DRAWS_PER_CHUNK), count)
    worlds = [scenario.world(economy) for scenario in scenarios]
    policies = [
        {name: s.path(world, asked, supply) if name == "transition" else s.to_arrays(world, supply)
         for name in technology}
        for s, world in zip(scenarios, worlds, strict=True)
    ]  # fmt: skip
    jobs = [(k, name, first) for k in range(len(worlds)) for name in technology for first in range(0, count, unit)]

    def chunk_of(number: int) -> Chunk:
        k, name, first = jobs[number]
        part = take(draws_of[name][0], np.arange(first, min(first + unit, count)))
        kept = KEPT_PATH if name == "transition" else KEPT
        policy = policies[k][name]
        return Chunk(name == "transition", worlds[k].baseline, policy, part, tolerance, kept, min(size, unit))

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    found: dict[tuple[int, str, int], Sweep] = {}
    with Progress(*columns, disable=not progress) as bar, opened(executor, devices) as run:
        total = count * len(worlds) * (len(static) + len(asked))
        task = bar.add_task("equilibria", total=total)

        def solves(number: int, draws: int) -> int:
            return draws * (len(asked) if jobs[number][1] == "transition" else 1)

        def advance(number: int, draws: int) -> None:
            bar.advance(task, solves(number, draws))

        def skipped(number: int, draws: int) -> None:  # it took no time, and must not make the rest look quick
            bar.update(task, total=(bar.tasks[0].total or 0) - solves(number, draws))

        folder = Path(store) if store else None
        for number, part in finished(len(jobs), chunk_of, run, folder, advance, skipped):
            found[jobs[number]] = part

    def labelled(k: int, name: str, years: Sequence[int] | None = None) -> xr.Dataset:
        whole = joined([found.pop((k, name, first)) for first in range(0, count, unit)])
        return _label(economy, whole, draws_of[name][1], samples, years)

    results: list[xr.Dataset] = []
    for k in range(len(worlds)):
        row = [labelled(k, name) for name in static]
        ds = xr.concat(row, xr.IndexVariable(TECHNOLOGY, static), combine_attrs="override")
        results.append(ds.merge(labelled(k, "transition", asked)) if asked else ds)
    names = [scenario.name for scenario in scenarios]
    ds = xr.concat(results, xr.IndexVariable(SCENARIO, names), combine_attrs="override")
    ds.attrs = {
        "tolerance": tolerance,
        "supply": supply,
        "scenarios": json.dumps({s.name: describe(s) for s in scenarios}),
        "parameters_from_posterior": json.dumps(used),
        "draws": f"{count} of {post[group].sizes[CHAIN] * post[group].sizes[DRAW]} {group} draws",
    }
    out = post.copy()
    out["counterfactual" if group == "posterior" else f"{group}_counterfactual"] = xr.DataTree(ds)
    out["economy"] = xr.DataTree(economy.ds)
    _refuse_unsolved(ds, allow_unsolved)
    return out


def describe(scenario: Scenario) -> dict[str, Any]:
    """A scenario in words and numbers that JSON holds; arrays are summarised by their range."""
    out: dict[str, Any] = {"description": scenario.description, "year": scenario.year}
    out["policies"] = [{"policy": policy.kind} | dataclasses.asdict(policy) for policy in scenario.policies]
    if scenario.mines:
        out["mines"] = [dataclasses.asdict(mine) for mine in scenario.mines]
    for name in ("tariff", "export_tax", "trade_cost", "productivity"):
        value = getattr(scenario, name)
        if value is not None:
            out[name] = {"dims": list(map(str, value.dims)), "min": float(value.min()), "max": float(value.max())}
    return out


def _check_request(
    scenarios: list[Scenario],
    technology: list[str],
    post: xr.DataTree,
    economy: Economy,
    years: Sequence[int] | None,
    chunk: int | None,
    group: str,
) -> None:
    problems = []
    if not economy.is_balanced:
        problems.append(Problem("this economy is not in equilibrium at its baseline", "Use economy.rebased()."))
    if group not in post.children:
        advice = "Pass what ree.fit or pm.sample returns." if group == "posterior" else "Name a group of its draws."
        problems.append(Problem(f"the DataTree has no group {group!r}", advice))
    if not scenarios or not technology:
        problems.append(Problem("nothing to solve", "Give at least one scenario and one technology."))
    if technology == ["transition"]:
        advice = "Add 'directed' (the long run) or 'fixed'."
        problems.append(Problem("a transition needs a static technology beside it", advice))
    if years is not None and "transition" not in technology:
        problems.append(Problem("years are for a transition", "Add 'transition' to technology.", value=list(years)))
    if chunk is not None and chunk < 1:
        problems.append(Problem("a chunk must hold draws", "Give at least 1.", value=chunk))
    for kind, names in (("scenario", [s.name for s in scenarios]), ("technology", technology)):
        for name in sorted({n for n in names if names.count(n) > 1}):
            problems.append(Problem(f"the {kind} {name!r} is given twice", "Give each a name of its own.", value=name))
    if problems:
        raise InputError(problems, "the counterfactual cannot be computed")


def _parameters(samples: xr.Dataset, defaults: Parameters) -> tuple[Parameters, list[str]]:
    """Parameters with one batch dimension; which of them came from the posterior."""
    used = [name for name in Parameters.names() if name in samples]
    if not used:
        advice = f"It needs at least one of {', '.join(Parameters.names())}."
        raise InputError(Problem("the posterior holds no parameter of the model", advice))
    stacked = samples[used].stack({_SAMPLE: [CHAIN, DRAW]}).reset_index(_SAMPLE, drop=True)
    values = {name: getattr(defaults, name) for name in Parameters.names()}
    return Parameters(**(values | {name: stacked[name] for name in used})), used


def _chunk_size(economy: Economy, count: int) -> int:
    """Draws solved at once: bounds memory, whatever the number of draws."""
    cells = economy.baseline.trade_share.size + economy.baseline.input_share.size
    unknowns = economy.baseline.factor_income.size + 2 * economy.baseline.expenditure.size
    return int(np.clip(_BYTES_PER_CHUNK / (8 * (12 * cells + 4 * unknowns)), 1, min(256, count)))


def _label(
    economy: Economy, part: Sweep, inside: np.ndarray, samples: xr.Dataset, years: Sequence[int] | None = None
) -> xr.Dataset:
    """One technology of one scenario: (chain, draw[, year], ...) with labels; unsolved draws are NaN."""
    lead = (samples.sizes[CHAIN], samples.sizes[DRAW])
    dims_ahead, suffix = ((CHAIN, DRAW), "") if years is None else ((CHAIN, DRAW, YEAR), "_path")
    labels = labels_of(economy)

    def over_draws(values: np.ndarray) -> np.ndarray:
        return values.reshape(*lead, *values.shape[1:])

    inside = inside.reshape(-1, *[1] * (part.solved.ndim - 1))
    solved = over_draws(part.solved & inside)
    data = {}
    for name, found in part.outcomes.items():
        dims, long_name, unit = VARIABLES[name]
        values = np.where(solved.reshape(*solved.shape, *[1] * len(dims)), over_draws(found), np.nan)
        data[name + suffix] = ((*dims_ahead, *dims), values, {"long_name": long_name, "units": unit})
    reason = np.where(over_draws(inside), over_draws(part.reason), OUTSIDE)
    codes, meanings = list(range(len(REASONS))), "; ".join(REASONS)
    status = {
        "solved": (solved, {"long_name": "equilibrium found within the tolerance"}),
        "reason": (reason, {"long_name": "why unsolved", "flag_values": codes, "flag_meanings": meanings}),
        "residual": (over_draws(part.residual), {"long_name": "largest relative residual of all equations"}),
        "steps": (over_draws(part.steps), {"long_name": "solver steps"}),
    }  # fmt: skip
    for name, (values, attrs) in status.items():
        data[name + suffix] = (dims_ahead, values, attrs)
    coords: dict[str, Any] = {
        CHAIN: samples[CHAIN].values,
        DRAW: samples[DRAW].values,
        COUNTRY: labels[COUNTRY],
        SECTOR: labels[SECTOR],
    }
    return xr.Dataset(data, coords=coords if years is None else coords | {YEAR: list(years)})


def _refuse_unsolved(ds: xr.Dataset, allow: bool) -> None:
    worst = float((1 - ds.solved.mean((CHAIN, DRAW))).max())
    counts = [ds.reason]
    if "solved_path" in ds:  # a draw is solved if all its years are
        worst = max(worst, float((1 - ds.solved_path.all(YEAR).mean((CHAIN, DRAW))).max()))
        counts.append(ds.reason_path.max(YEAR))
    if worst > MAX_UNSOLVED and not allow:
        number = [sum(int((reason == k).sum()) for reason in counts) for k in range(len(REASONS))]
        reasons = ", ".join(f"{n} {why}" for n, why in zip(number[1:], REASONS[1:], strict=True) if n)
        raise UnsolvedDrawsError(
            f"{worst:.1%} of the draws of a scenario are unsolved ({reasons}); at most {MAX_UNSOLVED:.0%} may be: "
            "a summary of the rest would leave out the hard ones. Use a smaller shock, a tighter prior, or "
            "allow_unsolved=True to see which they are."
        )
