"""The default model: who substitutes rare earths, learnt from patents, an event study and the use of rare earths.

`build` reads like docs/model.md section 4. Copy this file to change the model: every line is a block
of `reestim.estimate`, usable on its own, and a study (`.toml`) names the file it wants.
"""

from __future__ import annotations

import pymc as pm
import xarray as xr

from reestim.estimate.elasticity import measured_trade_elasticity, passthrough, pooled_elasticity
from reestim.estimate.event_effects import event_effects, predicted_effects
from reestim.estimate.inputs import coordinates
from reestim.estimate.misclassification import confusion_matrix, label_audit
from reestim.estimate.patent_counts import class_probabilities, patent_counts, true_prevalence
from reestim.estimate.priors import Priors, variable
from reestim.estimate.ree_use import ree_use, sectors_with_own_use
from reestim.estimate.relative_price import in_transition, knowledge_flow, knowledge_growth, relative_price


def build(data: xr.Dataset, priors: Priors) -> pm.Model:
    """The joint model of the evidence that `data` holds (see `reestim.estimate.inputs.model_inputs` for its variables).

    A kind of evidence that the study switches off is absent from `data`, and its block is left out.
    """
    with pm.Model(coords=coordinates(data)) as model:
        # How research responds, and what it is worth.
        kappa = variable(priors, "kappa")
        spillover = variable(priors, "spillover")
        spillover_gap = variable(priors, "spillover_gap")
        # What is measured elsewhere carries its error along.
        trade_elasticity = measured_trade_elasticity(data)

        # (14) elasticities of substitution, pooled on the properties of the elements a sector uses; (2) pass-through.
        sigma = pooled_elasticity(
            data["substitutability"], kappa, spillover, priors, centred=sectors_with_own_use(data)
        )
        m = passthrough(sigma, kappa, spillover)

        # The relative price that research answers: its lags, and the bundle of elements that it is the price of.
        q, lag_weights = relative_price(data, priors)

        # λ: how fast knowledge follows; of the model in time, and of equation (15).
        rate = None
        if in_transition(data) or "use_share_change" in data:
            rate = variable(priors, "adjustment_rate")

        # (12) true classes of patents; (13) their noisy labels, and the audit that says how noisy.
        if "patent_count" in data:
            flow = None  # of patents into knowledge, where they are not taken for its level
            if in_transition(data):
                flow = knowledge_flow(data, q, m, rate, knowledge_growth(priors))
            p = class_probabilities(q, m, priors, enhancing=flow)
            confusion = confusion_matrix(priors) if "label_audit" in data else None
            patent_counts(data["patent_count"], p, confusion, priors)
            if confusion is not None:
                label_audit(data["label_audit"], confusion, true_prevalence(data["patent_count"], p))

        # Event study of outcomes: the same regression, run on what the structure predicts.
        if "event_estimate" in data:
            effects = predicted_effects(data, m, kappa, spillover, spillover_gap, trade_elasticity, lag_weights, rate)
            event_effects(data, effects)

        # (15) the cost share of rare earths, fast and slow: what separates κ from σ.
        if "use_share_change" in data:
            ree_use(data, sigma, m, spillover, rate, priors)
    return model
