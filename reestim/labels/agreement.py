"""How far a labeller agrees with people: the confusion that was counted, and what it says of all patents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize, stats

from reestim.dims import COUNTRY, LABELS, SECTOR, YEAR
from reestim.intervals import ends
from reestim.labels.shares import whole_counts

_DRAWS = 2000
SEED = 2010
HUMAN, MACHINE = "human_label", "machine_label"


@dataclass(frozen=True)
class Interval:
    """Posterior median and the ends of the 90 % equal-tailed interval."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True)
class Agreement:
    """Agreement of labeller and people among **all** patents, not only those audited (see ``agreement``).

    accuracy : share labelled as people would. kappa : Cohen's (1960), agreement beyond chance.
    macro_f1 : mean of the four F1 scores. f1, recall, precision : by label. confusion : P(label | human label),
    posterior medians (4, 4).
    """

    accuracy: Interval
    kappa: Interval
    macro_f1: Interval
    f1: dict[str, Interval]
    recall: dict[str, Interval]
    precision: dict[str, Interval]
    confusion: np.ndarray


def confusion_counts(human: Sequence[str], machine: Sequence[str]) -> pd.DataFrame:
    """Counts (human_label, machine_label) in the order of the taxonomy."""
    table = pd.crosstab(pd.Series(human, dtype="str"), pd.Series(machine, dtype="str"))
    table = table.reindex(index=list(LABELS), columns=list(LABELS), fill_value=0)
    return table.rename_axis(index=HUMAN, columns=MACHINE).astype("int64")


def expected_counts(rows: pd.DataFrame) -> pd.DataFrame:
    """Sums of ``weight`` (human_label, machine_label) in the order of the taxonomy."""
    table: Any = rows.pivot_table(index=HUMAN, columns=MACHINE, values="weight", aggfunc="sum", fill_value=0.0)
    return table.reindex(index=list(LABELS), columns=list(LABELS), fill_value=0.0)


def audit_rows(counts: pd.DataFrame, design: str) -> pd.DataFrame:
    """``label_audit`` of a dataset: ``human_label, machine_label, count, design``, all 16 cells."""
    rows = [(h, m, int(counts.to_numpy()[i, j]), design) for i, h in enumerate(LABELS) for j, m in enumerate(LABELS)]
    return pd.DataFrame(rows, columns=[HUMAN, MACHINE, "count", "design"])


def audit_cells(rows: pd.DataFrame, design: str) -> pd.DataFrame:
    """``label_audit`` of a dataset: ``human_label, machine_label``, those of ``country, sector, year`` that the rows
    have, ``count, design``.

    rows : one or several a patent, with ``weight`` (default 1). Sums of weights become whole numbers by
    ``whole_counts``, label after label. The cells that hold any, and a row for each other pair of labels, so that all
    16 are there.
    """
    at = [name for name in (COUNTRY, SECTOR, YEAR) if name in rows]
    place = {label: i for i, label in enumerate(LABELS)}
    weighed = rows if "weight" in rows else rows.assign(weight=1.0)
    grouped: Any = weighed.groupby([MACHINE, HUMAN, *at])["weight"].sum()
    sums = grouped.reset_index(name="count")
    by_label = sums.sort_values([MACHINE, HUMAN, *at], key=lambda c: c.map(place) if c.name in (HUMAN, MACHINE) else c)
    by_label["count"] = whole_counts(by_label["count"].to_numpy(dtype=float))
    counted = by_label[by_label["count"] > 0]
    counted_pairs = set(zip(counted[HUMAN], counted[MACHINE], strict=True))
    first = [rows[name].min() for name in at]
    empty = [(h, m, *first, 0) for h in LABELS for m in LABELS if (h, m) not in counted_pairs]
    columns = [HUMAN, MACHINE, *at, "count"]
    every: Any = pd.concat([counted[columns], pd.DataFrame(empty, columns=columns)], ignore_index=True)
    order = [HUMAN, MACHINE, *at]
    ordered: Any = every.sort_values(order, key=lambda c: c.map(place) if c.name in (HUMAN, MACHINE) else c)
    return ordered.assign(design=design)[[*columns, "design"]].reset_index(drop=True)


