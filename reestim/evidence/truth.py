"""Stated parameters of simulated evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

from reestim.editions import GONE, gone_truth
from reestim.errors import InputError, Problem
from reestim.technology import Clock

_CONFUSION = (  # rows: true class; columns: label of the machine; both in the order of LABELS
    (0.90, 0.06, 0.02, 0.02),
    (0.10, 0.80, 0.06, 0.04),
    (0.05, 0.10, 0.82, 0.03),
    (0.08, 0.06, 0.04, 0.82),
)


@dataclass(frozen=True)
class Truth:
    """Stated parameters of a simulated dataset; the names of docs/model.md. ``to_dict`` is what dataset.toml keeps.

    ``sigma`` overrides equation (14) for the sectors that it names; ``beta`` has one entry a substitutability property.
    """

    kappa: float = 1.2
    spillover: float = 1.6
    spillover_gap: float = 0.0
    mu: float = -0.5
    beta: tuple[float, ...] = (-0.4,)
    tau: float = 0.3
    sigma: Mapping[str, float] | None = None
    # Equation (12): mean log odds against `unrelated` of using, enhancing, substituting; slopes u and v on q.
    class_log_odds: tuple[float, float, float] = (-0.6, -1.2, -1.8)
    using_slope: float = -0.1
    substituting_slope: float = 0.3
    unit_sd: float = 0.4  # spread of the country-sector effects, log odds
    year_sd: float = 0.1  # spread of the year effects, log odds
    # Equation (13)
    patents_per_cell: float = 120.0  # mean over country, sector and year
    patent_growth: float | None = 0.03  # a year, log points; None where totals of all patents are given
    concentration: float = 60.0  # φ of the Dirichlet-multinomial
    confusion: tuple[tuple[float, ...], ...] = _CONFUSION
    audit_design: str = "by_label"
    audit_size: int = 800
    # Outcomes of the event study, and equation (15)
    exports_noise: float = 0.05  # sd of ln exports around effects and structure
    tfp_noise: float = 0.01
    ree_use_noise: float = 0.15  # sd of the yearly change of the log cost share
    impact_ratio: float | None = None  # s, for published elasticities within months
    # The clock (2b), and what patents are simulated as
    adjustment_rate: float = 0.25  # λ: share of the distance to (2) that knowledge closes in a year
    obsolescence: float = 0.15  # δ, share of knowledge lost a year
    knowledge_growth: float = 0.05  # g, log points a year
    patents_as: str = "flows"  # into knowledge, or its "levels", m·q: to see what the wrong reading does

    @property
    def clock(self) -> Clock:
        """λ, δ and g."""
        return Clock(self.adjustment_rate, self.obsolescence, self.knowledge_growth)

    def to_dict(self) -> dict[str, object]:
        """Plain lists and numbers, ready for TOML; ``sigma`` only when stated."""
        plain = {
            k: [list(r) if isinstance(r, tuple) else r for r in v] if isinstance(v, tuple) else v
            for k, v in asdict(self).items()
            if v is not None
        }
        return {k: dict(v) if isinstance(v, Mapping) else v for k, v in plain.items()}

    @classmethod
    def from_dict(cls, table: Mapping[str, object]) -> Truth:
        """Inverse of ``to_dict``. Raises InputError on unknown names."""
        unknown = sorted(set(table) - {f.name for f in fields(cls)})
        if unknown:
            wrong = [k for k in unknown if k not in GONE]
            problems = [Problem("not a parameter of the simulation", "Remove it", column=k) for k in wrong]
            raise InputError(problems + [gone_truth(k) for k in unknown if k in GONE])
        return cls(**{k: v if k == "audit_size" else _immutable(v) for k, v in table.items()})  # type: ignore[arg-type]


def _immutable(value: object) -> object:
    """Lists as tuples and whole numbers as floats: TOML knows neither tuples nor that 1 is 1.0."""
    if isinstance(value, list | tuple):
        return tuple(_immutable(v) for v in value)
    return float(value) if isinstance(value, int) else value
