"""Scenarios: what changes against the baseline, as small declarative objects."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float, Int

from reestim.dims import COUNTRY, EXPORTER, IMPORTER, SECTOR
from reestim.equilibrium.labels import label_problems
from reestim.errors import InputError, Problem

if TYPE_CHECKING:
    from reestim.equilibrium.economy import Economy


@dataclass(frozen=True)
class ExportQuota:
    """Exports of elements held at or below a quantity, one quota per element (complementarity of model.md section 3).

    ``quantity_change`` is the quota as a multiple of baseline exports (30,258 t against 56,939 t: 0.531). The shadow
    tax that enforces it is found with the equilibrium and its rent accrues to the exporter; a slack quota gives zero.
    ``elements`` is a tuple of labels, or ``"all"``: every element the exporter sells abroad.
    """

    exporter: str
    elements: tuple[str, ...] | str
    quantity_change: float


@dataclass(frozen=True)
class Scenario:
    """What is different from the baseline; whatever is absent does not change.

    ``tariff`` and ``export_tax`` are new ad-valorem levels over (importer, exporter, sector) or a subset of these
    dimensions and labels, NaN meaning no change; ``trade_cost`` (iceberg, same dimensions) and ``productivity``
    (country, sector) are factors, 1 meaning no change. Domestic sales (importer = exporter) are never taxed.
    """

    name: str = "scenario"
    description: str = ""
    year: int | None = None
    tariff: xr.DataArray | None = None
    export_tax: xr.DataArray | None = None
    trade_cost: xr.DataArray | None = None
    productivity: xr.DataArray | None = None
    export_quota: tuple[ExportQuota, ...] = ()

    def to_arrays(self, economy: Economy) -> PolicyArrays:
        """Place by label and check against the economy. Raises InputError with every problem found."""
        problems: list[Problem] = []
        bilateral = (IMPORTER, EXPORTER, SECTOR)
        foreign = ~np.eye(len(economy.countries), dtype=bool)[:, :, None]
        baseline = economy.baseline

        def level(name: str, value: xr.DataArray | None, old: Array, domestic: float) -> np.ndarray:
            if value is None:
                return np.asarray(old)
            placed = _place(name, value, economy, bilateral, np.asarray(old), problems)
            lowest = -1.0 if name != "trade_cost" else 0.0
            if not (np.isfinite(placed) & (placed > lowest)).all():
                problems.append(
                    Problem(f"{name} must be finite and above {lowest:g}", "Correct the scenario.", column=name)
                )
            return np.where(foreign, placed, domestic)

        ones = np.ones(baseline.trade_share.shape)
        tariff = level("tariff", self.tariff, baseline.tariff, 0.0)
        export_tax = level("export_tax", self.export_tax, baseline.export_tax, 0.0)
        trade_cost = level("trade_cost", self.trade_cost, jnp.asarray(ones), 1.0)
        productivity = np.ones(baseline.expenditure.shape)
        if self.productivity is not None:
            productivity = _place("productivity", self.productivity, economy, (COUNTRY, SECTOR), productivity, problems)
            if not (np.isfinite(productivity) & (productivity > 0)).all():
                problems.append(
                    Problem("productivity must be positive", "Give factors, 1 = no change.", column="productivity")
                )
        exporter, sector, quantity = self._quotas(economy, problems)
        if problems:
            raise InputError(problems, f"scenario {self.name!r} does not fit the economy")
        with np.errstate(divide="ignore"):
            return PolicyArrays(
                log_tariff=jnp.asarray(np.log1p(tariff)),
                log_export_tax=jnp.asarray(np.log1p(export_tax)),
                log_trade_cost=jnp.asarray(np.log(trade_cost)),
                log_productivity=jnp.asarray(np.log(productivity)),
                deficit=baseline.deficit,
                quota_exporter=jnp.asarray(np.array(exporter, dtype=int)),
                quota_sector=jnp.asarray(np.array(sector, dtype=int)),
                log_quota=jnp.asarray(np.log(np.array(quantity, dtype=float))),
            )

    def _quotas(self, economy: Economy, problems: list[Problem]) -> tuple[list[int], list[int], list[float]]:
        exporter: list[int] = []
        sector: list[int] = []
        quantity: list[float] = []
        flows = np.asarray(economy.baseline.trade_share * economy.baseline.expenditure[:, None, :])
        for quota in self.export_quota:
            if quota.exporter not in economy.countries:
                advice = f"The economy has {', '.join(economy.countries)}."
                problems.append(Problem("a quota names an unknown exporter", advice, value=quota.exporter))
                continue
            if not (math.isfinite(quota.quantity_change) and quota.quantity_change > 0):
                advice = "Give quota / baseline exports, a positive number; a ban is the limit of a small one."
                problems.append(Problem("a quota must be positive", advice, value=quota.quantity_change))
                continue
            i = economy.countries.index(quota.exporter)
            abroad = np.delete(flows[:, i, :], i, axis=0).sum(axis=0)
            if quota.elements == "all":
                names = tuple(e for e in economy.elements if abroad[economy.sectors.index(e)] > 0)
            else:
                names = (quota.elements,) if isinstance(quota.elements, str) else tuple(quota.elements)
            for element in names:
                if element not in economy.sectors:
                    advice = f"The economy's elements are {', '.join(economy.elements)}."
                    problems.append(Problem("a quota names an unknown element", advice, value=element))
                    continue
                s = economy.sectors.index(element)
                if abroad[s] <= 0:
                    message = f"{quota.exporter} exports no {element} in the baseline, so a quota on it has no base"
                    problems.append(Problem(message, "Leave this element out of the quota.", value=element))
                elif (i, s) in zip(exporter, sector, strict=True):
                    problems.append(Problem(f"two quotas on {element} from {quota.exporter}", "Keep the tighter one."))
                else:
                    exporter.append(i)
                    sector.append(s)
                    quantity.append(quota.quantity_change)
        return exporter, sector, quantity


class PolicyArrays(NamedTuple):
    """A scenario in the economy's order: new log tax factors, log changes, and quotas (one entry per quota)."""

    log_tariff: Float[Array, "importer exporter sector"]  # ln(1+τ′)
    log_export_tax: Float[Array, "importer exporter sector"]  # ln(1+x′), before any quota's shadow tax
    log_trade_cost: Float[Array, "importer exporter sector"]  # ln d̂
    log_productivity: Float[Array, "country sector"]  # ln T̂ˣ
    deficit: Float[Array, " country"]  # D′
    quota_exporter: Int[Array, " quota"]
    quota_sector: Int[Array, " quota"]
    log_quota: Float[Array, " quota"]  # ln(quota / baseline exports)


def _place(
    name: str, value: xr.DataArray, economy: Economy, dims: tuple[str, ...], old: np.ndarray, problems: list[Problem]
) -> np.ndarray:
    """Broadcast ``value`` by name onto ``dims``; labels it does not mention, and NaN, keep the old level."""
    labels = {d: list(economy.sectors if d == SECTOR else economy.countries) for d in dims}
    wrong = label_problems(name, value, labels)
    if wrong:
        problems.extend(wrong)
        return old
    full = xr.DataArray(old, dims=dims, coords=labels)
    mine = {d: labels[str(d)] for d in value.dims}
    placed = value.reindex(mine).broadcast_like(full).transpose(*dims)
    return np.where(placed.isnull(), old, placed)