def agreement(counts: pd.DataFrame, design: str, label_share: Sequence[float] | None = None) -> Agreement:
    """Agreement among all patents, from an audit of part of them.

    A sample drawn by label has as many rare labels as frequent ones, so its raw kappa is not that of the patents. The
    joint distribution of human and machine label J (4, 4) is rebuilt by design: ``random``: J from the counts;
    ``by_label``: P(human | label) from each column, times ``label_share`` (the labeller's shares among all patents);
    ``by_class``: Π = P(label | human) from each row, times the w ≥ 0 that best explains the shares, share = wΠ.

    Parameters
    ----------
    counts : (human_label, machine_label), maybe expected. label_share : (4,), needed unless the design is ``random``.

    Intervals are 90 % equal-tailed, from 2,000 draws of the multinomial's posterior (Dirichlet, weight 1 in all spread
    evenly over what the design leaves free).
    """
    n = counts.to_numpy(dtype=float)
    rng = np.random.default_rng(SEED)
    if design == "random":
        joint = rng.dirichlet(n.ravel() + 1 / n.size, _DRAWS).reshape(_DRAWS, *n.shape)
    elif label_share is None:
        raise ValueError(f"design {design!r} needs the share of each label among all patents")
    elif design == "by_label":
        columns = np.stack([rng.dirichlet(column + 1 / len(LABELS), _DRAWS) for column in n.T], axis=2)
        joint = columns * np.asarray(label_share)
    elif design == "by_class":
        rows = np.stack([rng.dirichlet(row + 1 / len(LABELS), _DRAWS) for row in n], axis=1)
        prevalence = np.stack([prevalence_of(pi, np.asarray(label_share)) for pi in rows])
        joint = rows * prevalence[:, :, None]
    else:
        raise ValueError(f"unknown design {design!r}")
    right = np.einsum("dii->di", joint)
    human, machine = joint.sum(axis=2), joint.sum(axis=1)
    accuracy, chance = right.sum(axis=1), (human * machine).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        f1 = np.nan_to_num(2 * right / (human + machine))
        recall, precision = np.nan_to_num(right / human), np.nan_to_num(right / machine)
        confusion = np.median(joint / human[:, :, None], axis=0)
    return Agreement(
        accuracy=_interval(accuracy),
        kappa=_interval((accuracy - chance) / (1 - chance)),
        macro_f1=_interval(f1.mean(axis=1)),
        f1=_by_label(f1),
        recall=_by_label(recall),
        precision=_by_label(precision),
        confusion=confusion,
    )


def drift(year: Sequence[int], agree: Sequence[bool], stratum: Sequence[str]) -> tuple[pd.DataFrame, float]:
    """Agreement by year and the p-value of a trend in it.

    Within a stratum of the design (label or class), so that a changing mix of labels is not taken for drift: Mantel's
    (1963) extension test for a linear trend, two-sided; NaN where no stratum has two years and a disagreement.

    Returns
    -------
    Columns ``year, audited, agree, share, low, high`` (90 % equal-tailed, Jeffreys), and the p-value.
    """
    table = pd.DataFrame({"year": list(year), "agree": np.asarray(agree, float), "stratum": list(stratum)})
    rows = []
    for one, part in table.groupby("year"):
        n, k = len(part), int(part["agree"].to_numpy().sum())
        low, high = stats.beta.ppf(ends(), k + 0.5, n - k + 0.5)
        rows.append((one, n, k, k / n, float(low), float(high)))
    score = variance = 0.0
    for _, part in table.groupby("stratum"):
        if len(part) > 1:
            t, a = part["year"].to_numpy(float), part["agree"].to_numpy()
            score += float(((t - t.mean()) * a).sum())
            variance += float(((t - t.mean()) ** 2).sum() * a.var(ddof=1))
    p_value = float(2 * stats.norm.sf(abs(score) / np.sqrt(variance))) if variance > 0 else float("nan")
    return pd.DataFrame(rows, columns=["year", "audited", "agree", "share", "low", "high"]), p_value


def prevalence_of(confusion: np.ndarray, label_share: np.ndarray) -> np.ndarray:
    """w ≥ 0 (true_label,), summing to 1, for which wΠ is nearest to the shares of the labels."""
    solution = optimize.nnls(confusion.T, label_share)[0]
    return solution / solution.sum()


def _interval(draws: np.ndarray) -> Interval:
    low, median, high = np.quantile(draws, [ends()[0], 0.5, ends()[1]])
    return Interval(float(median), float(low), float(high))


def _by_label(draws: np.ndarray) -> dict[str, Interval]:
    return {label: _interval(draws[:, k]) for k, label in enumerate(LABELS)}
