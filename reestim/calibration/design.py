"""What is calibrated: a study on the covariates of its data, and welfare through the solver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from reestim import __version__
from reestim.counterfactuals.counterfactual import counterfactual
from reestim.dims import CHAIN, COUNTRY, DRAW
from reestim.equilibrium.economy import Economy
from reestim.equilibrium.parameters import Parameters
from reestim.equilibrium.scenario import Scenario
from reestim.errors import InputError, Problem
from reestim.estimate import fit as fitting
from reestim.estimate import sampling
from reestim.estimate.equilibrium_effects import is_solved
from reestim.estimate.gates import check_gates
from reestim.estimate.model import EstimationModel, SampledModel, adapt
from reestim.runs.record import RunRecord
from reestim.study.spec import Spec

WELFARE = "welfare"
#: Technology of the counterfactual whose welfare is calibrated.
_TECHNOLOGY = "directed"


class Shard(NamedTuple):
    """Every ``of``-th dataset from the ``number``-th (1 to ``of``): what one of several processes fits."""

    number: int
    of: int

    def holds(self, index: int) -> bool:
        """Whether the dataset of this index, from 0, is in the shard."""
        return index % self.of == self.number - 1


#: Everything.
WHOLE = Shard(1, 1)


def parse_shard(text: str | None) -> Shard:
    """``3/16``: the third of sixteen parts; None: the whole. Raises InputError for anything else."""
    if text is None:
        return WHOLE
    number, _, of = text.partition("/")
    if number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of):
        return Shard(int(number), int(of))
    advice = "Give the part and how many there are, as 3/16"
    raise InputError(Problem("not a part of the datasets", advice, column="--part", value=text))


@dataclass(frozen=True)
class SbcDesign:
    """One calibration: study, its inputs, the economy and scenario of the welfare number (None: no scenario in the
    study), how many datasets, and how many draws of each posterior a truth is ranked among.

    With ``run`` truths are draws of its posterior, and fits are given its data and the simulated ones (posterior SBC).
    """

    spec: Spec
    inputs: xr.Dataset
    economy: Economy
    scenario: Scenario | None
    simulations: int
    ranked: int
    seed: int
    run: xr.DataTree | None = None

    def record(self, **more: Any) -> dict[str, Any]:
        """What decides the numbers, for the folder that keeps them."""
        return {
            "study": self.spec.name,
            "study_hash": self.spec.hash,
            "dataset": self.inputs.attrs.get("dataset"),
            "dataset_hash": self.inputs.attrs.get("dataset_hash"),
            "countries": [str(c) for c in self.inputs[COUNTRY].values],
            "simulations": self.simulations,
            "ranked_among": self.ranked,
            "seed": self.seed,
            "sampler": self.spec.sampler.model_dump(),
            "scenario": self.scenario.name if self.scenario else None,
            "version": __version__,
            **more,
        }


def fewer_countries(inputs: xr.Dataset, count: int | None) -> xr.Dataset:
    """The inputs of the ``count`` countries with the most patents (without patents: the first), in their order.

    Raises InputError where there are not as many, or where the study puts the whole world into the loop.
    """
    if count is None or count == inputs.sizes[COUNTRY]:
        return inputs
    column, value = "--countries", count
    if is_solved(inputs):
        advice = "Leave --countries out: the equilibrium has all of them"
        raise InputError(Problem("this study solves the world economy in the loop", advice, column=column, value=value))
    if not 1 <= count <= inputs.sizes[COUNTRY]:
        advice = f"Give 1 to {inputs.sizes[COUNTRY]}"
        raise InputError(Problem("the data do not have as many countries", advice, column=column, value=value))
    size = (
        inputs["patent_count"].sum([d for d in inputs["patent_count"].dims if d != COUNTRY]).values
        if ("patent_count" in inputs)
        else -np.arange(inputs.sizes[COUNTRY])
    )
    return inputs.isel({COUNTRY: np.sort(np.argsort(-size, kind="stable")[:count])})


def sample_model(model: SampledModel, design: SbcDesign, seed: int) -> tuple[xr.Dataset, RunRecord]:
    """Posterior draws (chain, draw) of a model by the study's sampler, and a record of what its gates say."""
    sampler = design.spec.sampler
    tree = sampling.SAMPLERS[sampler.name](model, sampler, seed, False)
    posterior = tree["posterior"].to_dataset()
    statistics = sampling.statistics(tree["sample_stats"].to_dataset(), sampler.max_tree_depth)
    judged = xr.DataTree.from_dict({"posterior": posterior, "sample_stats": statistics})
    return posterior, RunRecord.read({"gates": check_gates(judged, design.spec.gates).as_dict()})


def ranked_draws(posterior: xr.Dataset, count: int) -> xr.Dataset:
    """Exactly ``count`` draws along the one dimension ``draw``, evenly spaced over all chains one after another: nearly
    independent, and as many for every fit, so that ranks compare."""
    total = posterior.sizes[CHAIN] * posterior.sizes[DRAW]
    stacked = posterior.stack(all=(CHAIN, DRAW)).reset_index("all", drop=True).rename({"all": DRAW})
    place = np.linspace(0, total - 1, min(count, total)).round().astype(int)
    return stacked.isel({DRAW: place}).transpose(DRAW, ...).drop_vars([CHAIN, DRAW], errors="ignore")


def as_one_chain(draws: xr.Dataset) -> xr.Dataset:
    """Draws (draw, ...) as those of one chain (chain, draw, ...), numbered."""
    return draws.expand_dims(CHAIN).assign_coords({CHAIN: [0], DRAW: range(draws.sizes[DRAW])})


def with_welfare(draws: xr.Dataset, design: SbcDesign) -> xr.Dataset:
    """The same draws with ``welfare`` (draw, country): ln of real income in the study's first scenario, solved at each
    draw; missing where there is no equilibrium."""
    if design.scenario is None:
        return draws
    parameters = draws[[name for name in Parameters.names() if name in draws]]
    tree = xr.DataTree.from_dict({"posterior": as_one_chain(parameters)})
    welfare = counterfactual(
        design.economy, design.scenario, tree, technology=(_TECHNOLOGY,), progress=False, allow_unsolved=True
    )["counterfactual"].to_dataset()[WELFARE]
    values = welfare.isel(scenario=0, technology=0, chain=0, drop=True).transpose(DRAW, COUNTRY)
    return draws.assign({WELFARE: ((DRAW, "welfare_country"), values.values)}).assign_coords(
        welfare_country=[str(c) for c in welfare[COUNTRY].values]
    )


def model_of(design: SbcDesign) -> EstimationModel:
    """The study's model on the inputs; InputError with all that keeps it from being sampled."""
    model = adapt(fitting.build(design.spec, design.inputs))
    problems = sampling.problems(design.spec.sampler, model)
    if problems:
        raise InputError(problems, "the model cannot be sampled")
    return model
