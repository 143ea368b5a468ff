"""What mislabelled patents do to a study that believes them, and what the label-noise block of equation (13) undoes.

Data are simulated at a stated truth (`reestim.evidence.simulate`): patents whose labels err at a stated rate,
their audit, a sectoral panel of use. Each dataset is fitted twice: with the block, and with labels taken for the true
classes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from reestim.calibration.design import WHOLE, SbcDesign, Shard, model_of, ranked_draws, sample_model
from reestim.calibration.fit_store import DRAWS, TRUTH, load_fit, save_fit
from reestim.calibration.summary import covers_truth
from reestim.dims import COUNTRY, DRAW, LABELS, SECTOR
from reestim.errors import InputError, Problem
from reestim.estimate.inputs import assemble
from reestim.evidence.simulate import simulate_evidence, true_sigma
from reestim.evidence.truth import Truth
from reestim.intervals import COUNTED_LEVELS, LEVEL, ends
from reestim.study.prior import Prior
from reestim.technology import innovation_passthrough

if TYPE_CHECKING:
    from reestim.data.dataset import Dataset

#: Treatment of the labels: ``evidence.label_error`` of the study.
TREATMENTS = {"label-noise model": True, "naive counts": False}
#: Simulated unit values have no error.
EXACT_UNIT_VALUES = {"unit_value_error": Prior.model_validate({"distribution": "Fixed", "value": 0.0})}
_PARAMETERS = {"innovation_passthrough": "m", "sigma": "σ", "kappa": "κ"}


@dataclass(frozen=True)
class PatentWorld:
    """What patents are simulated on: economy, q (country, sector, year), z, and the true parameters."""

    io: xr.Dataset
    price: xr.DataArray
    substitutability: xr.DataArray
    truth: Truth
    policy_year: int


def world_of(data: Dataset) -> PatentWorld:
    """The world of a dataset, and its own ``[truth]``, where it has one."""
    from reestim.supply_chain.prices import relative_prices
    from reestim.supply_chain.ree_rows import ree_input_output
    from reestim.supply_chain.substitutability import substitutability

    io = ree_input_output(data)
    z = substitutability(data, io)
    truth = Truth.from_dict(data.meta.truth) if data.meta.truth else Truth(beta=(0.0,) * z.sizes["property"])
    return PatentWorld(io, relative_prices(data, io), z, truth, data.meta.policy_year)


def misclassified(truth: Truth, share: float) -> Truth:
    """The same truth with ``share`` of each class mislabelled, evenly over the other labels. Raises InputError unless
    0 ≤ share < 0.75 (beyond, labels point away from the classes)."""
    if not 0 <= share < 0.75:
        advice = "Give a share from 0 to below 0.75"
        raise InputError(Problem("labels cannot err that often", advice, column="--misclassified", value=share))
    wrong = share / (len(LABELS) - 1)
    confusion = np.full((len(LABELS), len(LABELS)), wrong) + (1 - share - wrong) * np.eye(len(LABELS))
    return replace(truth, confusion=tuple(map(tuple, confusion.tolist())))


def fewer(world: PatentWorld, countries: Sequence[str]) -> PatentWorld:
    """The world seen from these countries only: their prices and patents."""
    return replace(world, price=world.price.sel({COUNTRY: list(countries)}))


def compare_labels(
    design: SbcDesign,
    world: PatentWorld,
    folder: Path,
    done: Callable[[bool], object] = lambda _: None,
    so_far: bool = False,
    shard: Shard = WHOLE,
) -> dict[str, list[xr.DataTree]]:
    """Fits of the simulated datasets by treatment of the labels; kept in ``folder`` one by one. ``so_far``: those that
    are kept, no more; ``shard``: only these datasets.

    The study's evidence is used but for the event study; unit values are simulated without error and taken so.
    """
    evidence = design.spec.evidence.model_copy(update={"event_study": False, "equilibrium": False, "patents": True})
    fits: dict[str, list[xr.DataTree]] = {name: [] for name in TREATMENTS}
    seeds = np.random.SeedSequence(design.seed).generate_state(design.simulations)
    for index, seed in enumerate(seeds.tolist()):
        if not shard.holds(index):
            continue
        labels = {name: f"dataset-{index:04d}-{name.replace(' ', '-')}" for name in TREATMENTS}
        if so_far and any(load_fit(folder, label) is None for label in labels.values()):
            break
        tables = simulate_evidence(
            world.io, world.price, world.substitutability, world.truth, seed, outcomes=False, ree_use_panel=True
        )
        for name, label_error in TREATMENTS.items():
            label = labels[name]
            tree = load_fit(folder, label)
            done(tree is not None)
            if tree is None:
                begun = time.perf_counter()
                spec = design.spec.model_copy(
                    update={
                        "evidence": evidence.model_copy(update={"label_error": label_error}),
                        "priors": design.spec.priors | EXACT_UNIT_VALUES,
                    }
                )
                inputs = assemble(
                    world.io, world.price, world.substitutability, tables, spec.evidence, policy_year=world.policy_year
                )
                own = replace(design, spec=spec, inputs=inputs)
                posterior, record = sample_model(model_of(own), own, seed)
                draws = ranked_draws(posterior[list(_PARAMETERS)], design.ranked)
                record = record.but(sampling_seconds=round(time.perf_counter() - begun, 1))
                tree = save_fit(folder, label, draws, truths(world, seed, inputs), record)
            fits[name].append(tree)
    return fits


def truths(world: PatentWorld, seed: int, inputs: xr.Dataset) -> xr.Dataset:
    """σ and m (sector) and κ behind a dataset: the stream of `simulate_evidence` that draws σ."""
    stream = np.random.default_rng(np.random.SeedSequence(seed).spawn(5)[0])
    z = world.substitutability.sel({SECTOR: world.price[SECTOR]})
    sigma = true_sigma(z, world.truth, stream).sel({SECTOR: inputs[SECTOR].values})
    m = innovation_passthrough(sigma, world.truth.kappa, world.truth.spillover)
    return xr.Dataset({"sigma": sigma, "innovation_passthrough": m, "kappa": world.truth.kappa})


def label_table(fits: Mapping[str, Sequence[xr.DataTree]]) -> pd.DataFrame:
    """One row a treatment and parameter: bias of the posterior mean with its standard error over datasets, root mean
    square error, mean width of the 90 % equal-tailed interval, coverage of 50 and 90 %, and ``slope`` of posterior
    means on truths over sectors (mean over datasets with ``slope_error``): below 1 where noise washes differences out.
    """
    rows = []
    for treatment, trees in fits.items():
        for variable, symbol in _PARAMETERS.items():
            parts: dict[str, list[Any]] = {"error": [], "width": [], "slope": [], "50": [], "90": []}
            for tree in trees:
                drawn, true = (tree[group].to_dataset()[variable] for group in (DRAWS, TRUTH))
                mean = drawn.mean(DRAW)
                low, high = (drawn.quantile(q, DRAW) for q in ends())
                parts["error"].append(np.atleast_1d((mean - true).values))
                parts["width"].append(float((high - low).mean()))
                parts["50"].append(float(covers_truth(drawn, true, COUNTED_LEVELS[0]).mean()))
                parts["90"].append(float(covers_truth(drawn, true, LEVEL).mean()))
                if true.size > 1:
                    parts["slope"].append(float(np.polyfit(true.values, mean.values, 1)[0]))
            error = np.array(parts["error"])
            row = {"treatment": treatment, "parameter": symbol, "datasets": len(trees)}
            row |= {
                "bias": float(error.mean()),
                "bias_error": _error(error.mean(axis=1)),
                "rmse": float(np.sqrt((error**2).mean())),
                "width_90": float(np.mean(parts["width"])),
            }
            for level in ("50", "90"):
                row |= {
                    f"coverage_{level}": float(np.mean(parts[level])),
                    f"coverage_{level}_error": _error(np.array(parts[level])),
                }
            slope = np.array(parts["slope"])
            row |= {"slope": float(slope.mean()) if slope.size else np.nan, "slope_error": _error(slope)}
            rows.append(row)
    return pd.DataFrame(rows)


def label_sentences(table: pd.DataFrame, share: float) -> list[str]:
    """What the table says of m, which patents measure."""
    m = table[table["parameter"] == "m"].set_index("treatment")
    noisy, naive = (m.loc[name] for name in TREATMENTS)
    return [
        f"{100 * share:.0f} % of labels are wrong. Posterior means of m answer the truth with slope "
        f"{naive['slope']:.2f} ± {naive['slope_error']:.2f} where labels are believed, {noisy['slope']:.2f} ± "
        f"{noisy['slope_error']:.2f} with the label-noise model (1: no bias; ± standard error over datasets).",
        f"90 % equal-tailed intervals of m held the truth in {100 * naive['coverage_90']:.0f} % where labels are "
        f"believed, {100 * noisy['coverage_90']:.0f} % with the label-noise model.",
    ]


def _error(values: np.ndarray) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")
