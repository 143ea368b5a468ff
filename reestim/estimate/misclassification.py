"""What the labeller confuses: Π (true class → label) and the audit that teaches it, by the design of its sample."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr

from reestim.dims import LABELS
from reestim.errors import InputError, Problem
from reestim.estimate.priors import describe, missing
from reestim.prior import Prior

DESIGNS = ("by_label", "by_class", "random")


def confusion_matrix(priors: Mapping[str, Prior]) -> Any:
    """Π (true_label, machine_label): P(label | true class).

    Each row is Dirichlet with weight ``a`` on every label and ``diagonal`` more on the right one (prior ``confusion``).
    """
    if "confusion" not in priors:
        raise InputError(missing("confusion", priors))
    prior = priors["confusion"]
    if prior.distribution != "Dirichlet":
        advice = "Use Dirichlet with a and diagonal"
        raise InputError(Problem("rows of shares need a Dirichlet", advice, column="priors.confusion"))
    weight = np.broadcast_to(np.asarray(prior.parameters["a"], float), (len(LABELS), len(LABELS)))
    weight = weight + prior.parameters.get("diagonal", 0.0) * np.eye(len(LABELS))
    pi = pm.Dirichlet("confusion", weight, dims=("true_label", "machine_label"))
    return describe(pi, "Π, probability of a label given the true class", "probability")


def label_audit(audit: xr.DataArray, confusion: Any, prevalence: Any) -> Any:
    """Likelihood of the audit by its design; audit: counts (human_label, machine_label), ``attrs["design"]``.

    With prevalence ω (true_label), the share of each true class among all patents:
    by_class draws patents of a true class and informs P(label | true) = Π; by_label draws patents of a label and
    informs P(true | label) = ωΠ / Σ ωΠ; random draws from all and informs the joint ωΠ. People are taken to be right.
    """
    counts = audit.transpose("human_label", "machine_label").values
    joint = prevalence[:, None] * confusion
    match audit.attrs.get("design"):
        case "by_class":
            observed, p, dims = counts, confusion, ("human_label", "machine_label")
        case "by_label":
            observed, p, dims = counts.T, (joint / joint.sum(axis=0)).T, ("machine_label", "human_label")
        case "random":
            total = counts.sum(dtype=np.int64)  # a Python int would become int16, and its ln Γ float32
            flat = pm.Multinomial("label_audit", n=total, p=pt.flatten(joint), observed=counts.ravel())
            return describe(flat, "audited patents by true class and label", "patents")
        case other:
            advice = f"State in label_audit.csv one of {', '.join(DESIGNS)}"
            raise InputError(Problem("unknown audit design", advice, column="design", value=other))
    table = pm.Multinomial("label_audit", n=observed.sum(axis=1), p=p, observed=observed, dims=dims)
    return describe(table, "audited patents by true class and label", "patents")
