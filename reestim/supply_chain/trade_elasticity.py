"""Trade elasticities as the dataset states them, with their errors, as lognormal distributions."""

from __future__ import annotations

from typing import Any

import numpy as np

from reestim.numerics.lognormal import log_location, log_sd_of_cv

#: Largest coefficient of variation of a measured trade elasticity: above, a lognormal has its mass near zero.
MAX_CV = 0.5


def trade_elasticity_in_logs(mean: Any, sd: Any, least_cv: float = 0.0) -> tuple[Any, Any]:
    """Location and spread of ln ε, so that ε has the mean that the dataset states.

    Parameters
    ----------
    mean, sd
        ε and its standard deviation (sector), as an array or a labelled array; mean > 0.
    least_cv
        Coefficient of variation that is taken where the stated one is smaller; one above ``MAX_CV`` counts as that.

    Returns
    -------
    tuple
        Mean and standard deviation of ln ε (sector).

    Examples
    --------
    >>> import numpy as np
    >>> from reestim.supply_chain.trade_elasticity import trade_elasticity_in_logs
    >>> location, spread = trade_elasticity_in_logs(np.array([4.0]), np.array([1.0]))
    >>> bool(np.isclose(np.exp(location + spread**2 / 2), 4.0)[0])
    True
    """
    spread = log_sd_of_cv(np.clip(sd / mean, least_cv, MAX_CV))
    return log_location(mean, spread), spread
