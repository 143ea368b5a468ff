"""What chemistry says about how hard a sector's rare earths are to replace: the predictors z of equation (14)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from reestim.dims import ELEMENT, SECTOR
from reestim.errors import InputError, Problem
from reestim.supply_chain.prices import world_element_mix

if TYPE_CHECKING:
    from reestim.data.dataset import Dataset

PROPERTY = "property"

#: Radius of Ca2+ with six neighbours, pm (Shannon 1976): the common ion nearest in size to the rare earths. The closer
#: an element is to it, the more easily the host lattice takes something else.
CALCIUM_RADIUS = 100.0


def substitutability(data: Dataset, io: xr.Dataset) -> xr.DataArray:
    """Predictors of the elasticity of substitution, standardised over the sectors that use rare earths.

    Each is the mean of a property of the elements, weighted by the sector's world mix (value shares of the base year),
    then brought to mean 0 and standard deviation 1 (a property that is the same everywhere is 0). In all three, higher
    means harder to substitute:

    * ``substitute_performance``: 0 = a perfect substitute exists, 100 = none (Graedel et al. 2015);
    * ``magnetic_moment``: of the free ion, Bohr magnetons: magnetic functions rest on 4f electrons;
    * ``ionic_radius_distance``: distance of the ionic radius from that of calcium, pm.

    Parameters
    ----------
    data
        The dataset.
    io
        Its table, from `reestim.ree_input_output`.

    Returns
    -------
    xarray.DataArray
        z (sector, property), standard deviations.

    Raises
    ------
    InputError
        Naming every element without one of the properties.

    Examples
    --------
    >>> from reestim.supply_chain.substitutability import substitutability
    >>> z = substitutability(data, ree.ree_input_output(data))
    >>> bool(abs(z.mean("sector")).max() < 1e-9)
    True
    """
    table = data["elements"].set_index("element").loc[list(data.elements)]
    problems = [
        Problem(
            f"the element has no {name}",
            "Fill the column in",
            file="elements.csv",
            column=name,
            value=str(element),
        )
        for name in ("substitute_performance", "magnetic_moment", "ionic_radius")
        for element in table.index
        if name not in table or not np.isfinite(table.at[element, name])
    ]
    if problems:
        raise InputError(problems, "substitutability cannot be computed")
    columns = {
        "substitute_performance": table["substitute_performance"],
        "magnetic_moment": table["magnetic_moment"],
        "ionic_radius_distance": (table["ionic_radius"] - CALCIUM_RADIUS).abs(),
    }
    properties = xr.DataArray(
        np.column_stack([column.to_numpy(dtype=float) for column in columns.values()]),
        coords={ELEMENT: list(data.elements), PROPERTY: list(columns)},
        dims=(ELEMENT, PROPERTY),
    )
    mean = (world_element_mix(io) * properties).sum(ELEMENT).transpose(SECTOR, PROPERTY)
    spread = mean.std(SECTOR)
    constant = spread <= 1e-12 * abs(mean).max(SECTOR)
    z = ((mean - mean.mean(SECTOR)) / spread.where(~constant, 1.0)).where(~constant, 0.0)
    return z.rename("substitutability").assign_attrs(
        long_name="how hard the sector's rare earths are to substitute",
        units="standard deviations over sectors",
        direction="higher = harder to substitute",
    )
