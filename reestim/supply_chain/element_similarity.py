"""Which rare-earth elements resemble which: the properties behind substitutability, read in ``mendeleev``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from reestim.dims import ELEMENT
from reestim.errors import InputError, Problem
from reestim.supply_chain.substitutability import PROPERTY

if TYPE_CHECKING:
    from reestim.data.dataset import Dataset

OTHER = "other_element"
#: Columns of elements.csv that are chemistry. Scores and supply elasticities are judgements, not likeness.
PROPERTIES = ("ionic_radius", "electronegativity", "melting_point", "density", "f_electrons", "magnetic_moment")
_FEWEST = 3  # elements: with two, every standardised property is +1 and -1
_RARE_EARTHS = (
    "Sc",
    "Y",
    "La",
    "Ce",
    "Pr",
    "Nd",
    "Pm",
    "Sm",
    "Eu",
    "Gd",
    "Tb",
    "Dy",
    "Ho",
    "Er",
    "Tm",
    "Yb",
    "Lu",
)
_LANTHANUM = 57


def element_properties(symbols: Sequence[str]) -> pd.DataFrame:
    """Properties of rare-earth elements from the package mendeleev.

    Parameters
    ----------
    symbols
        Chemical symbols.

    Returns
    -------
    pandas.DataFrame
        Columns of ``elements.csv``: ionic_radius (Shannon, 3+, six neighbours, pm), electronegativity (Martynov and
        Batsanov), melting_point (K), density (g/cm³), f_electrons (of the 3+ ion), magnetic_moment (of the free 3+ ion
        by Hund's rules, Bohr magnetons). Scores and supply elasticities are not chemistry and have no column here.

    Raises
    ------
    InputError
        Naming every symbol that is not a rare earth.
    """
    import mendeleev

    package: Any = mendeleev  # its attributes are columns of a database to type checkers
    problems = [
        Problem("this is not a rare-earth element", f"Use symbols among {' '.join(_RARE_EARTHS)}", value=symbol)
        for symbol in symbols
        if symbol not in _RARE_EARTHS
    ]
    if problems or not symbols:
        advice = f"Use symbols among {' '.join(_RARE_EARTHS)}"
        raise InputError(problems or Problem("no element is named", advice), "no properties can be read")
    rows = []
    for symbol in dict.fromkeys(symbols):
        one = package.element(symbol)
        electrons = max(one.atomic_number - _LANTHANUM, 0)  # Sc and Y have none
        radius = next(i.ionic_radius for i in one.ionic_radii if i.charge == 3 and i.coordination == "VI")
        rows.append(
            {
                ELEMENT: symbol,
                "atomic_number": one.atomic_number,
                "group": "scandium" if symbol == "Sc" else "light" if 57 <= one.atomic_number <= 63 else "heavy",
                "ionic_radius": radius,
                "electronegativity": round(one.electronegativity("martynov-batsanov"), 3),
                "melting_point": one.melting_point,
                "density": one.density,
                "f_electrons": electrons,
                "magnetic_moment": round(hund_moment(electrons), 2),
            }
        )
    return pd.DataFrame(rows)


def hund_moment(electrons: int) -> float:
    """Magnetic moment g√(J(J+1)) of a free ion in its ground state (Hund's rules).

    Parameters
    ----------
    electrons
        Number of 4f electrons, 0 to 14.

    Returns
    -------
    float
        Bohr magnetons.

    Examples
    --------
    >>> from reestim.supply_chain.element_similarity import hund_moment
    >>> round(hund_moment(9), 2)  # Dy, 3+
    10.65
    """
    orbital = 3  # of an f electron
    up = min(electrons, 2 * orbital + 1)
    down = electrons - up
    s = (up - down) / 2
    ml = sum(range(orbital, orbital - up, -1)) + sum(range(orbital, orbital - down, -1))
    j = abs(ml - s) if electrons <= 2 * orbital else ml + s
    if j == 0:
        return 0.0
    lande = 1.5 + (s * (s + 1) - ml * (ml + 1)) / (2 * j * (j + 1))
    return float(lande * np.sqrt(j * (j + 1)))


def element_similarity(data: Dataset) -> xr.Dataset:
    """Compare the elements of a dataset by their chemistry, the properties of ``elements.csv``.

    Parameters
    ----------
    data
        A dataset whose ``elements.csv`` has the properties.

    Returns
    -------
    xarray.Dataset
        ``standardised`` (element, property): mean 0, standard deviation 1 over elements (0 where all are the same);
        ``distance`` (element, other_element): root mean square difference of the standardised properties, in standard
        deviations; ``map`` (element, axis): the first two principal components, lanthanum on the left. Elements stand
        in the order of average-linkage clustering, the alike beside each other.

    Raises
    ------
    InputError
        Naming every element without one of the properties.

    Examples
    --------
    >>> alike = ree.element_similarity(data)
    >>> float(alike["distance"].sel(element="Nd", other_element="Pr")) < float(
    ...     alike["distance"].sel(element="Nd", other_element="Lu")
    ... ) if "Lu" in alike["element"] else True
    True
    """
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    table = data["elements"].set_index(ELEMENT).loc[list(data.elements)]
    problems = [
        Problem(
            f"the element has no {name}",
            "Fill the column in (`reestim elements --look-up SYMBOLS` prints it)",
            file="elements.csv",
            column=name,
            value=str(e),
        )
        for name in PROPERTIES
        for e in table.index
        if name not in table or not np.isfinite(table.loc[e, name])
    ]
    if len(table) < _FEWEST:
        advice = f"Give at least {_FEWEST} elements: likeness is relative to the others"
        problems.append(Problem("too few elements to compare", advice, file="elements.csv", value=len(table)))
    if problems:
        raise InputError(problems, "the elements cannot be compared")
    values = table[list(PROPERTIES)].to_numpy(float)
    spread = values.std(axis=0)
    constant = spread <= 1e-12 * np.abs(values).max(axis=0)
    z = np.where(constant, 0.0, (values - values.mean(axis=0)) / np.where(constant, 1.0, spread))
    distance = np.sqrt(((z[:, None, :] - z[None, :, :]) ** 2).mean(axis=2))
    order = leaves_list(linkage(squareform(distance, checks=False), "average", optimal_ordering=True))
    left, size, _ = np.linalg.svd(z, full_matrices=False)
    first = left[:, :2] * size[:2]
    first = first * np.where(first[0] > 0, -1.0, 1.0)
    names = np.asarray(table.index, dtype=object)[order].astype(str)
    share = (size[:2] ** 2 / (size**2).sum()).tolist()
    return xr.Dataset(
        {
            "standardised": ((ELEMENT, PROPERTY), z[order], {"units": "standard deviations over elements"}),
            "distance": ((ELEMENT, OTHER), distance[np.ix_(order, order)], {"units": "standard deviations"}),
            "map": ((ELEMENT, "axis"), first[order], {"long_name": "principal components", "explained": share}),
            "group": (ELEMENT, table["group"].astype(str).to_numpy(dtype=str)[order]),
        },
        coords={ELEMENT: names, OTHER: names, PROPERTY: list(PROPERTIES), "axis": ["first", "second"]},
    )


def similarity_table(similarity: xr.Dataset) -> pd.DataFrame:
    """Per element the one most like it and the one least like it.

    Parameters
    ----------
    similarity
        From `reestim.element_similarity`.

    Returns
    -------
    pandas.DataFrame
        element, group, nearest, nearest_distance, furthest, furthest_distance (standard deviations).
    """
    distance = similarity["distance"].to_pandas()
    names = list(distance.index)
    away: Any = distance.mask(np.eye(len(names), dtype=bool))
    return pd.DataFrame(
        {
            ELEMENT: names,
            "group": similarity["group"].values,
            "nearest": away.idxmin(axis=1).to_numpy(),
            "nearest_distance": away.min(axis=1).to_numpy(),
            "furthest": away.idxmax(axis=1).to_numpy(),
            "furthest_distance": away.max(axis=1).to_numpy(),
        }
    )


def wide(array: xr.DataArray) -> pd.DataFrame:
    """A matrix as a table.

    Parameters
    ----------
    array
        Two dimensions.

    Returns
    -------
    pandas.DataFrame
        The first dimension as a column, one further column for each label of the second.
    """
    rows, columns = array.dims
    table = pd.DataFrame(array.values, columns=[str(label) for label in array[columns].values])
    table.insert(0, str(rows), array[rows].values)
    return table
