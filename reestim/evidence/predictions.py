"""The event study as weights on what the structure predicts for each cell (docs/model.md section 4).

Partial equilibrium, at given costs of other inputs. With knowledge a_t by (2b) and prices q_t of the same year:

    tfp       t = (1+ξ)(θ·ln Â + (1−θ)·ln B̂) + ω·θ·ln Â    A, B: the frontier (2) at a_t
    exports   −ε·(I−W)·(θq − t)                            −ε·(d ln c − market average)
    patents   f                                            equation (12)

W averages costs over the foreign markets of an exporter.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from jaxtyping import Float

from reestim.dims import COUNTRY, EXPORTER, IMPORTER, PRICE_YEAR, SECTOR, YEAR
from reestim.supply_chain.flows import abroad, purchases_by_origin


def market_weights(io: xr.Dataset) -> xr.DataArray:
    """W (country, exporter, sector): weight of an exporter's cost in the average price on a country's foreign markets.

    Rows sum to 1 over exporter where the country exports the good, to 0 where it does not.
    """
    share = io["trade_share"].transpose(IMPORTER, EXPORTER, SECTOR)
    foreign = abroad(purchases_by_origin(io))
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


def cell_weights(study: xr.Dataset, io: xr.Dataset, relative_price: xr.DataArray) -> xr.Dataset:
    """The event study as weights on cells of the sectors that use rare earths: ``event_cell_weight`` (effect, country,
    sector, price_year).

    study: from ``event_study``; relative_price: q (country, sector, year). Effects on tfp are weighted sums of t
    above, those on patents of f, those on exports of −ε(θq − t): there a country's costs act on its own exports
    and on its rivals'.
    """
    countries, users, years = (relative_price[d].values for d in (COUNTRY, SECTOR, YEAR))
    weights = regression_weights(study, countries, users, years)  # cells outside the panel stay 0
    average = market_weights(io).sel(country=countries, exporter=countries, sector=users).values
    against_market = np.eye(len(countries))[:, :, None] - average  # I − W
    exports = (study["outcome"].values == "exports")[:, None, None, None]
    seen = np.einsum("ecst,cds->edst", weights, against_market, optimize=True)  # Σ_c L_ecst (I−W)_cds
    about = {
        "long_name": "event study as weights on what the structure predicts for cells",
        "units": "log points for one standard deviation of exposure, per log point",
    }
    return xr.Dataset(
        {"event_cell_weight": (("effect", COUNTRY, SECTOR, PRICE_YEAR), np.where(exports, seen, weights), about)},
        coords={"effect": study["effect"].values, COUNTRY: countries, SECTOR: users, PRICE_YEAR: years},
    )
