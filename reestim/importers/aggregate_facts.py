"""The facts of a dataset on rare earths and policy in fewer regions or sectors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from reestim.data.country_groups import country_group
from reestim.data.country_use import COUNTRY_USE_STEM
from reestim.data.dataset import Dataset
from reestim.data.schemas import SCHEMAS, USE_STAGES
from reestim.dims import APPLICATION, COUNTRY, ELEMENT, EXPORTER, IMPORTER, SECTOR
from reestim.importers.aggregate_rows import Codes, add_up
from reestim.supply_chain.accounts import accounts
from reestim.supply_chain.application_use import use_by_application
from reestim.supply_chain.flows import border_wedge
from reestim.supply_chain.ree_rows import split_world

#: How rows that are made here, and not added up, begin.
MADE = "imputed: aggregated"
#: Two shares of an application are the same: rounding of sums.
_SAME = 1e-12
_NO_ROWS = pd.DataFrame(columns=[*SCHEMAS[COUNTRY_USE_STEM].fields])


def fact_tables(data: Dataset, codes: Codes) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Facts by stem, and in words what was left out."""
    tables = {
        "element_output": add_up("element_output", data["element_output"], codes, ["tonnes"]),
        "application_sector": add_up("application_sector", data["application_sector"], codes, ["weight"]),
        "trade_elasticities": trade_elasticities(data, codes),
    }
    if "carriers" in data:
        tables["carriers"] = data["carriers"].assign(carrier=[codes.sectors[name] for name in data.carriers])
    if "policy" in data:
        tables["policy"] = policy(data, codes)
    placed, notes = country_use(data, codes)
    if len(placed):
        tables[COUNTRY_USE_STEM] = placed
    if "element_exports" in data:
        exports = data["element_exports"]
        single: Any = exports[[codes.alone(country) for country in exports[COUNTRY]]]
        gone = sorted({codes.regions[c] for c in exports[COUNTRY] if not codes.alone(c)})
        if len(single):
            tables["element_exports"] = codes.renamed(single)
        if gone:
            notes.append(
                f"element_exports.csv is without {', '.join(gone)}: what the countries of a region sell each other is "
                "in their exports; the region's use follows its output."
            )
    return tables, notes


def trade_elasticities(data: Dataset, codes: Codes) -> pd.DataFrame:
    """Elasticities and their errors, weighted by trade between countries; by all purchases where nothing crosses a
    border. Rows of elements stay."""
    trade = accounts(data).trade.transpose(IMPORTER, EXPORTER, SECTOR)
    home = xr.DataArray(np.eye(len(data.countries)), dims=(IMPORTER, EXPORTER))
    abroad: Any
    bought: Any
    abroad, bought = ((trade * w).sum((IMPORTER, EXPORTER)).to_series() for w in (1 - home, 1.0))
    rows = []
    renamed: Any = codes.renamed(data["trade_elasticities"])
    for _, group in renamed.groupby(SECTOR, sort=False):
        if len(group) == 1:
            rows.append(group)
            continue
        labels: Any = data["trade_elasticities"].loc[group.index, SECTOR].to_numpy()
        weights, what = (abroad[labels].to_numpy(), "trade between countries")
        if not weights.sum() > 0:
            weights, what = bought[labels].to_numpy(), "purchases"
        row = group.iloc[:1].assign(
            trade_elasticity=_mean(group["trade_elasticity"], weights),
            sd=_mean(group["sd"], weights),
            source=f"{MADE}: means of {', '.join(labels)}, weighted by {what}; their errors as one",
        )
        rows.append(row.assign(verified=False) if "verified" in row else row)
    return pd.concat(rows, ignore_index=True)


