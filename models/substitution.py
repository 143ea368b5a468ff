"""The default model: who substitutes rare earths, learnt from patents, an event study and the use of rare earths.

`build` reads like docs/model.md section 4. Copy this file to change the model: every line is a block
of `reestim.estimate`, usable on its own, and a study (`.toml`) names the file it wants.
"""

from __future__ import annotations

import pymc as pm
import xarray as xr

from reestim.estimate.count_information import information_of
from reestim.estimate.elasticity import measured_trade_elasticity, passthrough, pooled_elasticity
from reestim.estimate.event_effects import event_effects, predicted_effects
from reestim.estimate.inputs import coordinates
from reestim.estimate.misclassification import confusion_matrix, label_audit
from reestim.estimate.patent_counts import class_probabilities, patent_counts, true_prevalence
from reestim.estimate.priors import Priors, variable
from reestim.estimate.published_moments import published_moments
from reestim.estimate.ree_use import ree_use, sectors_with_own_use
from reestim.estimate.relative_price import (
    clock_of,
    enhancing_response,
    in_years_of_patents,
    knowledge_of,
    relative_price,
)
from reestim.estimate.variables import ONLY_IN_COUNTERFACTUALS


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

        # What the evidence does not speak to is drawn as its prior says: bands of counterfactuals contain it.
        rho = variable(priors, "element_elasticity")  # enters q where the study asks for it
        drawn = {name: variable(priors, name) for name in ONLY_IN_COUNTERFACTUALS}

        # (2b) knowledge follows the relative price of the sector's own bundle by one clock, for all the evidence.
        clock = clock_of(priors)
        q, lag_weights = relative_price(data, priors, rho)
        knowledge = knowledge_of(data, q, m, clock, lag_weights)
        f = enhancing_response(data, q, m, knowledge, clock, lag_weights)

        # (12) true classes of patents; (13) their noisy labels, and the audit that says how noisy.
        if "patent_count" in data:
            confusion = confusion_matrix(priors) if "label_audit" in data else None
            phi = variable(priors, "concentration")
            known = information_of(data, priors)  # for the geometry of the posterior: where effects are sampled
            of_patents = (in_years_of_patents(data, q), in_years_of_patents(data, f))
            p = class_probabilities(*of_patents, priors, known, confusion, phi)
            patent_counts(data["patent_count"], p, confusion, phi)
            if confusion is not None:
                label_audit(data["label_audit"], confusion, true_prevalence(data["patent_count"], p))

        # Event study of outcomes: the same regression, run on what the structure predicts.
        if "event_estimate" in data:
            effects = predicted_effects(data, q, knowledge, f, kappa, spillover, spillover_gap, trade_elasticity)
            event_effects(data, effects)

        # (15) the cost share of rare earths, fast and slow: what separates κ from σ.
        if "use_share_change" in data:
            ree_use(data, sigma, m, spillover, clock, lag_weights, priors)

        # Elasticities that others have published: within months σ·s, over a year σ, in the long run σ_L.
        if "moment_estimate" in data:
            published_moments(data, sigma, kappa, spillover, drawn["impact_ratio"])
    return model
