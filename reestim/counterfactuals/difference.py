"""Two scenarios compared draw by draw."""

from __future__ import annotations

import xarray as xr

from reestim.dims import SCENARIO
from reestim.errors import InputError, Problem

_STATUS = ("solved", "reason", "residual", "steps", "determinate")


def scenario_difference(post: xr.DataTree, scenario: str, against: str) -> xr.Dataset:
    """What one scenario adds to another, draw by draw: results of the one less those of the other.

    Both were solved at the same draws, so that the uncertainty they share drops out.

    Parameters
    ----------
    post
        A run with the group ``counterfactual`` of :func:`reestim.counterfactual`.
    scenario, against
        Names of scenarios in it.

    Returns
    -------
    xarray.Dataset
        Dims of the group without ``scenario``. A difference of log changes is the log change from the one world to the
        other; units are those of each variable. NaN where either has no equilibrium.

    Raises
    ------
    InputError
        If the group or a scenario is not there.

    Examples
    --------
    >>> more = ree.scenario_difference(post, "tighter", "quota")
    >>> more["welfare"].dims
    ('technology', 'chain', 'draw', 'country')
    """
    if "counterfactual" not in post.children:
        raise InputError(Problem("there is no counterfactual to compare", "Pass what ree.counterfactual returns."))
    ds = post["counterfactual"].to_dataset()
    names = [str(name) for name in ds[SCENARIO].values]
    advice = f"There are {', '.join(names)}."
    unknown = [name for name in (scenario, against) if name not in names]
    if unknown:
        raise InputError([Problem("there is no such scenario", advice, value=name) for name in unknown])
    ds = ds.drop_vars([name for kind in _STATUS for name in (kind, f"{kind}_path") if name in ds])
    with xr.set_options(keep_attrs=True):
        out = ds.sel({SCENARIO: scenario}, drop=True) - ds.sel({SCENARIO: against}, drop=True)
    return out.assign_attrs(scenario=scenario, against=against)
