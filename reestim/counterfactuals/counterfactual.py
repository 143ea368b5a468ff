"""Posterior draws through the equilibrium: one call from a posterior to counterfactual welfare with its uncertainty."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import xarray as xr

from reestim.counterfactuals.executors import open_executor
from reestim.counterfactuals.inputs import FIXED, inputs_of
from reestim.counterfactuals.plan import BATCHES, SweepPlan, chunk_size, feasible_draws, parameters_of
from reestim.dims import CHAIN, COUNTRY, DRAW, SCENARIO, SECTOR, TECHNOLOGY, YEAR
from reestim.draws import thinned
from reestim.equilibrium.diagnosis import FAILURES
from reestim.equilibrium.economy import Economy
from reestim.equilibrium.parameters import Parameters
from reestim.equilibrium.scenario import Scenario
from reestim.equilibrium.transition import check_years
from reestim.equilibrium.welfare import labels_of
from reestim.errors import MAX_UNSOLVED, InputError, Problem, UnsolvedDrawsError
from reestim.runs.parts import CounterfactualRecord

if TYPE_CHECKING:
    from distributed import Client

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
    inputs: str = FIXED,
    seed: int | None = None,
) -> xr.DataTree:
    """Solve every scenario and technology at every posterior draw.

    Parameters
    ----------
    economy
        The baseline.
    scenarios
        One or several; each has its name.
    post
        Any DataTree whose group ``posterior`` (chain, draw, ...) holds names of :class:`Parameters`; what it lacks
        comes from ``defaults``. σ needs only the sectors that use rare earths.
    group
        ``"prior"`` takes the draws of that group instead, and the result is ``prior_counterfactual``: what the study
        held to be possible before the data. Draws without an equilibrium are likelier there, see ``allow_unsolved``.
    technology
        ``"fixed"``, ``"directed"``, ``"frontier"`` (directed without the gap ω; at least one of them), and
        ``"transition"``, which needs ``years``.
    draws
        How many draws to use in all, evenly spaced over each chain; ``None`` uses every one. All scenarios and
        technologies see the same draws, so their differences are exact (:func:`reestim.scenario_difference`).
    defaults
        Parameters that the draws lack; None for those of :class:`Parameters`.
    tolerance
        Largest relative residual of any equation at a solution.
    progress
        Show a bar.
    allow_unsolved
        Go on where more than 1 % of the draws of a scenario have no equilibrium.
    supply
        ``"independent"`` or ``"joint"``, as in :func:`reestim.solve`.
    years
        Consecutive years of the transition.
    chunk
        Consecutive draws that are solved together and depend on no others; by default at least 256.
    store
        A folder that keeps every chunk as soon as it is solved. The same call after a kill, at whatever moment, reads
        back the whole chunks that it finds and solves the rest. The group is then read from there, each variable when
        it is used, so that memory is bounded by a chunk and not by the number of draws.
    executor
        A Dask ``Client``, the address of a scheduler, or ``"local"`` for a cluster on this machine during the call:
        chunks are solved by its workers, the same bits as here on processors of the same kind. ``store`` is written by
        this process.
    devices
        ``"all"`` or a list of ``jax.devices()``: chunks are dealt over several devices of this process.
    inputs
        ``"fixed"`` takes the data of the economy as known. ``"drawn"`` gives every draw a baseline of its own: what the
        economy says of the errors of its data (docs/inputs.md) is drawn beside the parameters, independent of them.
    seed
        Of the drawn inputs.

    Returns
    -------
    xarray.DataTree
        A copy of ``post`` with the group ``counterfactual``, dims (scenario, technology, chain, draw, country |
        sector), log changes unless ``attrs["units"]`` says otherwise, with ``solved``, ``reason``, ``residual`` and
        ``steps``; the group ``inputs``, factors of each draw, where they are drawn; and the group ``economy``, the
        baseline it was computed on
        (``Economy(post["economy"].to_dataset())``), without the mines that a scenario adds to it. A transition adds
        ``welfare_path``, ``solved_path`` and so on over (scenario, chain, draw, year, country | sector).

    Raises
    ------
    InputError, ParameterError
        Before anything is solved.
    UnsolvedDrawsError
        If more than 1 % of the draws of a scenario have no equilibrium, unless ``allow_unsolved``.

    Examples
    --------
    >>> result = ree.counterfactual(economy, quota, fitted, "fixed", draws=4, progress=False)
    >>> dict(result["counterfactual"]["welfare"].sizes)
    {'scenario': 1, 'technology': 1, 'chain': 2, 'draw': 2, 'country': 3}
    """
    scenarios = [scenarios] if isinstance(scenarios, Scenario) else list(scenarios)
    technology = [technology] if isinstance(technology, str) else list(technology)
    _check_request(scenarios, technology, post, economy, years, chunk, group)
    asked = check_years(years) if "transition" in technology else []
    samples = thinned(post[group].to_dataset(), draws)
    parameters, used = parameters_of(samples, defaults or Parameters())
    count = samples.sizes[CHAIN] * samples.sizes[DRAW]
    size = chunk_size(economy, count)
    unit = min(chunk or max(BATCHES * size, _DRAWS_PER_CHUNK), count)
    drawn = inputs_of(economy, inputs, seed, samples[CHAIN].values, samples[DRAW].values)
    baselines = [scenario.baseline(economy) for scenario in scenarios]
    policies = [
        {
            name: s.path(world, asked, supply) if name == "transition" else s.to_arrays(world, supply)
            for name in technology
        }
        for s, world in zip(scenarios, baselines, strict=True)
    ]
    sweeps = SweepPlan(
        parameters,
        technology,
        baselines,
        policies,
        [scenario.horizon for scenario in scenarios],
        asked,
        count,
        size,
        unit,
        tolerance,
        [
            {name: feasible_draws(parameters, world, name, s.horizon, count, unit) for name in technology}
            for s, world in zip(scenarios, baselines, strict=True)
        ],
        drawn,
    )
    labels = labels_of(economy)
    coords: dict[str, Any] = {
        SCENARIO: [scenario.name for scenario in scenarios],
        TECHNOLOGY: sweeps.static,
        CHAIN: samples[CHAIN].values,
        DRAW: samples[DRAW].values,
        COUNTRY: labels[COUNTRY],
        SECTOR: labels[SECTOR],
    } | ({YEAR: asked} if asked else {})
    if drawn is not None:
        for world in {id(world.baseline): world for world in baselines}.values():
            drawn.refuse_impossible(world, unit)
    what = "equilibria" if group == "posterior" else f"equilibria of the {group}"
    with open_executor(executor, devices) as run:
        ds = sweeps.solve(coords, run, Path(store) if store else None, progress, what)
    ds.attrs = CounterfactualRecord(
        tolerance=tolerance,
        supply=supply,
        scenarios={s.name: summarise_scenario(s) for s in scenarios},
        parameters_from_posterior=tuple(used),
        inputs=inputs,
        draws=f"{count} of {post[group].sizes[CHAIN] * post[group].sizes[DRAW]} {group} draws",
    ).attributes()
    out = post.copy()
    out["counterfactual" if group == "posterior" else f"{group}_counterfactual"] = xr.DataTree(ds)
    out["economy"] = xr.DataTree(economy.ds)
    name = "inputs" if group == "posterior" else f"{group}_inputs"
    if name in out.children:
        del out[name]  # of an earlier call
    if drawn is not None:
        out[name] = xr.DataTree(drawn.dataset(samples[CHAIN].values, samples[DRAW].values))
    _refuse_unsolved(ds, allow_unsolved)
    return out


def summarise_scenario(scenario: Scenario) -> dict[str, Any]:
    """A scenario as JSON values; arrays are summarised by their range.

    Parameters
    ----------
    scenario
        The scenario.

    Returns
    -------
    dict
        description, year, horizon, policies, and what else it states.

    Examples
    --------
    >>> from reestim.counterfactuals.counterfactual import summarise_scenario
    >>> summarise_scenario(quota)["policies"][0]["policy"]
    'export_quota'
    """
    out: dict[str, Any] = {"description": scenario.description, "year": scenario.year, "horizon": scenario.horizon}
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


def _refuse_unsolved(ds: xr.Dataset, allow: bool) -> None:
    worst = float((1 - ds.solved.mean((CHAIN, DRAW))).max())
    counts = [ds.reason]
    if "solved_path" in ds:  # a draw is solved if all its years are
        worst = max(worst, float((1 - ds.solved_path.all(YEAR).mean((CHAIN, DRAW))).max()))
        counts.append(ds.reason_path.max(YEAR))
    if worst > MAX_UNSOLVED and not allow:
        number = {why: sum(int((reason == why).sum()) for reason in counts) for why in FAILURES}
        reasons = ", ".join(f"{n} {why.meaning}" for why, n in number.items() if n)
        raise UnsolvedDrawsError(
            f"{worst:.1%} of the draws of a scenario are unsolved ({reasons}); at most {MAX_UNSOLVED:.0%} may be: "
            "a summary of the rest would leave out the hard ones. Use a smaller shock, a tighter prior, or "
            "allow_unsolved=True to see which they are."
        )
