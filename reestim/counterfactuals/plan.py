"""The chunks of a counterfactual: which draws, scenarios and technologies they hold, and their way into one Dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Bool
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from reestim.counterfactuals.assembly import Assembly, assembly_in, open_assembly, to_variables
from reestim.counterfactuals.chunk_store import fingerprint
from reestim.counterfactuals.executors import Chunk, Executor, solve_chunks
from reestim.counterfactuals.inputs import SAMPLE, DrawnInputs
from reestim.dims import CHAIN, DRAW, SCENARIO, TECHNOLOGY
from reestim.editions import first_edition_draws, is_first_edition
from reestim.equilibrium.economy import Economy
from reestim.equilibrium.parameters import Parameters
from reestim.equilibrium.policy_arrays import PolicyArrays
from reestim.errors import InputError, ParameterError, Problem

#: Outcomes of every draw; bilateral arrays are left out, those of a whole sweep would not fit in memory.
DRAW_OUTCOMES = (
    "welfare",
    "real_wage",
    "income",
    "price_index",
    "welfare_first_order",
    "terms_of_trade",
    "volume_of_trade",
    "technology_effect",
    "endowment_effect",
    "waste_effect",
    "determinate",
    "output",
    "exports",
    "price",
    "unit_cost",
    "ree_price",
    "ree_technology",
    "ree_share",
    "quota_rent",
    "licence_price",
)

#: Outcomes of every year of a transition, named with ``_path`` behind.
YEAR_OUTCOMES = (
    "welfare",
    "real_wage",
    "income",
    "price_index",
    "output",
    "exports",
    "ree_price",
    "ree_technology",
    "quota_rent",
    "licence_price",
)

_BYTES_PER_CHUNK = 7e7
#: Batches of draws that one call of the sweep solves: each call has a reference draw of its own, which costs time.
BATCHES = 16
_COLUMNS = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())


@dataclass(frozen=True)
class SweepPlan:
    """All equilibria that were asked for, in chunks of ``unit`` consecutive draws of one scenario and technology."""

    parameters: Parameters  # along SAMPLE
    technology: Sequence[str]
    baselines: Sequence[Economy]  # of each scenario: the economy with its mines
    policies: Sequence[Mapping[str, PolicyArrays]]  # of each scenario, by technology
    horizons: Sequence[str]  # of each scenario
    years: Sequence[int]  # of the transition
    count: int  # draws in all
    size: int  # draws solved at once
    unit: int
    tolerance: float
    feasible: Sequence[Mapping[str, Bool[np.ndarray, " draw"]]]  # of each scenario, by technology: feasible draws
    inputs: DrawnInputs | None = None  # of each draw; None: as the data say

    @property
    def static(self) -> list[str]:
        """The technologies that stand still."""
        return [name for name in self.technology if name != "transition"]

    def jobs(self) -> list[tuple[int, str, int]]:
        """(scenario, technology, first draw) of every chunk."""
        firsts = range(0, self.count, self.unit)
        return [(k, name, first) for k in range(len(self.baselines)) for name in self.technology for first in firsts]

    def chunk(self, k: int, name: str, first: int) -> Chunk:
        """Everything that the equilibria of a chunk follow from."""
        good, index = self.feasible[k][name], np.arange(first, min(first + self.unit, self.count))
        # An infeasible draw is replaced by a feasible one: it cannot stall the batch, and `feasible` masks it later.
        index = np.where(good[index], index, np.argmax(good))
        draws = take_draws(self.parameters, index).to_batch(self.baselines[k], name, SAMPLE, self.horizons[k])
        if self.inputs is not None:
            draws = draws._replace(inputs=self.inputs.arrays(index))
        transition = name == "transition"
        return Chunk(
            transition,
            self.baselines[k].baseline,
            self.policies[k][name],
            draws,
            self.tolerance,
            YEAR_OUTCOMES if transition else DRAW_OUTCOMES,
            min(self.size, self.unit),
        )

    def solve(
        self, coords: Mapping[str, Any], run: Executor, store: Path | None, progress: bool, what: str
    ) -> xr.Dataset:
        """Results of all chunks over ``coords``: in memory, or read from ``store`` when used; a bar says ``what``."""
        if store is None:
            whole = Assembly(coords, None, self.unit)
            self._fill(whole, run, None, progress, what)
            return whole.dataset()
        place = store / "results" / f"{self._name(coords)}.zarr"
        with assembly_in(coords, place, self.unit) as whole:  # anew each time, from chunks, which are checked when read
            self._fill(whole, run, store, progress, what)
        return open_assembly(place)

    def _fill(self, whole: Assembly, run: Executor, store: Path | None, progress: bool, what: str) -> None:
        jobs = self.jobs()

        def solves(number: int, draws: int) -> int:
            return draws * (len(self.years) if jobs[number][1] == "transition" else 1)

        with progress_bar(progress) as bar:
            total = self.count * len(self.baselines) * (len(self.static) + len(self.years))
            task = bar.add_task(what, total=total)

            def advance(number: int, draws: int) -> None:
                bar.advance(task, solves(number, draws))

            def skipped(number: int, draws: int) -> None:  # it took no time, and must not make the rest look quick
                bar.update(task, total=(bar.tasks[0].total or 0) - solves(number, draws))

            for number, found in solve_chunks(len(jobs), lambda j: self.chunk(*jobs[j]), run, store, advance, skipped):
                k, name, first = jobs[number]
                transition = name == "transition"
                ahead = {SCENARIO: k} if transition else {SCENARIO: k, TECHNOLOGY: self.static.index(name)}
                good = self.feasible[k][name][first : first + self.unit]
                for variable, part in to_variables(found, good, transition).items():
                    whole.insert(variable, part, ahead, first)

    def _name(self, coords: Mapping[str, Any]) -> str:
        """Hash of what the results follow from, labels included."""
        values = {name: getattr(self.parameters, name) for name in Parameters.names()}
        return fingerprint(
            [economy.baseline for economy in self.baselines],
            [dict(policy) for policy in self.policies],
            {name: np.asarray(value) for name, value in values.items() if value is not None},
            [np.asarray(v) for v in coords.values()],
            self.technology,
            self.horizons,
            self.tolerance,
            self.size,
            self.unit,
            *([] if self.inputs is None else [self.inputs.seed, self.inputs.standard_deviations()]),
        )


def progress_bar(shown: bool) -> Progress:
    """The bar of whatever solves equilibria; silent unless ``shown``."""
    return Progress(*_COLUMNS, console=Console(stderr=True), disable=not shown)


def parameters_of(samples: xr.Dataset, defaults: Parameters) -> tuple[Parameters, list[str]]:
    """The parameters of draws (chain, draw, ...) along ``SAMPLE``, the others from ``defaults``; and which are drawn.

    Raises InputError where the draws hold none, or are of the first edition of the model.
    """
    if is_first_edition(samples.data_vars):
        raise InputError(first_edition_draws())
    used = [name for name in Parameters.names() if name in samples]
    if not used:
        advice = f"It needs at least one of {', '.join(Parameters.names())}."
        raise InputError(Problem("the posterior holds no parameter of the model", advice))
    stacked = samples[used].stack({SAMPLE: [CHAIN, DRAW]}).reset_index(SAMPLE, drop=True)
    values = {name: getattr(defaults, name) for name in Parameters.names()}
    return Parameters(**(values | {name: stacked[name] for name in used})), used


def chunk_size(economy: Economy, count: int) -> int:
    """Draws solved at once: bounds memory, whatever the number of draws."""
    cells = economy.baseline.trade_share.size + economy.baseline.input_share.size
    unknowns = economy.baseline.factor_income.size + 2 * economy.baseline.expenditure.size
    return int(np.clip(_BYTES_PER_CHUNK / (8 * (12 * cells + 4 * unknowns)), 1, min(256, count)))


def take_draws(parameters: Parameters, index: np.ndarray) -> Parameters:
    """Some of the draws."""
    values = {name: getattr(parameters, name) for name in Parameters.names()}
    at = {SAMPLE: index}
    return Parameters(
        **{n: v.isel(at) if isinstance(v, xr.DataArray) and SAMPLE in v.dims else v for n, v in values.items()}
    )


def feasible_draws(
    parameters: Parameters, economy: Economy, technology: str, horizon: str, count: int, unit: int
) -> Bool[np.ndarray, " draw"]:
    """Which draws are feasible; found chunk by chunk, which bounds the memory.

    Raises ParameterError for problems of all draws (labels, dimensions), and where no draw is feasible.
    """
    parts, problems = [], []
    for first in range(0, count, unit):
        index = np.arange(first, min(first + unit, count))
        good, wrong = take_draws(parameters, index).feasible(economy, technology, SAMPLE, horizon)
        parts.append(good)
        problems = problems or wrong
    feasible = np.concatenate(parts)
    if not feasible.any():
        raise ParameterError(problems, "no draw has an equilibrium in the model")
    return feasible
