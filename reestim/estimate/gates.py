"""What draws must pass before they count as a posterior: divergences, R-hat, effective sample sizes."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from reestim.dims import CHAIN, DRAW

if TYPE_CHECKING:
    from reestim.spec import Gates


class GateWarning(UserWarning):
    """The sampler did not converge: summaries of these draws are not yet statements about the posterior."""


@dataclass(frozen=True)
class Gate:
    """One criterion: ``value`` is the worst over parameters (``where``), ``threshold`` what it must keep to."""

    gate: str
    value: float
    threshold: float
    passed: bool
    where: str = ""

    def __str__(self) -> str:
        sign = "at most" if self.gate in ("divergences", "r_hat") else "at least"
        at = f" ({self.where})" if self.where else ""
        return f"{'passed' if self.passed else 'FAILED'}  {self.gate} {self.value:.4g}{at}, {sign} {self.threshold:g}"


@dataclass(frozen=True)
class GateReport:
    """All gates of a fit; ``passed`` when each is. ``str`` is the table that is printed."""

    gates: tuple[Gate, ...]

    @property
    def passed(self) -> bool:
        return all(gate.passed for gate in self.gates)

    def __str__(self) -> str:
        return "\n".join(str(gate) for gate in self.gates)

    def to_json(self) -> str:
        """As kept in ``post.attrs["gates"]``: passed, and gates: a list of gate, value, threshold, passed, where."""
        return json.dumps({"passed": self.passed, "gates": [asdict(gate) for gate in self.gates]})

    @classmethod
    def from_json(cls, text: str) -> GateReport:
        return cls(tuple(Gate(**gate) for gate in json.loads(text)["gates"]))


def check_gates(post: xr.DataTree, gates: Gates) -> GateReport:
    """Judge the draws of ``post`` (groups ``posterior`` and ``sample_stats``), every element of every parameter.

    Elements that no draw moves (a parameter that the study fixes) are left out. A single chain cannot show that it
    agrees with another: its R-hat is that of its halves. Too few draws for a diagnostic fail the gate (value nan).
    """
    import arviz

    az: Any = arviz  # its names come at run time
    posterior = post["posterior"].to_dataset()
    divergences = int(post["sample_stats"].to_dataset()["diverging"].sum())
    allowed = gates.max_divergences
    checks = [Gate("divergences", float(divergences), float(allowed), divergences <= allowed)]
    with np.errstate(invalid="ignore", divide="ignore"):
        value, where = _worst(az.rhat(posterior), posterior, largest=True)
        checks.append(Gate("r_hat", value, gates.max_r_hat, bool(value <= gates.max_r_hat), where))
        for method in ("bulk", "tail"):
            value, where = _worst(az.ess(posterior, method=method), posterior, largest=False)
            checks.append(Gate(f"ess_{method}", value, gates.min_ess, bool(value >= gates.min_ess), where))
    return GateReport(tuple(checks))


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
