"""What the structure predicts for the event study: its regression on predicted changes (docs/model.md section 4).

Partial equilibrium. What is linear in the structure is summed here; knowledge, which is not, keeps its cells.

    tfp       t = (1+ξ)(θ·ln Â + (1−θ)·ln B̂) + ω·θ·ln Â    A, B: the frontier (2) at a = m·q
    exports   −ε·(I−W)·(θq − t)                            −ε·(d ln c − market average)
    patents   m·q                                          ln Â − ln B̂

W averages costs over the foreign markets of an exporter.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from jaxtyping import Float

from reestim.dims import COUNTRY, EXPORTER, IMPORTER, SECTOR, YEAR

#: Years of the event study.
EVENT_YEAR = "event_year"


def market_weights(io: xr.Dataset) -> xr.DataArray:
    """W (country, exporter, sector): weight of an exporter's cost in the average price on a country's foreign markets.

    Rows sum to 1 over exporter where the country exports the good, to 0 where it does not.
    """
    share = io["trade_share"].transpose(IMPORTER, EXPORTER, SECTOR)
    flow = share * io["expenditure"].rename({COUNTRY: IMPORTER})
    foreign = flow.where(flow[IMPORTER] != flow[EXPORTER], 0.0)
    total = foreign.sum(IMPORTER)
    market = (foreign / total.where(total > 0, 1.0)).rename({EXPORTER: COUNTRY})
    return (market * share).sum(IMPORTER).transpose(COUNTRY, EXPORTER, SECTOR)


def regression_weights(
    study: xr.Dataset, countries: Any, sectors: Any, years: Any
) -> Float[np.ndarray, "effect country sector year"]:
    """The regression of ``study`` (``linear_map`` on its observations) as weights on cells, 0 outside the panel."""
    index = [pd.Index(labels) for labels in (countries, sectors, years)]
    weights = np.zeros((study.sizes["effect"], *map(len, index)))
    place = [labels.get_indexer(study[d].values) for labels, d in zip(index, (COUNTRY, SECTOR, YEAR), strict=True)]
    inside = np.all([p >= 0 for p in place], axis=0)
    # Two outcomes are observed in one cell: add, do not assign.
    cells: Any = (slice(None), *(p[inside] for p in place))
    np.add.at(weights, cells, study["linear_map"].values[:, inside])
    return weights


def structural_responses(study: xr.Dataset, io: xr.Dataset, relative_price: xr.DataArray) -> xr.Dataset:
    """What the event study is of the structure, for the sectors that use rare earths.

    study: from ``event_study``; relative_price: q (country, sector, year). Returns, with dims in this order,
    ``event_price_response`` (effect, sector): effects of θq on export prices against the market, to be times −ε;
    ``event_knowledge_weight`` (effect, country, sector, event_year): weights on t above of one country's sector, and
    for exports to be times ε; ``event_relative_price`` (country, sector, event_year): q; ``event_bias_response``
    (effect, sector): effects of q, for patents.
    """
    price = relative_price.transpose(COUNTRY, SECTOR, YEAR)
    # Cells outside the panel or without θ stay 0.
    weights = regression_weights(study, *(price[d].values for d in (COUNTRY, SECTOR, YEAR)))

    share = io["ree_share"].transpose(COUNTRY, SECTOR).sel(country=price[COUNTRY], sector=price[SECTOR]).values
    weighted = share[:, :, None] * price.values  # θq
    users = price[SECTOR].values
    average = market_weights(io).sel(country=price[COUNTRY], exporter=price[COUNTRY].values, sector=users).values
    against_market = np.eye(len(share))[:, :, None] - average  # I − W
    outcome = study["outcome"].values
    # Costs of country d act on its own exports and on its rivals': Σ_c L_ecst (I−W)_cds.
    seen = np.einsum("ecst,cds->edst", weights, against_market, optimize=True)
    seen = seen * (outcome == "exports")[:, None, None, None]
    own = weights * (outcome == "tfp")[:, None, None, None]
    bias = np.einsum("ecst,cst->es", weights, price.values) * (outcome == "patents")[:, None]
    units = "log points for one standard deviation of exposure"
    coords = {
        "effect": study["effect"].values,
        COUNTRY: price[COUNTRY].values,
        SECTOR: users,
        EVENT_YEAR: price[YEAR].values,
    }
    return xr.Dataset(
        {
            "event_price_response": (
                ("effect", SECTOR),
                np.einsum("ecst,cst->es", seen, weighted),
                {"long_name": "event-study effects of θq against the market", "units": units},
            ),
            "event_knowledge_weight": (
                ("effect", COUNTRY, SECTOR, EVENT_YEAR),
                seen + own,
                {"long_name": "event study as weights on the productivity of cells", "units": "1"},
            ),
            "event_relative_price": (
                (COUNTRY, SECTOR, EVENT_YEAR),
                price.values,
                {"long_name": "relative price of rare earths in the years of the event study", "units": "log points"},
            ),
            "event_bias_response": (
                ("effect", SECTOR),
                bias,
                {"long_name": "event-study effects of q on patents", "units": units},
            ),
        },
        coords=coords,
    )
