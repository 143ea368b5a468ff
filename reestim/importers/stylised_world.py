"""The stylised world of 2008: margins are real (World Input-Output Database), cells are made by gravity and RAS.

Ten economies, twenty sectors. From the cited marginals (output, value added, final demand, exports and imports by
country and sector) the three tables of the economy follow:

* trade of a sector: the pattern of total goods trade between pairs of countries, balanced by RAS to each country's
  exports and imports of the sector (imports scaled to the world's exports, a change within their rounding);
  domestic sales are output less exports;
* inputs of a country: the world's input coefficients times its outputs, balanced by RAS to output less value added of
  each sector and to expenditure less final demand of each input (scaled to one sum, again within rounding);
* value added: output less inputs, exactly; labour gets two thirds in every sector, an imputed uniform rule.

All values are whole thousandths of a million US$ (one thousand dollars), so the identities hold exactly in the files.

``python -m reestim.importers.bundle --out DIR`` writes the whole bundled dataset, the same bytes every time.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from reestim.dims import CAPITAL, LABOR
from reestim.errors import InputError, Problem
from reestim.importers.rows import LABOR_SHARE
from reestim.numerics.ras import ras

_UNIT = 1000  # files are in whole thousandths of a million US$

Thousandths = Int[np.ndarray, "..."]


@dataclass(frozen=True)
class Marginals:
    """The cited figures, million US$; arrays (country, sector), ``pattern`` (exporter, importer), ``coefficients``
    (input, sector)."""

    countries: tuple[str, ...]
    sectors: tuple[str, ...]
    output: Float[np.ndarray, "country sector"]
    value_added: Float[np.ndarray, "country sector"]
    final_demand: Float[np.ndarray, "country sector"]
    exports: Float[np.ndarray, "country sector"]
    imports: Float[np.ndarray, "country sector"]
    pattern: Float[np.ndarray, "exporter importer"]
    coefficients: Float[np.ndarray, "input sector"]


def read_marginals(sources: Path) -> Marginals:
    """Read the three ``world2008_*.csv`` files of the folder ``sources``."""
    table = pd.read_csv(sources / "world2008_marginals.csv")
    countries, sectors = tuple(dict.fromkeys(table["country"])), tuple(dict.fromkeys(table["sector"]))
    indexed = table.set_index(["country", "sector"])
    index = pd.MultiIndex.from_product([countries, sectors])
    shape = (len(countries), len(sectors))
    arrays = {name: indexed[name].reindex(index).to_numpy(dtype=float).reshape(shape) for name in indexed.columns}
    pattern = pd.read_csv(sources / "world2008_goods_trade.csv", index_col="exporter")
    coefficients = pd.read_csv(sources / "world2008_input_coefficients.csv", index_col="input")
    return Marginals(
        countries=countries,
        sectors=sectors,
        pattern=pattern.reindex(index=countries, columns=countries).to_numpy(dtype=float),
        coefficients=coefficients.reindex(index=sectors, columns=sectors).to_numpy(dtype=float),
        **arrays,
    )


def world_tables(world: Marginals) -> dict[str, pd.DataFrame]:
    """``trade``, ``input_output`` and ``value_added`` as files have them, million US$.

    Raises InputError naming the country and sector where the margins contradict each other or cannot be met.
    """
    _refuse(world, world.output - world.exports, "exports exceed output")
    _refuse(world, world.output - world.value_added, "value added exceeds output")
    used = world.output - world.exports + world.imports - world.final_demand
    _refuse(world, used, "final demand exceeds what is bought")
    trade = _trade(world)
    inputs = _inputs(world)
    output = trade.sum(axis=0)
    added = output - inputs.sum(axis=1)
    labor = np.rint(LABOR_SHARE * added).astype(np.int64)
    factors = np.stack([labor, added - labor], axis=1)
    names, sectors = world.countries, world.sectors
    return {
        "trade": _long(trade, {"importer": names, "exporter": names, "sector": sectors}),
        "input_output": _long(inputs, {"country": names, "input": sectors, "sector": sectors}),
        "value_added": _long(factors, {"country": names, "factor": (LABOR, CAPITAL), "sector": sectors}),
    }


def _refuse(world: Marginals, rest: Float[np.ndarray, "country sector"], why: str) -> None:
    """Raise where a remainder that must not be negative is."""
    advice = "Correct world2008_marginals.csv"
    cells = [f"{world.countries[n]}, {world.sectors[s]}" for n, s in np.argwhere(rest < 0)]
    if cells:
        problems = [Problem(why, advice, file="world2008_marginals.csv", value=cell) for cell in cells]
        raise InputError(problems, title="the stylised world cannot be built")


def _trade(world: Marginals) -> Int[np.ndarray, "importer exporter sector"]:
    """Bilateral trade with domestic sales on the diagonal, thousandths. Output comes out as cited, exactly."""
    n = len(world.countries)
    abroad = world.pattern * (1 - np.eye(n))
    trade = np.zeros((n, n, len(world.sectors)), dtype=np.int64)
    for s, sector in enumerate(world.sectors):
        exports, imports = world.exports[:, s], world.imports[:, s]
        imports = imports * (exports.sum() / imports.sum())
        seed = abroad * (exports > 0)[:, None] * (imports > 0)[None, :]
        names: Any = {"rows": world.countries, "columns": world.countries, "name": f"trade in {sector}"}
        flows = _thousandths(ras(seed, exports, imports, **names).T)
        domestic = _thousandths(world.output[:, s]) - flows.sum(axis=0)
        trade[:, :, s] = flows + np.diag(domestic)
    return trade


def _inputs(world: Marginals) -> Int[np.ndarray, "country input sector"]:
    """Use of each input by each sector, thousandths."""
    bought = world.output - world.exports + world.imports
    spent = world.output - world.value_added
    inputs = np.zeros((len(world.countries), len(world.sectors), len(world.sectors)), dtype=np.int64)
    for n, country in enumerate(world.countries):
        used = bought[n] - world.final_demand[n]
        used = used * (spent[n].sum() / used.sum())
        seed = world.coefficients * world.output[n][None, :]
        names: Any = {"rows": world.sectors, "columns": world.sectors, "name": f"inputs of {country}"}
        inputs[n] = _thousandths(ras(seed, used, spent[n], **names))
    return inputs


def _thousandths(values: Float[np.ndarray, ...]) -> Thousandths:
    return np.rint(values * _UNIT).astype(np.int64)


def _long(array: Thousandths, labels: dict[str, tuple[str, ...]]) -> pd.DataFrame:
    """Tidy table of the cells that are not zero, in the order of the labels."""
    places = np.argwhere(array != 0)
    columns = {name: [names[k] for k in places[:, axis]] for axis, (name, names) in enumerate(labels.items())}
    return pd.DataFrame({**columns, "value": array[tuple(places.T)] / _UNIT})
