"""Wild cluster bootstrap of a mean effect, by wildboottest: right in size where clusters are few."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from reestim.dims import COUNTRY, YEAR
from reestim.evidence.event_design import PERIOD, UNIT, EventDesign

#: Clusters below which the clustered covariance and Student's t are not enough (Cameron, Gelbach and Miller 2008).
FEW_CLUSTERS = 50
#: Bootstrap samples; one less than a thousand makes p-values whole thousandths.
SAMPLES = 999


def wild_bootstrap_p_value(
    setting: EventDesign, weights: Float[np.ndarray, " effect"], seed: int, samples: int = SAMPLES
) -> float:
    """p-value of the hypothesis that a mean of effects is zero.

    The regressors are recombined so that the mean is itself a coefficient; the hypothesis is imposed; weights are
    Webb's, with which few clusters still give many samples.

    Parameters
    ----------
    setting : EventDesign
        Of one outcome in logs.
    weights : array
        Of the mean, one an effect; not all 0.
    seed : int
        Of the bootstrap.
    samples : int
        Number of bootstrap samples.

    Returns
    -------
    float
        Two-sided p-value from 1/(samples + 1) up.
    """
    from wildboottest.wildboottest import WildboottestCL

    data, names = setting.stacked()
    mean, others = recombined(data[names].to_numpy(float), weights)
    regressors = np.column_stack([mean, others, *_fixed_effects(data)])
    tested = np.eye(regressors.shape[1])[0]
    test: Any = WildboottestCL(
        X=regressors,
        Y=data["log_value"].to_numpy(float),
        cluster=data["cluster"].to_numpy(),
        R=tested,
        B=samples,
        seed=seed,
        parallel=False,
    )
    test.get_scores(bootstrap_type="11", impose_null=True, adj=True, cluster_adj=True)
    test.get_weights(weights_type="webb")
    for step in (test.get_numer, test.get_denom, test.get_tboot, test.get_vcov, test.get_tstat):
        step()
    test.get_pvalue(pval_type="two-tailed")
    return max(float(np.squeeze(test.pvalue)), 1 / (samples + 1))


def _fixed_effects(data: pd.DataFrame) -> list[np.ndarray]:
    """Dummies of the country-sectors, and of the country-years but the first of each country: of full rank."""
    periods = data.drop_duplicates(PERIOD).sort_values(YEAR)
    first = set(periods.drop_duplicates(COUNTRY)[PERIOD])
    later = [label for label in periods[PERIOD] if label not in first]
    return [
        (data[column].to_numpy()[:, None] == np.asarray(labels)).astype(float)
        for column, labels in ((UNIT, data[UNIT].unique()), (PERIOD, later))
    ]


def recombined(
    regressors: Float[np.ndarray, "row effect"], weights: Float[np.ndarray, " effect"]
) -> tuple[Float[np.ndarray, " row"], Float[np.ndarray, "row other"]]:
    """Regressors of the same space: the first has Σ w β as its coefficient, the others β of all effects but one."""
    one = int(np.abs(weights).argmax())
    rest = [k for k in range(len(weights)) if k != one]
    mean = regressors[:, one] / weights[one]
    return mean, regressors[:, rest] - np.outer(mean, weights[rest])
