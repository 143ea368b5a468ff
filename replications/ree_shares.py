"""Cost shares of rare earths by country and sector, with and without what is known of where they are processed."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import xarray as xr

import reestim as ree
from reestim.dims import COUNTRY, ELEMENT, SECTOR
from replications.tables import Table, number

DATASET, FILE = "rare-earths-2010", "country_use"
COUNTRIES = ("JPN", "KOR", "DEU", "USA", "CHN")


def shares() -> dict[str, xr.Dataset]:
    """The economy ``without`` and ``with`` the file."""
    data = ree.load_dataset(DATASET)
    fewer = MappingProxyType({stem: table for stem, table in data.tables.items() if stem != FILE})
    return {"without": ree.ree_input_output(replace(data, tables=fewer)), "with": ree.ree_input_output(data)}


def table() -> Table:
    """θ of the sectors that use rare earths, 1e-5 of cost, without → with the file; tonnes below."""
    found = shares()
    theta = {name: 1e5 * io["ree_share"] for name, io in found.items()}
    world = found["with"]["ree_share"].sum(COUNTRY)
    users = [str(s) for s in world[SECTOR].values if float(world.sel({SECTOR: s})) > 0]
    order = sorted(users, key=lambda s: -float(theta["with"].sel({SECTOR: s, COUNTRY: "JPN"})))
    rows = [
        [
            sector,
            *(
                " → ".join(number(float(theta[name].sel({SECTOR: sector, COUNTRY: c})), 1) for name in theta)
                for c in COUNTRIES
            ),
        ]
        for sector in order
    ]
    tonnes = {name: io["element_tonnes"].sum([ELEMENT, SECTOR]) for name, io in found.items()}
    rows.append(
        ["tonnes", *(" → ".join(f"{float(t.sel({COUNTRY: c})):,.0f}" for t in tonnes.values()) for c in COUNTRIES)]
    )
    return Table(["sector", *COUNTRIES], rows)
