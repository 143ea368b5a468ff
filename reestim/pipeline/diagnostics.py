"""What judges a fit, added to it after its draws are safe: predictions of the data, evidence, sensitivity to priors.

Whatever fails here costs only itself: it is said, noted among what is left out, and the run goes on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

import xarray as xr

from reestim.checks import evidence_sensitivity as evidence
from reestim.checks import power
from reestim.checks.prior_sensitivity import prior_sensitivity
from reestim.errors import in_one_line
from reestim.estimate.structure import PREDICTED_DRAWS
from reestim.runs.record import RunRecord

if TYPE_CHECKING:
    from reestim.data.dataset import Dataset
    from reestim.estimate.model import Model
    from reestim.study.spec import Spec

_log = logging.getLogger(__name__)


def add_fit_diagnostics(post: xr.DataTree, model: Model, spec: Spec, data: Dataset, seed: int) -> xr.DataTree:
    """Add to a fit the groups prior_predictive, posterior_predictive, prior_sensitivity, evidence_sensitivity and those
    of ``reestim.evidence.groups.evidence_groups``, as far as each can be computed.

    Parameters
    ----------
    post
        A fit with its prior; the groups are added to it.
    model, spec, data
        The model, study and data that it is of.
    seed
        Of the simulated data.

    Returns
    -------
    xr.DataTree
        ``post`` itself; its record says that this was done, and what could not be computed, with the reason.
    """
    from reestim.estimate.predictive import PRIOR_PREDICTIVE_DRAWS, simulated
    from reestim.evidence.groups import evidence_groups

    def sensitivity() -> dict[str, xr.Dataset]:
        groups = {
            "prior_sensitivity": prior_sensitivity(post),
            evidence.EVIDENCE_SENSITIVITY: evidence.evidence_sensitivity(post),
        }
        return {name: ds for name, ds in groups.items() if ds is not None}

    makers: dict[str, Callable[[], dict[str, xr.Dataset]]] = {
        f"{group}_predictive": lambda g=group, n=draws: {
            f"{g}_predictive": simulated(model, post[g].to_dataset(), seed, n)
        }
        for group, draws in (("prior", PRIOR_PREDICTIVE_DRAWS), ("posterior", None))
        if group in post.children
    }
    makers["evidence"] = lambda: evidence_groups(data, spec.evidence, quick=spec.is_quick)
    makers["prior_sensitivity"] = sensitivity
    record = RunRecord.of(post)
    left_out = dict(record.left_out)
    for name, make in makers.items():
        try:
            groups = make()
        except Exception as error:  # whatever it is, the draws have taken longer and are good
            left_out[name] = in_one_line(error)
            _log.warning("    %s left out: %s", name.replace("_", " "), left_out[name])
            continue
        for group, ds in groups.items():
            post[group] = xr.DataTree(ds)
    return record.but(left_out=left_out, diagnosed=True).attached(post)


def powerless_blocks(model: Model, seed: int) -> list[str]:
    """One sentence for each block of evidence that identifies nothing, known before anything is sampled.

    Parameters
    ----------
    model
        From `reestim.build`.
    seed
        Of the draws of the prior.

    Returns
    -------
    list of str
        Empty where all blocks have power, and where the predictions of the model are not known (a user's own).
    """
    from reestim.estimate.fit import prior_draws
    from reestim.estimate.model import adapt

    study = adapt(model).study
    if study is None:
        return []
    prior = prior_draws(model, PREDICTED_DRAWS, seed)
    if power.unknown(study.inputs, prior):
        return []
    table = power.power_table(study.inputs, {"prior": prior})
    return power.sentences(table.loc[[power.identifies_nothing(row) for row in table.to_dict("records")]])
