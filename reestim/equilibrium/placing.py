"""Where policies are written: new levels of taxes, subsidies, resources and scrap, and the cells that labels name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import jax.numpy as jnp
import numpy as np

from reestim.dims import CARRIER, COUNTRY, ELEMENT
from reestim.equilibrium.pools import Pools
from reestim.errors import Problem
from reestim.wording import nearest

if TYPE_CHECKING:
    from reestim.equilibrium.economy import Economy

#: The fields of a policy that have the labels of sectors and elements; those of countries have the name of their role.
_FIELD = {"sector": "sectors", "element": "elements"}
#: ln of a limit that is out of reach: a million times the tonnes of the baseline.
NO_LIMIT = 13.8


@dataclass(frozen=True)
class Pool:
    """Trade that shares one limit in tonnes and one licence price, as a policy says it."""

    kind: str  # of the policy
    border: np.ndarray  # cells (importer, exporter, sector) of exports that need the licence
    mine: np.ndarray  # cells (exporter, sector) whose whole output needs it
    log_limit: float  # ln of the limit against the tonnes of the baseline
    waste: float = 0.0

    @property
    def key(self) -> tuple[str, bytes, bytes]:
        """What makes it the same pool in another year."""
        return self.kind, self.border.tobytes(), self.mine.tobytes()

    @property
    def pairs(self) -> np.ndarray:
        """Cells (exporter, sector) that it names."""
        return self.border.any(axis=0) | self.mine


@dataclass
class Levels:
    """New levels while policies are placed on ``economy``, which cells a policy has set, and all that is wrong."""

    economy: Economy
    tariff: np.ndarray  # (importer, exporter, sector)
    export_tax: np.ndarray  # (importer, exporter, sector)
    subsidy: np.ndarray  # (country, sector)
    endowment: np.ndarray  # (country, factor), factors of change
    recycled: np.ndarray  # (country, member)
    pools: list[Pool] = field(default_factory=list)
    taken: dict[str, np.ndarray] = field(default_factory=dict)  # by name of the array
    problems: list[Problem] = field(default_factory=list)

    @classmethod
    def of(cls, economy: Economy) -> Levels:
        """Nothing changed."""
        b = economy.baseline
        return cls(
            economy,
            np.array(b.tariff),
            np.array(b.export_tax),
            np.zeros(b.expenditure.shape),
            np.ones(b.factor_income.shape),
            np.zeros((len(economy.countries), len(economy.members))),
        )

    def set(self, name: str, cells: np.ndarray, value: float, policy: object) -> None:
        """Write ``value`` where ``cells`` is true; a cell that another policy holds already is a problem."""
        array = getattr(self, name)
        taken = self.taken.setdefault(name, np.zeros(array.shape, bool))
        if (cells & taken).any():
            message = f"{type(policy).__name__} sets {name} where another policy of the scenario sets it too"
            advice = "Keep one of the two, or give them different years."
            self.problems.append(Problem(message, advice, value=str(policy)))
            return
        taken |= cells
        array[cells] = value

    def hold(self, policy: object, pool: Pool) -> None:
        """Add a pool; trade that a policy of its kind holds already, or tonnes that cannot be summed, are problems."""
        economy, who, pairs = self.economy, type(policy).__name__, np.argwhere(pool.pairs)
        taken = self.taken.setdefault(pool.kind, np.zeros(pool.border.shape, bool))
        cells = pool.border | pool.mine[None, :, :]
        for i, s in np.argwhere((cells & taken).any(axis=0)):
            message = f"two policies of the kind {who} hold {economy.sectors[s]} from {economy.countries[i]}"
            self.problems.append(Problem(message, "Keep the tighter one.", value=str(policy)))
        taken |= cells
        prices = producer_prices(economy)
        unknown = [f"{economy.sectors[s]} from {economy.countries[i]}" for i, s in pairs if not prices[i, s] > 0]
        if len(pairs) > 1 and unknown:
            advice = "Add producer_price (country, element) or carrier_price (US$ per tonne), or hold each by itself."
            message = f"{who} sums tonnes of several products, and the economy has no price per tonne of"
            self.problems.append(Problem(message, advice, value=", ".join(unknown)))
        self.pools.append(pool)

    def countries(self, policy: object, labels: Iterable[str] | str, role: str = "country") -> np.ndarray:
        """Which countries are named, as an importer, an exporter or a country."""
        return self._pick(policy, labels, self.economy.countries, role)

    def sectors(self, policy: object, labels: Iterable[str] | str) -> np.ndarray:
        """Which sectors are named."""
        return self._pick(policy, labels, self.economy.sectors, "sector")

    def elements(self, policy: object, labels: Iterable[str] | str) -> np.ndarray:
        """Which elements are named."""
        return self._pick(policy, labels, self.economy.elements, "element")

    def members(self, policy: object, labels: Iterable[str] | str) -> np.ndarray:
        """Which members of the bundle are named, elements first, then carriers; ``"all"`` is all elements."""
        economy = self.economy
        named = economy.elements if isinstance(labels, str) and labels == "all" else labels
        if not economy.members:
            return self.elements(policy, labels)
        return self._pick(policy, named, economy.members, "element")

    def flows(
        self,
        policy: object,
        importer: Iterable[str] | str,
        exporter: Iterable[str] | str,
        sectors: Iterable[str] | str,
    ) -> np.ndarray:
        """Cells (importer, exporter, sector) of trade between different countries."""
        buys, sells = self.countries(policy, importer, "importer"), self.countries(policy, exporter, "exporter")
        cells = buys[:, None, None] & sells[None, :, None] & self.sectors(policy, sectors)[None, None, :]
        return cells & ~np.eye(len(buys), dtype=bool)[:, :, None]

    def _pick(self, policy: object, labels: Iterable[str] | str, available: Sequence[str], what: str) -> np.ndarray:
        """Which of ``available`` are named; unknown names and empty lists are problems."""
        if isinstance(labels, str) and labels == "all":
            return np.ones(len(available), bool)
        names = (labels,) if isinstance(labels, str) else tuple(labels)
        unknown = [name for name in names if name not in available]
        if unknown or not names:
            value = ", ".join(unknown) if unknown else "(none)"
            message = f"{type(policy).__name__} names an unknown {what}"
            near = [f"Did you mean {one!r}? " for name in unknown if (one := nearest(name, available))]
            advice = f"{''.join(near)}The economy has {', '.join(available) or 'none'}."
            self.problems.append(Problem(message, advice, column=_FIELD.get(what, what), value=value))
        return np.array([name in names for name in available], bool)


def producer_prices(economy: Economy) -> np.ndarray:
    """Producer price per tonne at the baseline (country, sector), US$; not a number where the economy has none."""
    prices = np.full((len(economy.countries), len(economy.sectors)), np.nan)
    for name, dim in (("producer_price", ELEMENT), ("carrier_price", CARRIER)):
        if name in economy.ds:
            stated = economy.ds[name].transpose(COUNTRY, dim)
            places = [economy.sectors.index(str(label)) for label in stated[dim].values]
            prices[:, places] = stated.where(stated > 0).to_numpy()
    return prices


def attainable_limits(economy: Economy, pools: Sequence[Pool]) -> list[float]:
    """Log limits of pools. Where several hold the same trade the tightest is reached (the first of equal ones) and the
    others are free, so theirs is ``NO_LIMIT``: which of them bind is not left to the solver."""
    traded = np.asarray(economy.baseline.trade_share) > 0
    held = [((pool.border | pool.mine[None, :, :]) & traded).tobytes() for pool in pools]
    order = sorted(range(len(pools)), key=lambda k: pools[k].log_limit)
    first = {held[k]: k for k in reversed(order)}
    return [pool.log_limit if first[held[k]] == k else NO_LIMIT for k, pool in enumerate(pools)]


def pool_arrays(economy: Economy, pools: Sequence[Pool]) -> Pools:
    """Pools as arrays over the (exporter, sector) pairs that any of them names."""
    named = np.zeros((len(economy.countries), len(economy.sectors)), bool)
    for pool in pools:
        named |= pool.pairs
    i, s = np.nonzero(named)
    price = producer_prices(economy)[i, s]
    has_price = np.isfinite(price)
    shape = len(pools), len(economy.countries), len(i)
    return Pools(
        exporter=jnp.asarray(i),
        sector=jnp.asarray(s),
        price=jnp.asarray(np.where(has_price, price, 1.0)),
        per_kg=jnp.asarray(np.where(has_price, 1e-3, np.nan)),
        border=jnp.asarray(np.array([pool.border[:, i, s] for pool in pools], dtype=float).reshape(shape)),
        mine=jnp.asarray(np.array([pool.mine[i, s] for pool in pools], dtype=float).reshape(shape[0], shape[2])),
        log_limit=jnp.asarray(np.array(attainable_limits(economy, pools), dtype=float)),
        waste=jnp.asarray(np.array([pool.waste for pool in pools], dtype=float)),
    )
