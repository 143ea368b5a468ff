"""What the labeller confuses: Π (true class → label) and the audit that teaches it, by the design of its sample."""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import xarray as xr

from reestim.dims import LABELS
from reestim.errors import InputError, Problem
from reestim.estimate.priors import Priors, share_weights

DESIGNS = ("by_label", "by_class", "random")


def confusion_matrix(priors: Priors) -> Any:
    """Π (true_label, machine_label): P(label | true class).

    Each row is Dirichlet with weight ``a`` on every label and ``diagonal`` more on the right one (prior ``confusion``).
    """
    weight = confusion_weights(priors)
    return pm.Dirichlet("confusion", weight, dims=("true_label", "machine_label"))


def confusion_weights(priors: Priors) -> np.ndarray:
    """Dirichlet weights of the rows of Π (true_label, machine_label)."""
    weight = np.tile(share_weights(priors, "confusion", len(LABELS)), (len(LABELS), 1))
    prior = priors.get("confusion")
    return weight + (prior.parameters.get("diagonal", 0.0) if prior else 0.0) * np.eye(len(LABELS))


def label_audit(audit: xr.DataArray, confusion: Any, prevalence: Any) -> Any:
    """Likelihood of the audit by its design; audit: counts (human_label, machine_label), ``attrs["design"]``.

    With prevalence w (true_label), the share of each true class among all patents:
    by_class draws patents of a true class and informs P(label | true) = Π; by_label draws patents of a label and
    informs P(true | label) = wΠ / Σ wΠ; random draws from all and informs the joint wΠ. People are taken to be right.
    """
    counts, p, dims = audited(audit, confusion, prevalence)
    return pm.Multinomial("label_audit", n=counts.sum(axis=-1), p=p, observed=counts, dims=dims)


def audited(audit: xr.DataArray, confusion: Any, prevalence: Any) -> tuple[np.ndarray, Any, tuple[str, ...] | None]:
    """The multinomials of an audit: counts (sample, outcome), their probabilities, dims. For any array library."""
    counts = audit.transpose("human_label", "machine_label").values
    counts = counts.astype(np.int64)  # a sum in int16 would make ln Γ float32
    joint = prevalence[:, None] * confusion
    match audit.attrs.get("design"):
        case "by_class":
            return counts, confusion, ("human_label", "machine_label")
        case "by_label":
            return counts.T, (joint / joint.sum(axis=0)).T, ("machine_label", "human_label")
        case "random":
            return counts.reshape((1, -1)), joint.reshape((1, -1)), ("audit", "human_and_machine_label")
        case other:
            advice = f"State in label_audit.csv one of {', '.join(DESIGNS)}"
            raise InputError(Problem("unknown audit design", advice, column="design", value=other))
