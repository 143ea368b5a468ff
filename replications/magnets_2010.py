"""What magnets as a stage of their own change in the quota of 2010: the default economy beside its variant with them.

Three worlds under one scenario, technology as it was, one σ for all sectors: users process oxide themselves
(``rare-earths-2010``); magnets are made where they were made and leave China freely, as they did
(``rare-earths-2010-magnets``); and the same with exports of magnets held to the ratio of the quota, which did not
happen.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

import reestim as ree
from reestim.dims import CARRIER, COUNTRY, ELEMENT, SECTOR
from reestim.equilibrium.parameters import Parameters
from replications.tables import Table, number

PLAIN, STAGE, SCENARIO = "rare-earths-2010", "rare-earths-2010-magnets", "models/scenarios/china-quota-2010.toml"
MAGNETS, HOME = "magnets", "CHN"
#: Means of the default study, for all sectors.
PARAMETERS = Parameters(sigma=0.34, kappa=1.2, spillover=1.6, element_elasticity=0.6)


def spending(economy: ree.Economy) -> pd.DataFrame:
    """What a country's sectors pay for ``oxide`` and ``magnets``, million US$ (country)."""
    io = economy.ds
    cost = xr.DataArray(
        np.asarray(economy.baseline.output), coords={COUNTRY: list(economy.countries), SECTOR: list(economy.sectors)}
    )
    paid = cost * io["ree_share"]
    oxide = (paid * io["element_share"]).sum([ELEMENT, SECTOR])
    held: Any = (paid * io["carrier_share"]).sum([CARRIER, SECTOR]) if "carrier_share" in io else 0.0 * oxide
    return pd.DataFrame({"oxide": oxide.to_series(), MAGNETS: held.to_series()})


def changes() -> pd.DataFrame:
    """Change of real income by country, per cent: ``plain``, ``stage``, ``cut``."""
    plain, stage = (ree.Economy.from_dataset(ree.load_dataset(name)) for name in (PLAIN, STAGE))
    quota = ree.read_scenario(SCENARIO)
    policy: Any = quota.policies[0]
    licence = ree.Licence(HOME, "all", (MAGNETS,), quantity_change=policy.quantity_change)
    cut = replace(quota, policies=(*quota.policies, licence))
    found = {
        name: ree.solve(economy, scenario, PARAMETERS, technology="fixed")["welfare"].to_series()
        for name, economy, scenario in (("plain", plain, quota), ("stage", stage, quota), ("cut", stage, cut))
    }
    return pd.DataFrame({name: 100 * np.expm1(series) for name, series in found.items()})


def table() -> Table:
    """Spending and losses by country, without the stage, with it, and with magnets held back too."""
    plain, stage = (ree.Economy.from_dataset(ree.load_dataset(name)) for name in (PLAIN, STAGE))
    before: Any = spending(plain)
    after: Any = spending(stage)
    lost: Any = changes()
    china: Any = stage.ds["trade_share"].sel(sector=MAGNETS, exporter=HOME).to_series()
    rows = [
        [
            country,
            number(before["oxide"][country], 0),
            number(after["oxide"][country], 0),
            number(after[MAGNETS][country], 0),
            number(100 * china[country], 0),
            *(number(lost[name][country], 4) for name in lost),
        ]
        for country in map(str, lost.index)
    ]
    header = ["country", "oxide", "oxide, with the stage", "magnets", "of them Chinese, %"]
    header += ["change, oxide alone", "with the stage", "magnets cut too"]
    notes = [
        "Spending of sectors of 2008, million US$; change of real income, per cent, technology as it was, "
        f"σ = {PARAMETERS.sigma}, ρ = {PARAMETERS.element_elasticity}, scenario `china-quota-2010`."
    ]
    return Table(header, rows, notes)
