"""How far the inputs of an economy may be off, as arrays beside it: what its draws are drawn from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import xarray as xr

from reestim.data.country_groups import country_group
from reestim.data.country_use import COUNTRY_USE_STEM
from reestim.data.uncertainty import imputed_sd, log_sd, states_errors
from reestim.dims import APPLICATION, COUNTRY, ELEMENT, EXPORTER, IMPORTER, SECTOR
from reestim.supply_chain.application_use import use_by_application
from reestim.supply_chain.labelled_arrays import to_array

if TYPE_CHECKING:
    from reestim.data.dataset import Dataset

_LOG = "standard deviation of the log"


def input_errors(data: Dataset, made: xr.DataArray) -> dict[str, xr.DataArray]:
    """Standard deviations of logs, and the share of each application in what a sector uses of an element.

    ``made`` (country, sector): output of sectors that buy of the host, as for the use of countries. Empty where the
    dataset states no errors.
    """
    if not states_errors(data):
        return {}
    countries, elements, sectors = list(data.countries), list(data.elements), [*data.goods, *data.elements]
    use = use_by_application(data, made)
    total = use.sum(APPLICATION)
    share = (use / total.where(total > 0, 1.0)).reindex({SECTOR: sectors}).fillna(0.0)
    applications = list(share[APPLICATION].values)
    year = data.meta.base_year

    def placed(stem: str, labels: dict[str, Any], what: str, only: Any = slice(None)) -> xr.DataArray:
        rows = data[stem].assign(log_sd=log_sd(data, stem)).loc[only]
        attrs = {"long_name": f"{_LOG} of {what}", "units": "log points"}
        return to_array(rows, labels, "log_sd").assign_attrs(attrs)

    of_year = data["element_prices"]["year"] == year
    markets = list(dict.fromkeys(data["element_prices"]["market"]))
    price = placed("element_prices", {"market": markets, ELEMENT: elements}, "the price of an element", of_year)
    bilateral = {IMPORTER: countries, EXPORTER: countries, SECTOR: sectors}
    return {
        "application_share": share.assign_attrs(long_name="share of the application in tonnes used", units="fraction"),
        "element_use_sd": placed("element_use", {APPLICATION: applications, ELEMENT: elements}, "tonnes used"),
        "application_sector_sd": placed(
            "application_sector", {APPLICATION: applications, SECTOR: sectors}, "the weight of a sector"
        ),
        "country_use_sd": _country_use_sd(data, applications),
        "element_price_sd": price.max("market", keep_attrs=True),
        "element_output_sd": placed(
            "element_output",
            {COUNTRY: countries, ELEMENT: elements},
            "mine output",
            data["element_output"]["year"] == year,
        ),
        "trade_sd": placed("trade", bilateral, "what an importer pays an exporter"),
    }


def _country_use_sd(data: Dataset, applications: list[str]) -> xr.DataArray:
    """Of a country's share in an application: what its group's row says; where none does, output made the share."""
    countries = list(data.countries)
    coords = {APPLICATION: applications, COUNTRY: countries}
    sd = xr.DataArray(imputed_sd(data, COUNTRY_USE_STEM), coords=coords, dims=list(coords))
    if COUNTRY_USE_STEM in data:
        rows: Any = data[COUNTRY_USE_STEM].assign(log_sd=log_sd(data, COUNTRY_USE_STEM))
        for row in rows.itertuples(index=False):
            sd.loc[{APPLICATION: row.application, COUNTRY: list(country_group(row.countries, countries))}] = row.log_sd
    return sd.assign_attrs(long_name=f"{_LOG} of a country's share in an application", units="log points")
