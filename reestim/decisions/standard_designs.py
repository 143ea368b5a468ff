"""Designs that a report shows beside one another, as far as a run has what they need."""

from __future__ import annotations

import numpy as np
import xarray as xr

from reestim.decisions.designs import Design, InputSurvey, PatentAudit, UsePanel
from reestim.dims import APPLICATION, CHAIN, COUNTRY, DRAW, PRICE_YEAR, SCENARIO, TECHNOLOGY
from reestim.intervals import ends

#: Patents that are audited, and the error of a figure that is asked for, log points.
_PATENTS, _ERROR = 500, 0.1


def standard_designs(post: xr.DataTree) -> list[Design]:
    """An audit of 500 more patents; the use of rare earths in the country whose welfare is known worst, over all years
    with prices; a survey of the elements used in each application. Errors are 0.1 log points."""
    draws, data, drawn = (
        post[name].to_dataset() if name in post.children else xr.Dataset()
        for name in ("posterior", "constant_data", "inputs")
    )
    designs: list[Design] = []
    if "confusion" in draws and "confusion_by_group" not in draws and "patent_count" in data:
        designs.append(PatentAudit(_PATENTS))
    if "ree_use_noise" in draws and "relative_price" in data:
        designs.append(UsePanel(_widest(post, data), [int(t) for t in data[PRICE_YEAR].values], _ERROR))
    if "element_use" in drawn:
        varies = drawn["element_use"].std((CHAIN, DRAW)).max("element") > 0
        used = drawn[APPLICATION].values[varies.values]
        designs += [InputSurvey("element_use", _ERROR, {APPLICATION: str(one)}) for one in used]
    return designs


def _widest(post: xr.DataTree, data: xr.Dataset) -> str:
    """The country with prices whose 90 % band of welfare is widest on average over scenarios and technologies."""
    ds = post["counterfactual"].to_dataset()
    there = [name for name in ds[COUNTRY].values if name in data[COUNTRY].values]
    welfare = ds["welfare"].where(ds["solved"]).sel({COUNTRY: there})
    band = (
        welfare.quantile(list(ends()), (CHAIN, DRAW)).diff("quantile").squeeze("quantile").mean((SCENARIO, TECHNOLOGY))
    )
    return str(there[int(np.nanargmax(band.values))])
