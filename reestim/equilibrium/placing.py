"""Where policies are written: new levels of taxes, subsidies, resources and scrap, and the cells that labels name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from reestim.errors import Problem

if TYPE_CHECKING:
    from reestim.equilibrium.economy import Economy


@dataclass
class Levels:
    """New levels while policies are placed on ``economy``, which cells a policy has set, and all that is wrong."""

    economy: Economy
    tariff: np.ndarray  # (importer, exporter, sector)
    export_tax: np.ndarray  # (importer, exporter, sector)
    subsidy: np.ndarray  # (country, sector)
    endowment: np.ndarray  # (country, factor), factors of change
    recycled: np.ndarray  # (country, member)
    quota: dict[tuple[int, int], float] = field(default_factory=dict)  # (exporter, sector): multiple of the baseline
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

    def _pick(self, policy: object, labels: Iterable[str] | str, known: Sequence[str], what: str) -> np.ndarray:
        """Which of ``known`` are named; unknown names and empty lists are problems."""
        if isinstance(labels, str) and labels == "all":
            return np.ones(len(known), bool)
        names = (labels,) if isinstance(labels, str) else tuple(labels)
        unknown = [name for name in names if name not in known]
        if unknown or not names:
            value = ", ".join(unknown) if unknown else "(none)"
            message = f"{type(policy).__name__} names an unknown {what}"
            self.problems.append(Problem(message, f"The economy has {', '.join(known) or 'none'}.", value=value))
        return np.array([name in names for name in known], bool)
