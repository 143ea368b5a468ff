"""Baseline tariffs and export taxes of ``policy.csv`` as arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float

from reestim.data.schemas import ALL_OTHERS

Wedge = Float[np.ndarray, "importer exporter sector"]


def policy_arrays(policy: pd.DataFrame | None, countries: Sequence[str], sectors: Sequence[str]) -> tuple[Wedge, Wedge]:
    """(tariff, export_tax), ad valorem fractions, dims (importer, exporter, sector); what no row names is 0.

    ``*`` stands for all others, never for the country itself. Where several rows meet, the pair named in full comes
    first; of two rows with a ``*``, the importer's sets the tariff and the exporter's the export tax.
    Rows with unknown labels are left out (``check_dataset`` reports them).
    """
    shape = (len(countries), len(countries), len(sectors))
    tariff, export_tax = np.zeros(shape), np.zeros(shape)
    if policy is None or policy.empty:
        return tariff, export_tax
    position = {name: i for i, name in enumerate(countries)}
    column = {name: i for i, name in enumerate(sectors)}
    for array, name, weaker in ((tariff, "tariff", "importer"), (export_tax, "export_tax", "exporter")):
        stars = (policy["importer"] == ALL_OTHERS).astype(int) + (policy["exporter"] == ALL_OTHERS).astype(int)
        rank = 2 * stars + (policy[weaker] == ALL_OTHERS).astype(int)
        order = np.argsort(-rank.to_numpy(), kind="stable")  # the weakest first, so that stronger rows overwrite
        columns = policy[["importer", "exporter", "sector", name]]
        for importer, exporter, sector, value in columns.iloc[order].itertuples(index=False):
            if sector not in column:
                continue
            buyers = list(position) if importer == ALL_OTHERS else [importer]
            sellers = list(position) if exporter == ALL_OTHERS else [exporter]
            for n in buyers:
                for i in sellers:
                    if n != i and n in position and i in position:
                        array[position[n], position[i], column[sector]] = value
    return tariff, export_tax
