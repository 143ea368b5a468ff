"""A world economy brought to new margins: the flows nearest to a seed that have them, every account closed exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from reestim.errors import InputError, Problem
from reestim.numerics.ras import ras

#: Flows are whole multiples of a thousandth of the money of the data, so that sums close to the last digit.
UNIT = 1000

Table = Float[np.ndarray, "country sector"]


@dataclass(frozen=True)
class Flows:
    """Flows of one year: ``trade`` (importer, exporter, sector) as producers receive it, ``inputs`` (country, input,
    sector) as buyers pay them, and ``wedge``, what importers pay over what producers receive (1 without border taxes).
    """

    countries: tuple[str, ...]
    sectors: tuple[str, ...]
    trade: Float[np.ndarray, "importer exporter sector"]
    inputs: Float[np.ndarray, "country input sector"]
    wedge: Float[np.ndarray, "importer exporter sector"]

    @property
    def output(self) -> Table:
        """What producers receive."""
        return self.trade.sum(axis=0)

    @property
    def value_added(self) -> Table:
        """Output less inputs."""
        return self.output - self.inputs.sum(axis=1)

    @property
    def spending(self) -> Table:
        """What buyers pay for each product, wherever it comes from."""
        return (self.trade * self.wedge).sum(axis=1)

    @property
    def final(self) -> Table:
        """Final demand: spending less the use of the product as an input."""
        return self.spending - self.inputs.sum(axis=2)

    @property
    def abroad(self) -> Float[np.ndarray, "importer exporter sector"]:
        """Trade without sales at home."""
        return self.trade * (1 - np.eye(len(self.countries)))[:, :, None]

    @property
    def exports(self) -> Table:
        """Sales abroad, as producers receive them."""
        return self.abroad.sum(axis=0)

    @property
    def imports(self) -> Table:
        """Purchases abroad, as producers receive them."""
        return self.abroad.sum(axis=1)


@dataclass(frozen=True)
class Margins:
    """What a year has by country and sector, in the money of the data; ``imports`` add up to ``exports`` by sector."""

    output: Table
    value_added: Table
    exports: Table
    imports: Table


def balanced(seed: Flows, margins: Margins, final: Table | None = None) -> Flows:
    """The flows with these margins that are nearest to the seed (RAS; GRAS for the inputs with final demand).

    Trade of each sector is balanced to exports and imports, sales at home are output less exports; then inputs and
    final demand of each country to what it spends on each product and to output less value added of each sector.
    ``final``: final demand of the seed, where that is not what its trade and inputs leave.
    Rounded to a thousandth; sales at home and value added are what is left, so that all identities hold.

    Raises InputError naming the cells where the margins contradict each other or cannot be reached.
    """
    _refuse_contradictions(seed, margins)
    trade = _trade(seed, margins)
    spending = (trade / UNIT * seed.wedge).sum(axis=1)
    inputs, wanted = np.zeros_like(seed.inputs), seed.final if final is None else final
    output = trade.sum(axis=0) / UNIT
    for n, country in enumerate(seed.countries):
        spent = np.maximum(output[n] - margins.value_added[n], 0.0)
        left = float(spending[n].sum() - spent.sum())
        cells = np.column_stack([seed.inputs[n], wanted[n]])
        names: dict[str, Any] = {"rows": seed.sectors, "columns": [*seed.sectors, "final demand"]}
        name = f"inputs of {country}"
        fitted = ras(cells, spending[n], np.append(spent, left), signed=True, name=name, **names)
        inputs[n] = np.floor(fitted[:, :-1] * UNIT)  # never above what is bought, nor above output
    return Flows(seed.countries, seed.sectors, trade / UNIT, inputs / UNIT, seed.wedge)


def _trade(seed: Flows, margins: Margins) -> Float[np.ndarray, "importer exporter sector"]:
    """Trade in whole units; output comes out as the margin says, rounded."""
    trade = np.zeros_like(seed.trade)
    abroad = seed.abroad
    for s, sector in enumerate(seed.sectors):
        exports, imports = margins.exports[:, s], margins.imports[:, s]
        cells = abroad[:, :, s] * (imports > 0)[:, None] * (exports > 0)[None, :]
        names: dict[str, Any] = {"rows": seed.countries, "columns": seed.countries}
        flows = np.rint(ras(cells, imports, exports, name=f"trade in {sector}", **names) * UNIT)
        home = np.rint(margins.output[:, s] * UNIT) - flows.sum(axis=0)
        trade[:, :, s] = flows + np.diag(np.maximum(home, 0.0))
    return trade


def _refuse_contradictions(seed: Flows, margins: Margins) -> None:
    """Margins below zero, value added or exports above output, more inputs than a country can buy."""
    checks = [
        (margins.output, "output is negative"),
        (margins.value_added, "value added is negative"),
        (margins.output - margins.value_added, "value added exceeds output"),
        (margins.output - margins.exports, "exports exceed output"),
    ]
    problems = [
        Problem(why, "Correct the margins of the year", value=f"{seed.countries[n]}, {seed.sectors[s]}")
        for values, why in checks
        for n, s in np.argwhere(values < -1e-9 * np.maximum(margins.output, 1.0))
    ]
    bought = (margins.output - margins.exports + margins.imports).sum(axis=1)
    spent = (margins.output - margins.value_added).sum(axis=1)
    problems += [
        Problem("nothing is left for final demand", "Correct output, value added or trade", value=seed.countries[n])
        for n in np.flatnonzero(bought <= spent)
    ]
    if problems:
        raise InputError(problems, "the margins cannot be those of one year")


def moved(before: Flows, after: Flows) -> pd.DataFrame:
    """How far shares moved: array, cells, mean_change (absolute, weighted by the flows after), largest_change (among
    cells with at least a thousandth of the flows of their country and sector), where.

    The arrays: input coefficients (of output), value added (of output), shares of exporters in what is bought, shares
    of sectors in output.
    """

    def share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
        return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)

    both = (before, after)
    arrays = {
        "input coefficients": ([share(f.inputs, f.output[:, None, :]) for f in both], after.inputs),
        "value added per output": ([share(f.value_added, f.output) for f in both], after.value_added),
        "shares of exporters": ([share(f.trade, f.trade.sum(axis=1, keepdims=True)) for f in both], after.trade),
        "shares of sectors": ([share(f.output, f.output.sum(axis=1, keepdims=True)) for f in both], after.output),
    }
    labels: dict[str, tuple[Sequence[str], ...]] = {
        "input coefficients": (after.countries, after.sectors, after.sectors),
        "value added per output": (after.countries, after.sectors),
        "shares of exporters": (after.countries, after.countries, after.sectors),
        "shares of sectors": (after.countries, after.sectors),
    }
    rows = []
    for name, ((old, new), weight) in arrays.items():
        change = np.abs(new - old)
        seen = np.where(new >= 1e-3, change, 0.0)
        at = np.unravel_index(int(seen.argmax()), seen.shape)
        where = ", ".join(str(names[int(k)]) for names, k in zip(labels[name], at, strict=True))
        mean = float((change * weight).sum() / weight.sum())
        rows.append((name, int((weight > 0).sum()), mean, float((new - old)[at]), where))
    return pd.DataFrame(rows, columns=["array", "cells", "mean_change", "largest_change", "where"])
