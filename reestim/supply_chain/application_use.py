"""Tonnes by application: to the sectors that use it, and to the countries where that happens, as far as stated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import xarray as xr

from reestim.data.country_groups import country_group
from reestim.data.country_use import COUNTRY_USE_STEM
from reestim.data.schemas import WEIGHT_TOLERANCE
from reestim.dims import APPLICATION, COUNTRY, ELEMENT, SECTOR
from reestim.errors import InputError, Problem
from reestim.supply_chain.labelled_arrays import to_array

if TYPE_CHECKING:
    from reestim.data.dataset import Dataset


def sector_use(data: Dataset) -> xr.DataArray:
    """World use by element and sector: uses by application through the concordance.

    Parameters
    ----------
    data
        The dataset.

    Returns
    -------
    xarray.DataArray
        (element, sector), t REO.

    Raises
    ------
    InputError
        For an application whose weights do not sum to 1 (its tonnes would be lost or invented).
    """
    tonnes, weight = application_use(data)
    return (tonnes * weight).sum("application").transpose(ELEMENT, SECTOR)


def application_use(data: Dataset) -> tuple[xr.DataArray, xr.DataArray]:
    """World use by application, and the sectors that it goes to.

    Parameters
    ----------
    data
        The dataset.

    Returns
    -------
    use, weights : xarray.DataArray
        (application, element), t REO; (application, sector), fractions.

    Raises
    ------
    InputError
        As `sector_use`.
    """
    used, weights = data["element_use"], data["application_sector"]
    applications = list(dict.fromkeys([*used["application"], *weights["application"]]))
    elements, goods = list(data.elements), list(data.goods)
    tonnes = to_array(used, {"application": applications, ELEMENT: elements}, "tonnes")
    weight = to_array(weights, {"application": applications, SECTOR: goods}, "weight")
    total = weight.sum(SECTOR)
    wrong = (abs(total - 1) > WEIGHT_TOLERANCE) & (tonnes.sum(ELEMENT) > 0)
    if bool(wrong.any()):
        advice = "Make the weights of each application in application_sector.csv sum to 1"
        message = "tonnes of the application would be lost or invented"
        names = [a for a in applications if bool(wrong.loc[a])]
        raise InputError([Problem(message, advice, file="application_sector.csv", value=a) for a in names])
    return tonnes, weight / total.where(total > 0, 1.0)  # removes the rounding of the file: not a gram is lost


def stated_use(data: Dataset, share: xr.DataArray, made: xr.DataArray) -> xr.DataArray | None:
    """Use by country, element and sector, (country, element, sector), t REO, with the shares of country_use.csv.

    A group of countries has the share of an application that is stated there, and within the group countries share it
    by what they make of each sector that the application goes to. Applications without shares follow world output.

    ``share``, ``made`` (country, sector): share of the world's output, and output in million US$. None where the
    dataset states no shares. Raises InputError naming each group that makes nothing of what an application goes into.
    """
    return None if COUNTRY_USE_STEM not in data else _placed_use(data, share, made).sum(APPLICATION)


def use_by_application(data: Dataset, output: xr.DataArray) -> xr.DataArray:
    """The same by application, (application, country, element, sector), and by world output where no shares are stated.

    ``output`` as for ``ree_use.country_use``.
    """
    made = output.sel({SECTOR: list(data.goods)})
    world = made.sum(COUNTRY)
    return _placed_use(data, (made / world.where(world > 0, 1.0)).transpose(COUNTRY, SECTOR), made)


def _placed_use(data: Dataset, share: xr.DataArray, made: xr.DataArray) -> xr.DataArray:
    tonnes, weight = application_use(data)
    problems: list[Problem] = []
    stated: Any = data.tables.get(COUNTRY_USE_STEM)
    placed = []
    for name in tonnes[APPLICATION].values:
        into, where = weight.sel({APPLICATION: name}), xr.zeros_like(share)
        rows: Any = None if stated is None else stated[stated[APPLICATION] == name]
        for row, cells in () if rows is None else zip(rows.index, rows.itertuples(index=False), strict=True):
            group = country_group(str(cells.countries), list(data.countries))
            inside = made.where(made[COUNTRY].isin(list(group)), 0.0)
            total = inside.sum(COUNTRY)
            nowhere = [str(s) for s in into[SECTOR].values if float(into.loc[s]) > 0 and not float(total.loc[s]) > 0]
            if nowhere and cells.share > 0:
                advice = f"Move its weight away from {', '.join(nowhere)} (application_sector.csv), or widen the group"
                place: Any = {
                    "file": f"{COUNTRY_USE_STEM}.csv",
                    "row": int(row),
                    "column": "countries",
                    "value": cells.countries,
                }
                problems.append(Problem(f"these countries make nothing of what {name} goes into", advice, **place))
            where = where + cells.share * inside / total.where(total > 0, 1.0)
        placed.append((share if rows is None or rows.empty else where) * into * tonnes.sel({APPLICATION: name}))
    if problems:
        raise InputError(problems, "the use of rare earths cannot be placed")
    joined = xr.concat(placed, dim=xr.IndexVariable(APPLICATION, tonnes[APPLICATION].values))
    return joined.transpose(APPLICATION, COUNTRY, ELEMENT, SECTOR)
