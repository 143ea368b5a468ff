"""What draws must pass before they count as a posterior: divergences, R-hat, ESS, E-BFMI, depth of trajectories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from reestim.dims import CHAIN, DRAW
from reestim.draws import arviz_functions

if TYPE_CHECKING:
    from reestim.study.spec import Gates


#: Every gate, in the order in which they are judged; ``--allow`` takes these names.
GATES = ("divergences", "r_hat", "ess_bulk", "ess_tail", "e_bfmi", "tree_depth")
#: Gates whose value must not fall below the threshold; the others must not exceed it.
AT_LEAST = ("ess_bulk", "ess_tail", "e_bfmi")


class GateWarning(UserWarning):
    """The sampler did not converge: summaries of these draws are not statements about the posterior.

    `reestim.fit` warns with it and names the gates that failed. The draws are returned all the same.

    Examples
    --------
    >>> import warnings
    >>> import reestim as ree
    >>> warnings.simplefilter("error", ree.GateWarning)  # to stop a script where a gate fails
    >>> warnings.resetwarnings()
    """


@dataclass(frozen=True)
class Gate:
    """One criterion that draws must keep to.

    Attributes
    ----------
    gate
        divergences, r_hat, ess_bulk, ess_tail, e_bfmi or tree_depth.
    value
        The worst over parameters.
    threshold
        What it must keep to: at least for effective sample sizes and E-BFMI, at most for the others.
    passed
        Whether it does.
    where
        Parameter, with labels, or chain that the value is of.

    Examples
    --------
    >>> from reestim.estimate.gates import Gate
    >>> print(Gate("r_hat", 1.004, 1.01, True, "kappa"))
    passed  r_hat 1.004 (kappa), at most 1.01
    """

    gate: str
    value: float
    threshold: float
    passed: bool
    where: str = ""

    def __str__(self) -> str:
        sign = "at least" if self.gate in AT_LEAST else "at most"
        at = f" ({self.where})" if self.where else ""
        return f"{'passed' if self.passed else 'FAILED'}  {self.gate} {self.value:.4g}{at}, {sign} {self.threshold:g}"


@dataclass(frozen=True)
class GateReport:
    """All gates of a fit. ``str`` is the table that is printed.

    Attributes
    ----------
    gates
        One `Gate` a criterion.
    passed
        Whether each is passed.

    Examples
    --------
    >>> from reestim.estimate.gates import Gate, GateReport
    >>> GateReport((Gate("divergences", 3.0, 0.0, False),)).passed
    False
    """

    gates: tuple[Gate, ...]

    @property
    def passed(self) -> bool:
        """Whether every gate was passed."""
        return all(gate.passed for gate in self.gates)

    def __str__(self) -> str:
        return "\n".join(str(gate) for gate in self.gates)

    def as_dict(self) -> dict[str, Any]:
        """As JSON values.

        Returns
        -------
        dict
            ``passed``, and ``gates``: a list of gate, value, threshold, passed, where.
        """
        return {"passed": self.passed, "gates": [asdict(gate) for gate in self.gates]}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> GateReport:
        """The report that ``as_dict`` wrote.

        Parameters
        ----------
        stored
            What ``as_dict`` returned.

        Returns
        -------
        GateReport
            Equal to that which was stored.
        """
        return cls(tuple(Gate(**gate) for gate in stored["gates"]))


def check_gates(post: xr.DataTree, gates: Gates) -> GateReport:
    """Judge draws by the gates of a study, every element of every parameter.

    Elements that no draw moves (a parameter that the study fixes) are left out. A single chain cannot show that it
    agrees with another: its R-hat is that of its halves. What cannot be computed (too few draws, a statistic that the
    sampler does not report) fails its gate, with the value nan.

    Parameters
    ----------
    post
        Groups ``posterior`` and ``sample_stats``; the second holds diverging, energy and reached_max_treedepth,
        whatever the sampler (`reestim.fit` sees to it).
    gates
        Thresholds: ``spec.gates``.

    Returns
    -------
    GateReport
        One `Gate` a criterion, with its worst parameter.
    """
    az = arviz_functions()
    posterior, stats = post["posterior"].to_dataset(), post["sample_stats"].to_dataset()
    allowed = gates.max_divergences
    divergences = float(stats["diverging"].sum()) if "diverging" in stats else np.nan
    checks = [Gate("divergences", divergences, float(allowed), divergences <= allowed)]
    with np.errstate(invalid="ignore", divide="ignore"):
        value, where = _worst(az.rhat(posterior), posterior, largest=True)
        checks.append(Gate("r_hat", value, gates.max_r_hat, bool(value <= gates.max_r_hat), where))
        for method in ("bulk", "tail"):
            value, where = _worst(az.ess(posterior, method=method), posterior, largest=False)
            checks.append(Gate(f"ess_{method}", value, gates.min_ess, bool(value >= gates.min_ess), where))
    value, where = _e_bfmi(stats)
    checks.append(Gate("e_bfmi", value, gates.min_e_bfmi, bool(value >= gates.min_e_bfmi), where))
    share = float(stats["reached_max_treedepth"].mean()) if "reached_max_treedepth" in stats else np.nan
    checks.append(Gate("tree_depth", share, gates.max_saturated, share <= gates.max_saturated))
    return GateReport(tuple(checks))


def _e_bfmi(stats: xr.Dataset) -> tuple[float, str]:
    """Energy Bayesian fraction of missing information of the worst chain, and which chain that is."""
    az = arviz_functions()
    if "energy" not in stats or stats.sizes[DRAW] < 2:
        return np.nan, ""
    by_chain = np.asarray(az.bfmi(stats)["energy"].values)
    worst = int(np.argmin(np.where(np.isnan(by_chain), -np.inf, by_chain)))
    return float(by_chain[worst]), f"chain {stats[CHAIN].values[worst]}"


def _worst(diagnostic: xr.Dataset, posterior: xr.Dataset, *, largest: bool) -> tuple[float, str]:
    """Worst value over the elements that move, and which it is; nan (not computable) is worse than any number."""
    worst, where = (-np.inf if largest else np.inf), ""
    for name, draws in posterior.data_vars.items():
        moves = (draws != draws.isel({CHAIN: 0, DRAW: 0})).any([CHAIN, DRAW]) | draws.isnull().any([CHAIN, DRAW])
        values = np.where(moves.values, diagnostic[name].values, -np.inf if largest else np.inf)
        if values.size == 0:
            continue
        badness = np.where(np.isnan(values), np.inf, values if largest else -values)
        at = np.unravel_index(int(np.argmax(badness)), values.shape)
        value = float(values[at])
        if np.isnan(worst):
            continue
        if np.isnan(value) or (value > worst if largest else value < worst):
            labels = [str(draws[d].values[i]) for d, i in zip(moves.dims, at, strict=True)]
            worst, where = value, f"{name}[{', '.join(labels)}]" if labels else str(name)
    return worst, where
