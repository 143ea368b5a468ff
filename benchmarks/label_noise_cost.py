"""How well the offline labeller labels, and what its mistakes cost in σ.

    python -m benchmarks.label_noise_cost                    # confusion only, seconds
    python -m benchmarks.label_noise_cost --fits 4           # and four simulated worlds a row, minutes

First the confusion of the offline labeller, by cross-validation on the corpus: ten stratified folds, and one field of
technology left out at a time. Then patents are simulated with each confusion (and with none) in the small world of the
recovery tests, and the default study is fitted with the label-noise block of equation (13) and with labels taken for
the true classes. One line a way, for σ and for the pass-through m of research, which patents measure directly: bias of
the posterior mean, root mean square error, mean width and coverage of the 90 % equal-tailed interval, over sectors and
worlds. All rows see the same worlds: true σ, prices, other evidence.
"""

from __future__ import annotations

import argparse
import logging
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from reestim.dims import LABELS
from reestim.estimate import fit as fitting
from reestim.estimate.gates import GateWarning
from reestim.labels import offline
from reestim.labels.agreement import agreement, confusion_counts
from reestim.labels.patents import read_corpus
from reestim.runs.record import RunRecord
from reestim.study.spec import Evidence, Gates
from reestim.technology import innovation_passthrough
from tests.recovery.study import TRUTH, default_spec, inputs_of, sampler_of

SEED = 2010
COUNTRIES = 5
PERFECT = pd.DataFrame(np.eye(len(LABELS)), list(LABELS), list(LABELS))


@dataclass(frozen=True)
class Cost:
    """A parameter against the truth, over worlds and sectors. width : of the 90 % equal-tailed interval; bias_error :
    standard error of the bias over worlds, NaN for one."""

    parameter: str
    bias: float
    bias_error: float
    rmse: float
    width: float
    coverage: float

    def __str__(self) -> str:
        return (
            f"{self.parameter:>3} {self.bias:+8.4f} ± {self.bias_error:.4f} {self.rmse:8.4f} {self.width:8.4f} "
            f"{self.coverage:8.2f}"
        )


def measured(leave_out_field: bool) -> pd.DataFrame:
    """Counts (human_label, machine_label) on texts of the corpus that the labeller had not seen."""
    corpus = read_corpus()
    fields = [str(p).split("-")[1] for p in corpus["patent_id"]] if leave_out_field else None
    found = offline.cross_validate(corpus, leave_out=fields)
    counts = confusion_counts(list(found.human), list(found.machine))
    print(f"\nConfusion, {found.folds}; rows: true class, columns: label\n{counts.to_string()}")
    scores = agreement(counts, "random")
    print(f"macro-F1 {scores.macro_f1}, kappa {scores.kappa}, accuracy {scores.accuracy} (median [90 % equal-tailed])")
    return counts


def costs(confusion: pd.DataFrame, *, block: bool, worlds: Sequence[int], draws: int) -> tuple[list[Cost], list[str]]:
    """Fit worlds whose labels have this confusion (true class, label; rows are scaled to sum to one): the cost in σ and
    in m, and the gates that failed (``world: gate value``)."""
    shares = confusion.div(confusion.sum(axis=1), axis=0).to_numpy()
    truth = replace(TRUTH, confusion=tuple(map(tuple, shares.tolist())))
    spec, gates, failed = default_spec(), Gates(max_r_hat=1.05, min_ess=50.0), []
    found: dict[str, list[tuple[np.ndarray, np.ndarray, np.ndarray]]] = {"σ": [], "m": []}
    for world in worlds:
        inputs, sigma = inputs_of(world, truth, Evidence(label_error=block), countries=COUNTRIES)
        model = fitting.build(spec, inputs)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GateWarning)  # what failed is returned
            post = fitting.fit(model, sampler_of(spec, draws, draws), seed=SEED, progress=False, gates=gates)
        true = {"σ": sigma, "m": innovation_passthrough(sigma, truth.kappa, truth.spillover)}
        for name, variable in (("σ", "sigma"), ("m", "innovation_passthrough")):
            drawn = post["posterior"][variable].sel(sector=sigma["sector"])
            low, high = (drawn.quantile(q, ["chain", "draw"]) for q in (0.05, 0.95))
            error = drawn.mean(["chain", "draw"]) - true[name]
            inside = (low <= true[name]) & (true[name] <= high)
            found[name].append((np.asarray(error), np.asarray(high - low), np.asarray(inside)))
        verdict = RunRecord.of(post).gates
        rows_of_gates = verdict.gates if verdict else ()
        failed += [f"{world}: {g.gate} {g.value or np.nan:.3g} at {g.where}" for g in rows_of_gates if not g.passed]
    rows = [_cost(name, *map(np.array, zip(*fits, strict=True))) for name, fits in found.items()]
    return rows, failed


def _cost(name: str, error: np.ndarray, width: np.ndarray, inside: np.ndarray) -> Cost:
    """From arrays (world, sector)."""
    by_world, n = error.mean(axis=1), len(error)
    spread = float(by_world.std(ddof=1) / np.sqrt(n)) if n > 1 else float("nan")
    rmse = float(np.sqrt((error**2).mean()))
    return Cost(name, float(error.mean()), spread, rmse, float(width.mean()), float(inside.mean()))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--fits", type=int, default=0, help="simulated worlds a row")
    parser.add_argument("--draws", type=int, default=500, help="draws, and as many to tune, on each of two chains")
    wanted = parser.parse_args()
    logging.getLogger("pymc").setLevel(logging.ERROR)
    folds, fields = measured(leave_out_field=False), measured(leave_out_field=True)
    if not wanted.fits:
        return
    worlds = range(SEED, SEED + wanted.fits)
    print(
        f"\nSIMULATED: the small world of tests/recovery/world.py, {COUNTRIES} countries, 8 sectors, 15 years, about "
        f"{TRUTH.patents_per_cell:g} patents a cell, an audit of {TRUTH.audit_size} {TRUTH.audit_design}; seeds "
        f"{worlds[0]} to {worlds[-1]}, {wanted.draws} draws on two chains"
    )
    rows = [
        ("none wrong", PERFECT, False),
        ("ten folds", folds, True),
        ("ten folds", folds, False),
        ("field left out", fields, True),
        ("field left out", fields, False),
    ]
    print(f"{'labels':15} {'treated':18} {'':3} {'bias':>17} {'rmse':>8} {'width':>8} {'covered':>8}")
    for name, confusion, block in rows:
        begun = time.perf_counter()
        found, failed = costs(confusion, block=block, worlds=worlds, draws=wanted.draws)
        treated = "label-noise block" if block else "taken for true"
        for one in found:
            print(f"{name:15} {treated:18} {one}")
        print(f"{'':34} gates failed: {'; '.join(failed) or 'none'}; {time.perf_counter() - begun:.0f} s", flush=True)


if __name__ == "__main__":
    main()
