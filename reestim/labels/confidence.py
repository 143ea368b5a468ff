"""An audit that takes more where the labeller is unsure: strata, inverse weights, and what the sample is worth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from reestim.dims import LABEL, LABELS
from reestim.errors import InputError, Problem
from reestim.labels.agreement import HUMAN, MACHINE

#: Share of the patents of a label that count as unsure: those with the lowest probability.
UNSURE = 0.25


def strata(table: pd.DataFrame) -> pd.Series:
    """Stratum of each labelled patent, ``label/unsure`` or ``label/sure``, in the order of the table.

    Unsure is the quarter of a label's patents whose label is least probable; what the keyword screen decided, or a
    person did, is sure. The strata follow from the labels alone, so that nobody who fills in a sample sees them.

    Parameters
    ----------
    table
        Columns ``label, probability``: ``Labelled.table`` without the unlabelled.

    Raises
    ------
    InputError
        If no label has a probability, as with a language model.
    """
    probability: Any = table["probability"].astype(float)
    if probability.isna().all():
        advice = "Draw by_label: what a language model says of its own confidence is not calibrated"
        raise InputError(
            Problem("these labels state no confidence", advice, column="probability"), "no sample was drawn"
        )
    rank = probability.groupby(table[LABEL]).rank(method="first")
    count = probability.notna().groupby(table[LABEL]).transform("sum")
    unsure = rank <= np.ceil(UNSURE * count)
    kind = np.where(unsure, "unsure", "sure")
    return pd.Series([f"{label}/{one}" for label, one in zip(table[LABEL], kind, strict=True)], index=table.index)


def draw_by_confidence(stratum: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Places of a sample in random order: as many of each label, half of them from its unsure quarter.

    Where a stratum has fewer, the other stratum of the label gives more.
    """
    each = -(-size // len(LABELS))
    places = []
    for label in LABELS:
        sure, unsure = (rng.permutation(np.flatnonzero(stratum == f"{label}/{kind}")) for kind in ("sure", "unsure"))
        from_unsure = min(len(unsure), max(each // 2, each - len(sure)))
        places += [unsure[:from_unsure], sure[: each - from_unsure]]
    return rng.permutation(np.concatenate(places))


def effective_counts(rows: pd.DataFrame, size: pd.Series) -> pd.DataFrame:
    """The audit as a sample by label would have shown it: the rows with ``weight`` changed.

    Each audited patent stands for size/audited of its stratum (inverse probability). The shares so weighted are scaled
    to the number of patents, drawn by label, that would tell the share of right labels as precisely (variance of a
    stratified mean), and never to more than were audited. A likelihood that reads counts by label then is neither
    biased by the oversampling nor surer than the audit allows.

    Parameters
    ----------
    rows
        ``human_label, machine_label, stratum, weight``: one row a patent and class that it may be of, weights of a
        patent sum to 1.
    size
        Patents in each stratum, by its name.
    """
    total = dict(zip(size.index, size.to_numpy(float), strict=True))
    right: Any = rows["weight"].where(rows[HUMAN] == rows[MACHINE], 0.0)
    parts = []
    for _, part in rows.groupby(MACHINE):
        strata: Any = part.groupby("stratum")["weight"].sum()
        share = np.array([total[str(name)] for name in strata.index])
        share = share / share.sum()
        audited = strata.to_numpy(float)
        hits = right[part.index].groupby(part["stratum"]).sum().reindex(strata.index).to_numpy(float)
        p = (hits + 0.5) / (audited + 1)
        overall, variance = float(share @ p), float((share**2 * p * (1 - p) / audited).sum())
        worth = int(min(round(audited.sum()), max(1, round(overall * (1 - overall) / variance))))
        stratum: Any = part["stratum"]
        weight = stratum.map(pd.Series(worth * share / audited, index=strata.index))
        parts.append(part.assign(weight=part["weight"] * weight))
    return pd.concat(parts)
