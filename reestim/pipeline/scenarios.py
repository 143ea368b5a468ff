"""Scenario files over the draws of a run: posterior and prior through the equilibrium of the run's own economy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reestim.errors import InputError, Problem
from reestim.pipeline.scenario_fit import read_scenarios
from reestim.pipeline.transfer import with_carried_draws, with_estimated_draws
from reestim.runs.record import RunRecord

if TYPE_CHECKING:
    import xarray as xr

    from reestim.equilibrium.economy import Economy
    from reestim.equilibrium.scenario import Scenario

#: Draws of the prior whose welfare is computed, at most.
MOST_PRIOR_DRAWS = 200
#: Group of the split of the variance of welfare, and why a run may lack it.
VARIANCE = "welfare_variance"
NOT_ASKED = "not asked for (--no-variance)"


def solve_scenarios(
    post: xr.DataTree,
    scenarios: Sequence[Path],
    *,
    technology: Sequence[str],
    draws: int | None,
    progress: bool,
    allow_unsolved: bool = False,
    years: Sequence[int] | None = None,
    chunks: Path | None = None,
    executor: str | None = None,
    inputs: str = "fixed",
    seed: int | None = None,
) -> xr.DataTree:
    """Posterior draws through the equilibrium of the run's own economy, for each scenario file; and draws of the prior
    (group ``prior_counterfactual``), so that welfare can be set against what it was before the data. Of a run whose
    draws were carried to another economy they are those, and ``posterior`` stays as it was estimated.

    ``years`` are those of ``technology`` "transition"; ``chunks`` is a folder that keeps finished
    draws, to go on from after a kill; ``executor`` is the address of a Dask scheduler; ``inputs`` and ``seed`` as in
    :func:`reestim.counterfactual`.

    Raises InputError (scenario and economy do not fit) or UnsolvedDrawsError.
    """
    from reestim.counterfactuals.counterfactual import counterfactual

    economy, scenario_files = on_economy(post, scenarios)
    policies = [scenario for _, scenario in scenario_files]
    record = RunRecord.of(post)
    estimated, post = post, with_carried_draws(post)
    post = counterfactual(
        economy,
        policies,
        post.filter(lambda node: node.name != VARIANCE),  # of earlier scenarios
        technology=list(technology),
        years=years,
        store=chunks,
        executor=executor,
        draws=draws,
        progress=progress,
        allow_unsolved=allow_unsolved,
        inputs=inputs,
        seed=seed,
    )
    left_out = {name: why for name, why in record.left_out.items() if name != VARIANCE}
    record.but(scenarios=texts_of(scenario_files), left_out=left_out).attached(post)
    post = _with_prior(
        post,
        economy,
        policies,
        technology,
        min(draws or MOST_PRIOR_DRAWS, MOST_PRIOR_DRAWS),
        chunks,
        (inputs, seed),
        progress,
    )
    return with_estimated_draws(post, estimated).load()  # what was read from the chunks, which do not stay


def split_variance(post: xr.DataTree, scenarios: Sequence[Path], *, chunks: Path | None, progress: bool) -> xr.DataTree:
    """A run with its counterfactual, and the split of the variance of welfare (group ``welfare_variance``).

    ``chunks`` keeps the equilibria that it takes, to go on from after a kill. Raises InputError.
    """
    import xarray as xr

    from reestim.counterfactuals.variance import welfare_variance

    economy, scenario_files = on_economy(post, scenarios)
    policies, carried = [scenario for _, scenario in scenario_files], with_carried_draws(post)
    post[VARIANCE] = xr.DataTree(welfare_variance(economy, policies, carried, store=chunks, progress=progress))
    return post


def without_variance(post: xr.DataTree) -> xr.DataTree:
    """A run whose record says that the variance of welfare was not to be split."""
    record = RunRecord.of(post)
    return record.but(left_out=record.left_out | {VARIANCE: NOT_ASKED}).attached(post)


def on_economy(post: xr.DataTree, scenarios: Sequence[Path]) -> tuple[Economy, list[tuple[Path, Scenario]]]:
    """The economy of a run and the scenarios of the files. Raises InputError where they do not fit it."""
    from reestim.equilibrium.economy import Economy

    if "economy" not in post.children:
        advice = "Fit it again with this version, which keeps the economy in the run."
        raise InputError(Problem("this run does not hold the economy it was fitted on", advice))
    economy = Economy(post["economy"].to_dataset())
    scenario_files, problems = read_scenarios(scenarios, economy)
    if problems:
        raise InputError(problems, "a scenario cannot be used")
    return economy, scenario_files


def _with_prior(
    post: xr.DataTree,
    economy: Economy,
    policies: Sequence[Scenario],
    technology: Sequence[str],
    draws: int,
    chunks: Path | None,
    inputs: tuple[str, int | None],
    progress: bool,
) -> xr.DataTree:
    """The same scenarios at draws of the prior, inputs drawn or fixed as for the posterior.

    Those without an equilibrium are marked; none at all is no failure.
    """
    import xarray as xr

    from reestim.checks import prior_welfare
    from reestim.counterfactuals.counterfactual import counterfactual
    from reestim.errors import ParameterError

    static = [name for name in technology if name != "transition"]
    post = post.filter(lambda node: node.name != prior_welfare.GROUP)  # of earlier scenarios
    if "prior" not in post.children:
        return post
    try:
        effects = counterfactual(
            economy,
            policies,
            post,
            technology=static,
            draws=draws,
            store=chunks,
            progress=progress,
            allow_unsolved=True,
            group="prior",
            inputs=inputs[0],
            seed=inputs[1],
        )
    except ParameterError:  # no draw of the prior has an equilibrium: then there is nothing to show
        return post
    before = effects[prior_welfare.GROUP].to_dataset()
    post[prior_welfare.GROUP] = xr.DataTree(before[[name for name in prior_welfare.SOLVED_OUTCOMES if name in before]])
    return post


def texts_of(scenarios: Sequence[tuple[Path, Scenario]]) -> dict[str, str]:
    """The files by the names of their scenarios, which a counterfactual has but once; two files may share a name."""
    return {scenario.name: path.read_text(encoding="utf-8") for path, scenario in scenarios}
