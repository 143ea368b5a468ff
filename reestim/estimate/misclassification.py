"""What the labeller confuses: Π (true class → label), alike everywhere or by group, and the audit that informs it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr

from reestim.dims import LABELS
from reestim.errors import InputError, Problem
from reestim.estimate.error_groups import ERROR_GROUP
from reestim.estimate.priors import Priors, share_weights, variable

DESIGNS = ("by_label", "by_class", "random")
GROUPED = (ERROR_GROUP, "true_label", "machine_label")


def confusion_matrix(priors: Priors) -> Any:
    """Π: probability of each label given the true class.

    Each row is Dirichlet with weight ``a`` on every label and ``diagonal`` more on the right one (prior ``confusion``).
    A group's Π is Π·exp(spread·z) scaled to rows of 1, z ~ N(0, 1) for each entry (prior ``confusion_spread``).

    Parameters
    ----------
    priors
        Priors by name.

    Returns
    -------
    TensorVariable
        (true_label, machine_label); (error_group, true_label, machine_label) in a model that has error groups.

    Examples
    --------
    >>> import pymc as pm
    >>> from reestim.dims import LABELS
    >>> from reestim.estimate.misclassification import confusion_matrix
    >>> prior = ree.Prior(distribution="Dirichlet", a=1.0, diagonal=5.0)
    >>> with pm.Model(coords={"true_label": LABELS, "machine_label": LABELS}) as model:
    ...     confusion = confusion_matrix({"confusion": prior})
    >>> model.named_vars_to_dims["confusion"]
    ('true_label', 'machine_label')
    """
    weight = confusion_weights(priors)
    common = pm.Dirichlet("confusion", weight, dims=("true_label", "machine_label"))
    if ERROR_GROUP not in pm.modelcontext(None).coords:
        return common
    spread = variable(priors, "confusion_spread")
    z = pm.Normal("confusion_deviation", dims=GROUPED)
    return pm.Deterministic("confusion_by_group", varied_confusion(common, spread * z, pt), dims=GROUPED)


def confusion_weights(priors: Priors) -> np.ndarray:
    """Dirichlet weights of the rows of Π.

    Parameters
    ----------
    priors
        With the prior ``confusion``.

    Returns
    -------
    numpy.ndarray
        (true_label, machine_label).
    """
    weight = np.tile(share_weights(priors, "confusion", len(LABELS)), (len(LABELS), 1))
    prior = priors.get("confusion")
    return weight + (prior.parameters.get("diagonal", 0.0) if prior else 0.0) * np.eye(len(LABELS))


def varied_confusion(common: Any, deviation: Any, xp: Any) -> Any:
    """Π of each group: the common one with deviations of its log entries.

    Parameters
    ----------
    common
        Π (true_label, machine_label).
    deviation
        Of log entries (error_group, true_label, machine_label).
    xp
        Array library: ``numpy``, ``jax.numpy`` or ``pytensor.tensor``.

    Returns
    -------
    array
        (error_group, true_label, machine_label); rows sum to 1.
    """
    weight = common[None] * xp.exp(deviation)
    return weight / weight.sum(axis=-1, keepdims=True)


def label_audit(audit: xr.DataArray, confusion: Any, prevalence: Any) -> Any:
    """Likelihood of the audit by its design.

    With prevalence w, the share of each true class among all patents (of the group): by_class draws patents of a true
    class and informs P(label | true) = Π; by_label draws patents of a label and informs P(true | label) = wΠ / Σ wΠ;
    random draws from all and informs the joint wΠ. People are taken to be right.

    Parameters
    ----------
    audit
        Counts ([error_group,] human_label, machine_label), the design in ``attrs["design"]``.
    confusion
        Π ([error_group,] true_label, machine_label).
    prevalence
        w ([error_group,] true_label).

    Returns
    -------
    TensorVariable
        The observed variable ``label_audit``.

    Raises
    ------
    InputError
        For an unknown design.
    """
    counts, p, dims = audited(audit, confusion, prevalence)
    return pm.Multinomial("label_audit", n=counts.sum(axis=-1), p=p, observed=counts, dims=dims)


def audited(audit: xr.DataArray, confusion: Any, prevalence: Any) -> tuple[np.ndarray, Any, tuple[str, ...]]:
    """The multinomials of an audit, for any array library.

    Parameters
    ----------
    audit, confusion, prevalence
        As for `label_audit`.

    Returns
    -------
    counts, probabilities, dims
        Counts ([error_group,] sample, outcome), the probability of each outcome, names of the dims.

    Raises
    ------
    InputError
        For an unknown design.
    """
    groups = tuple(str(d) for d in audit.dims if d == ERROR_GROUP)
    counts = audit.transpose(*groups, "human_label", "machine_label").values
    counts = counts.astype(np.int64)  # a sum in int16 would make ln Γ float32
    joint = prevalence[..., :, None] * confusion
    turned = (*range(len(groups)), len(groups) + 1, len(groups))
    match audit.attrs.get("design"):
        case "by_class":
            return counts, confusion, (*groups, "human_label", "machine_label")
        case "by_label":
            conditional = (joint / joint.sum(axis=-2, keepdims=True)).transpose(*turned)
            return counts.transpose(*turned), conditional, (*groups, "machine_label", "human_label")
        case "random":
            shape = (*counts.shape[:-2], -1) if groups else (1, -1)
            dims = groups or ("audit",)
            return counts.reshape(shape), joint.reshape(shape), (*dims, "human_and_machine_label")
        case other:
            advice = f"State in label_audit.csv one of {', '.join(DESIGNS)}"
            raise InputError(Problem("unknown audit design", advice, column="design", value=other))


def as_read(audit: xr.DataArray, drawn: np.ndarray) -> xr.DataArray:
    """Counts as `audited` gives them to the likelihood, drawn anew, in the layout of the audit."""
    plain = audit.transpose(*(d for d in audit.dims if d == ERROR_GROUP), "human_label", "machine_label")
    if audit.attrs.get("design") == "by_label":
        drawn = drawn.reshape(plain.shape).swapaxes(-1, -2)
    return plain.copy(data=drawn.reshape(plain.shape))
