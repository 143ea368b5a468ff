"""How many patents to audit: what the width of an answer would be if more of them had been judged by people."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from jaxtyping import Float

from reestim.errors import InputError, Problem
from reestim.intervals import LEVEL, ends

#: Draws for each entry of Π, below which the share of the variance cannot be told.
FEWEST_DRAWS = 4


@dataclass(frozen=True)
class AuditPlan:
    """What further auditing can do for one quantity.

    Parameters
    ----------
    width
        Width of its equal-tailed interval now.
    from_labels
        Share of its variance that errors of labels explain (adjusted R² of a linear regression on Π), between 0 and 1.
    audited
        Patents audited now.
    floor
        Width that would remain if the errors of the labels were known exactly.
    table
        ``audited, width``: the width at multiples of the audit.
    needed
        Patents to audit in all for the wanted width; None if no audit reaches it.
    """

    width: float
    from_labels: float
    audited: int
    floor: float
    table: pd.DataFrame
    needed: int | None


def plan_run(post: xr.DataTree, of: str, *, width: float | None = None) -> dict[str, AuditPlan]:
    """``plan_audit`` for m by sector, or for welfare by country, scenario and technology, of a saved run.

    Parameters
    ----------
    post
        A run with labelled patents (variable ``confusion``) and the group ``label_quality``.
    of
        ``m`` or ``welfare``.
    width
        The width that is wanted.

    Raises
    ------
    InputError
        If the run has no audit or no such quantity, or too few draws.
    """
    problems = []
    if of not in ("m", "welfare"):
        problems.append(
            Problem("an audit can be planned for m or for welfare", "Use one of them.", column="--of", value=of)
        )
    if "confusion" not in post["posterior"] or "label_quality" not in post.children:
        problems.append(Problem("the run has no audited labels", "Plan with a run of a study that reads patents."))
    elif of == "welfare" and "counterfactual" not in post.children:
        problems.append(Problem("the run has no counterfactual", "Run `reestim counterfactual` on it first."))
    if problems:
        raise InputError(problems, "no audit can be planned")
    values: Any = post["posterior"]["innovation_passthrough"] if of == "m" else post["counterfactual"]["welfare"]
    values = values.transpose("chain", "draw", ...)
    pi: Any = post["posterior"]["confusion"].transpose("chain", "draw", ...)
    pi = pi.sel(chain=values["chain"], draw=values["draw"])  # a counterfactual solves some of the draws
    entries = pi.values.reshape(pi.sizes["chain"] * pi.sizes["draw"], -1)
    if len(entries) < FEWEST_DRAWS * entries.shape[1]:
        advice = f"Take at least {FEWEST_DRAWS * entries.shape[1]} draws"
        raise InputError(Problem("the run has too few draws", advice), "no audit can be planned")
    audit: Any = post["label_quality"]["audited"]
    audited = int(audit.values.sum())
    labels = itertools.product(*(values[dim].values.tolist() for dim in values.dims[2:]))
    forecasts = {}
    for key, row in zip(labels, values.values.reshape(len(entries), -1).T, strict=True):
        finite = np.isfinite(row)  # equilibria that were not found are missing
        if finite.sum() >= FEWEST_DRAWS * entries.shape[1] and np.ptp(row[finite]) > 0:
            name = ", ".join(map(str, key))
            forecasts[name] = plan_audit(row[finite], entries[finite], audited=audited, width=width)
    return forecasts


def plan_audit(
    quantity: Float[np.ndarray, " draw"],
    confusion: Float[np.ndarray, "draw entry"],
    *,
    audited: int,
    width: float | None = None,
    level: float = LEVEL,
) -> AuditPlan:
    """Width of a quantity's interval as a function of the size of the audit.

    The posterior says how much of the variance of a quantity (m of a sector, welfare of a country) goes with the
    entries of Π: that part shrinks as 1/n when n patents are audited, the rest stays:

        Var(n) = Var · (1 − R² + R² · audited / n).

    This is the preposterior variance of a linear normal model: good for choosing a number, not a promise. The noise of
    finitely many draws is taken off R² (adjusted R²).

    Parameters
    ----------
    quantity
        Posterior draws.
    confusion
        The same draws of Π, one column an entry (true_label × machine_label).
    audited
        Patents audited so far.
    width
        The width that is wanted, in the units of the quantity.
    level
        Probability inside the interval.

    Returns
    -------
    AuditPlan

    Raises
    ------
    ValueError
        If there are not at least four draws an entry, too few to tell the share.

    Examples
    --------
    >>> import numpy as np
    >>> from reestim.labels.audit_plan import plan_audit
    >>> rng = np.random.default_rng(1)
    >>> pi = rng.normal(size=(4000, 1))
    >>> plan = plan_audit(pi[:, 0] + rng.normal(size=4000), pi, audited=200, width=4.0)
    >>> round(plan.from_labels, 1), plan.needed is not None
    (0.5, True)
    """
    draws, entries = confusion.shape
    if draws < FEWEST_DRAWS * entries:
        raise ValueError(f"{draws} draws are too few for {entries} entries of Π")
    centred = confusion - confusion.mean(axis=0)
    wanted = quantity - quantity.mean()
    beta, _, rank, _ = np.linalg.lstsq(centred, wanted, rcond=1e-8)
    raw = 1.0 - float(np.sum((wanted - centred @ beta) ** 2)) / float(np.sum(wanted**2))
    share = float(np.clip(1.0 - (1.0 - raw) * (draws - 1) / (draws - 1 - int(rank)), 0.0, 1.0))
    low, high = np.quantile(quantity, ends(level))
    now = float(high - low)

    sizes = audited * np.array([1, 2, 4, 8, 16])
    floor = now * float(np.sqrt(1.0 - share))
    needed = None
    if width is not None and width >= now:
        needed = audited
    elif width is not None and width > floor:
        needed = int(np.ceil(share * audited / ((width / now) ** 2 - 1.0 + share)))
    table = pd.DataFrame({"audited": sizes, "width": now * np.sqrt(1.0 - share + share * audited / sizes)})
    return AuditPlan(now, share, audited, floor, table, needed)
