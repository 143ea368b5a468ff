"""All checks of a run that need no sampling, in the order in which they are read."""

from __future__ import annotations

import xarray as xr

from reestim.checks import determinacy, power, predictive, prior_sensitivity, prior_welfare, refits, sampler, solver
from reestim.checks.protocol import Check
from reestim.errors import InputError, Problem
from reestim.runs.record import RunRecord
from reestim.runs.store import malformed_groups_as_errors

CHECKS = (
    sampler.check,
    solver.check,
    determinacy.check,
    prior_sensitivity.check,
    power.check,
    predictive.check,
    prior_welfare.check,
    refits.check,
)


def check_run(post: xr.DataTree) -> list[Check]:
    """Make every check of a run that needs no sampling.

    Parameters
    ----------
    post
        A run: what :func:`fit` or :func:`load` returns.

    Returns
    -------
    list of Check
        Each has ``name``, ``verdict`` (``"pass"``, ``"fail"`` or ``"informational"``), ``sentences`` and ``table``.

    Raises
    ------
    InputError
        Where the run has no posterior, or a group is not as REEstim writes it.

    Examples
    --------
    >>> [check.verdict for check in ree.check_run(post) if check.name == "solver"]
    ['pass']
    """
    if "posterior" not in post.children:
        raise InputError(Problem("this run has no posterior", "Name a run that was fitted."))
    with malformed_groups_as_errors(post):
        left_out = RunRecord.of(post).left_out
        missing = tuple(f"{name.replace('_', ' ')}: {reason}." for name, reason in left_out.items())
        return [check(post) for check in CHECKS] + ([Check("left out", "informational", missing)] if missing else [])
