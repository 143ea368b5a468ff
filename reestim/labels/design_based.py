"""Slopes of the share of a class on a price, from all labels and an audit drawn by a known design.

The slope of class l is the least-squares slope of "this patent is of class l" on q of its cell, with effects of
country-sector and of year: Σ_i a_i y_i with weights a_i that follow from q alone. Three estimates of the same number:

* **believed**: the label stands for the class;
* **one Π**: the labels' sums times Π⁻¹, Π from the audit: what equation (13) assumes, errors alike everywhere;
* **by design**: labels, and the audited differences weighted by their inverse probability of being drawn (Horvitz and
  Thompson 1952; design-based supervised learning, Egami et al. 2023; prediction-powered inference, Angelopoulos et al.
  2023). It needs no assumption on errors, and is less precise.

Standard errors: influence functions, clustered by country-sector.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from scipy import stats

from reestim.dims import COUNTRY, LABEL, LABELS, SECTOR, YEAR
from reestim.errors import InputError, Problem
from reestim.labels.audit_sample import BY_CONFIDENCE, JudgedSample
from reestim.labels.labelling import Labelled
from reestim.labels.patents import HUMAN

#: Estimates, in the order of a table.
BELIEVED, ONE_CONFUSION, BY_DESIGN = "believed", "one confusion", "by design"
ESTIMATES = (BELIEVED, ONE_CONFUSION, BY_DESIGN)


@dataclass(frozen=True)
class ClassSlopes:
    """Slopes of shares on log prices.

    Parameters
    ----------
    table
        ``class, estimate, slope, std_error``: change of the share of a class for one log point of q.
    difference
        ``class, difference, std_error, p_value``: by design less one confusion.
    p_value
        Of all differences together (Wald's test).
    audited
        Patents of the audit.
    """

    table: pd.DataFrame
    difference: pd.DataFrame
    p_value: float
    audited: int


def sample_slopes(judged: JudgedSample, labelled: Labelled, price: pd.Series) -> ClassSlopes:
    """Slopes of the labels' classes on a price, with a sample that people have judged.

    Parameters
    ----------
    judged
        The sample, drawn by label, by confidence or at random.
    labelled
        Labels of all patents; the unlabelled are left out, as are patents of cells without a price.
    price
        Log relative price by (country, sector, year).

    Returns
    -------
    ClassSlopes

    Raises
    ------
    InputError
        If the sample was drawn by class, whose chances nobody knows, or no patent has a price.
    """
    if judged.drawn == "by_class":
        advice = "Draw by label, by confidence or at random"
        raise InputError(Problem("a sample by class has no known chances", advice), "no slope can be estimated")
    patents = labelled.table.loc[lambda t: t[LABEL] != ""].reset_index(drop=True)
    if judged.drawn == BY_CONFIDENCE:
        of = labelled.strata()
        stratum = patents["patent_id"].map(of)
    else:
        stratum = patents[LABEL] if judged.drawn == "by_label" else pd.Series("all", index=patents.index)
    audited = judged.table["stratum"].value_counts()
    chance = stratum.map(audited).fillna(0.0) / stratum.map(stratum.value_counts())
    truth = judged.rows.pivot_table(index="patent_id", columns=HUMAN, values="weight", aggfunc="sum", fill_value=0.0)
    truth = truth.reindex(index=patents["patent_id"], columns=list(LABELS), fill_value=0.0).fillna(0.0)
    q = price.reindex(pd.MultiIndex.from_frame(patents[[COUNTRY, SECTOR, YEAR]])).to_numpy(float)
    has_price = np.isfinite(q)
    if not has_price.any():
        advice = "Give the dataset that the patents belong to, with prices of their years"
        raise InputError(Problem("no patent lies in a cell with a price", advice), "no slope can be estimated")
    codes = patents[LABEL].map({label: k for k, label in enumerate(LABELS)}).to_numpy()
    return class_slopes(
        q[has_price],
        patents[has_price],
        codes[has_price],
        truth.to_numpy(float)[has_price],
        chance.to_numpy(float)[has_price],
    )


def projection_weights(q: Float[np.ndarray, " patent"], unit: np.ndarray, year: np.ndarray) -> np.ndarray:
    """Weights a (patent,) of the least-squares slope on q with effects of unit and year: q's residual over its square.

    Raises InputError where q does not vary beyond the effects.
    """
    units, years = pd.factorize(unit)[0], pd.factorize(year)[0]
    keys, cell = np.unique(np.column_stack([units, years]), axis=0, return_inverse=True)
    n = np.bincount(cell).astype(float)
    mean = np.bincount(cell, weights=q) / n
    effects = np.zeros((len(keys), units.max() + years.max() + 1))
    effects[np.arange(len(keys)), keys[:, 0]] = 1.0
    later = np.flatnonzero(keys[:, 1] > 0)
    effects[later, units.max() + keys[later, 1]] = 1.0
    root = np.sqrt(n)
    fitted = np.linalg.lstsq(effects * root[:, None], mean * root, rcond=None)[0]
    residual = mean - effects @ fitted
    square = float((n * residual**2).sum())
    if square < 1e-12 * max(1.0, float((n * mean**2).sum())):
        message = "prices do not vary beyond effects of country-sector and year"
        problem = Problem(message, "Give more countries or years")
        raise InputError(problem, "no slope can be estimated")
    return residual[cell] / square


def class_slopes(
    q: Float[np.ndarray, " patent"],
    cells: pd.DataFrame,
    machine: Int[np.ndarray, " patent"],
    truth: Float[np.ndarray, "patent label"],
    chance: Float[np.ndarray, " patent"],
) -> ClassSlopes:
    """The three slopes of each class but ``unrelated``, and their difference.

    Parameters
    ----------
    q
        Log relative price in the cell of each patent.
    cells
        ``country, sector, year`` of each patent.
    machine
        Place of the label in ``LABELS``.
    truth
        Probability of each class by people (0 or 1 where one judged); a row of 0 where the patent was not audited.
    chance
        Probability with which each patent was drawn into the audit, above 0 where it was drawn.

    Returns
    -------
    ClassSlopes

    Raises
    ------
    InputError
        If prices do not vary, or the audit has no patent of a class.
    """
    unit = (cells[COUNTRY].astype(str) + " " + cells[SECTOR].astype(str)).to_numpy()
    a = projection_weights(q, unit, cells[YEAR].to_numpy())
    drawn = truth.sum(axis=1) > 0
    weight = np.where(drawn, 1.0 / np.where(drawn, chance, 1.0), 0.0)
    says = np.eye(len(LABELS))[machine]
    total = weight @ truth  # estimated number of patents of each class
    if missing := [label for label, n in zip(LABELS, total, strict=True) if not n > 0]:
        advice = "Audit more patents: errors of a class that nobody saw cannot be told"
        problems = [Problem("no audited patent of this class", advice, value=label) for label in missing]
        raise InputError(problems, "no slope can be estimated")
    pi = (truth * weight[:, None]).T @ says / total[:, None]
    if np.linalg.cond(pi) > 1e8:
        problem = Problem("the audit cannot tell two labels apart", "Audit more patents of each label")
        raise InputError(problem, "no slope can be estimated")
    inverse = np.linalg.inv(pi)
    corrected = says @ inverse  # (patent, class): what a label says of the class under one Π
    b = (a @ says) @ inverse / total
    seen = truth * weight[:, None]
    lean = (seen @ b)[:, None] * corrected - seen * b
    influence = {
        BELIEVED: a[:, None] * says,
        ONE_CONFUSION: a[:, None] * corrected - lean,
        BY_DESIGN: a[:, None] * (says + weight[:, None] * (truth - says)),
    }
    slopes = {
        BELIEVED: a @ says,
        ONE_CONFUSION: a @ corrected,
        BY_DESIGN: influence[BY_DESIGN].sum(axis=0),
    }
    part = a**2 / (a @ a)  # of each patent in the slope: what is left are residuals of the regression
    influence = {name: values - np.outer(part, slopes[name]) for name, values in influence.items()}
    groups = pd.factorize(unit)[0]
    cover = {name: _clustered(values, groups) for name, values in influence.items()}
    apart = slopes[BY_DESIGN] - slopes[ONE_CONFUSION]
    spread = _clustered(influence[BY_DESIGN] - influence[ONE_CONFUSION], groups)
    rows = [
        (label, name, slopes[name][k], float(np.sqrt(cover[name][k, k])))
        for k, label in enumerate(LABELS)
        if k
        for name in ESTIMATES
    ]
    error = np.sqrt(np.diag(spread))
    z = apart / np.where(error > 0, error, np.inf)
    lines = [(label, apart[k], error[k], float(2 * stats.norm.sf(abs(z[k])))) for k, label in enumerate(LABELS) if k]
    wald = float(apart[1:] @ np.linalg.pinv(spread[1:, 1:]) @ apart[1:])
    return ClassSlopes(
        pd.DataFrame(rows, columns=["class", "estimate", "slope", "std_error"]),
        pd.DataFrame(lines, columns=["class", "difference", "std_error", "p_value"]),
        float(stats.chi2.sf(wald, len(LABELS) - 1)),
        int(drawn.sum()),
    )


def _clustered(influence: Float[np.ndarray, "patent label"], group: np.ndarray) -> Any:
    """Covariance (class, class) of a sum of influences, clustered, with the small-sample factor G/(G−1)."""
    sums = np.zeros((group.max() + 1, influence.shape[1]))
    np.add.at(sums, group, influence)
    n = len(sums)
    return sums.T @ sums * n / max(1, n - 1)