def policy(data: Dataset, codes: Codes) -> pd.DataFrame:
    """Taxes between regions that leave what producers, exporters' and importers' governments receive as it was. A file
    that names only what stays alone keeps its rows."""
    table = data["policy"]
    ends = [*table[IMPORTER], *table[EXPORTER]]
    if all(codes.alone(label) for label in [*ends, *table[SECTOR]]):
        return codes.renamed(table)
    goods = accounts(data)
    elements = split_world(data).elements.trade.rename({ELEMENT: SECTOR})
    paid = xr.concat([goods.trade, elements], dim=SECTOR).transpose(IMPORTER, EXPORTER, SECTOR)
    tariff, tax = (
        wedge.sel({SECTOR: paid[SECTOR]}).transpose(*paid.dims) for wedge in (goods.tariff, goods.export_tax)
    )
    labels = list(data.countries), [*data.goods, *data.elements]
    sectors = {**codes.sectors, **{element: element for element in data.elements}}
    countries, columns = codes.members(codes.regions, labels[0]), codes.members(sectors, labels[1])

    def added(cells: Any) -> np.ndarray:
        return np.einsum("Nn,Ii,Ss,nis->NIS", countries, countries, columns, np.asarray(cells), optimize=True)

    value, customs = added(paid), added(paid / (1 + tariff))
    received, cells = added(paid / border_wedge(tariff, tax)), added(xr.ones_like(paid))
    rows = []
    for exact, above, below in ((tariff, value, customs), (tax, customs, received)):
        mean = np.where(below > 0, np.divide(above, below, out=np.ones_like(above), where=below > 0) - 1, np.nan)
        rows.append(np.where(np.isnan(mean), added(exact) / cells, mean).round(12))
    new = codes.new_regions, [*codes.new_sectors, *data.elements]
    cells_of_policy = [
        (new[0][n], new[0][i], new[1][s], float(rows[0][n, i, s]), float(rows[1][n, i, s]))
        for n, i, s in np.argwhere((np.abs(rows[0]) + np.abs(rows[1])) > 0)
        if n != i
    ]
    columns_of = [IMPORTER, EXPORTER, SECTOR, "tariff", "export_tax"]
    made: Any = pd.DataFrame(cells_of_policy, columns=columns_of).assign(
        source=f"{MADE}: taxes of policy.csv, weighted by the trade they are paid on", verified=False
    )
    return made[[name for name in made if name in (*columns_of, *table.columns)]]


def country_use(data: Dataset, codes: Codes) -> tuple[pd.DataFrame, list[str]]:
    """Where applications happen, by groups of regions.

    Where the groups of the dataset are whole regions, and its countries share them as the regions would by what they
    make, they stay. Else every region has a row with the share that its countries had; all regions then divide the
    application over sectors as the world does, and the note says how much of it that moves.
    """
    made = split_world(data).made
    use = use_by_application(data, made).sum(ELEMENT).transpose(APPLICATION, COUNTRY, SECTOR)
    countries, sectors = codes.members(codes.regions, data.countries), codes.members(codes.sectors, data.goods)
    output = countries @ made.sel({SECTOR: list(data.goods)}).transpose(COUNTRY, SECTOR).values @ sectors.T
    stated: Any = data.tables.get(COUNTRY_USE_STEM)
    parts, moved = [], {}
    for name in use[APPLICATION].values:
        true = countries @ use.sel({APPLICATION: name, SECTOR: list(data.goods)}).values @ sectors.T
        total = true.sum()
        rows = _NO_ROWS if stated is None else stated[stated[APPLICATION] == name]
        groups = [set(country_group(str(text), data.countries)) for text in rows["countries"]]
        named = [[r for r in codes.new_regions if r in {codes.regions[c] for c in group}] for group in groups]
        places = [[codes.new_regions.index(r) for r in regions] for regions in named]
        whole = sum(len(p) for p in places) == len({k for p in places for k in p})
        shares = list(rows["share"]) if len(rows) else [1.0]
        shared = _by_output(places if len(rows) else [list(range(len(output)))], shares, output, true.sum(axis=0))
        if total == 0 or (whole and np.abs(shared - true).max() < _SAME * total):
            parts.append(rows.assign(countries=[" ".join(regions) for regions in named]))
            continue
        share = true.sum(axis=1) / total
        moved[str(name)] = float(np.abs(np.outer(share, true.sum(axis=0)) - true).sum() / (2 * total))
        parts.append(
            pd.DataFrame({"countries": codes.new_regions, "share": share})
            .query("share > 0")
            .assign(application=name, stage=rows["stage"].iloc[0] if len(rows) else USE_STAGES[-1])
            .assign(source=f"{MADE}: as the countries of {data.meta.name} share it", verified=False)
        )
    table = pd.concat([part for part in parts if len(part)] or [_NO_ROWS], ignore_index=True)
    if not moved:
        return table, []
    words = ", ".join(f"{name} ({part:.1%})" for name, part in moved.items())
    return table, [
        "country_use.csv: the mapping mixes what shares these applications: each region has what its countries had, "
        f"divided over sectors as in the world, which moves as much of it between them: {words}."
    ]


def _by_output(places: list[list[int]], shares: list[float], output: np.ndarray, use: np.ndarray) -> np.ndarray:
    """Use (region, sector) of an application whose groups of regions share it by what they make."""
    where = np.zeros_like(output)
    for group, share in zip(places, shares, strict=True):
        total = output[group].sum(axis=0)
        where[group] += share * np.divide(output[group], total, out=np.zeros_like(output[group]), where=total > 0)
    return where * use


def _mean(values: pd.Series, weights: np.ndarray) -> float:
    """Weighted mean; exactly the value where all are the same."""
    numbers = values.to_numpy(float)
    same = bool((numbers == numbers[0]).all())
    return float(numbers[0]) if same else round(float(np.average(numbers, weights=weights)), 9)
