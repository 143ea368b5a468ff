"""Elasticities of substitution that others have published, each with its standard error, horizon and source."""

from __future__ import annotations

import xarray as xr

from reestim.dims import SECTOR
from reestim.estimate.kinds.kind import EvidenceKind, Observed, Sources
from reestim.estimate.kinds.variable import Variable

_STEM = "published_moments"


def _inputs(sources: Sources) -> xr.Dataset:
    from reestim.evidence.published_moments import moment_arrays
    from reestim.supply_chain.flows import ree_value

    return moment_arrays(sources.tables[_STEM], ree_value(sources.io).sel(sector=sources.price[SECTOR].values))


PUBLISHED_MOMENTS = EvidenceKind(
    name="published_moments",
    files=((_STEM,),),
    inputs=_inputs,
    observed={"moment_estimate": Observed("published elasticities", panel="elasticity of {}")},
    variables={"moment_estimate": Variable("published elasticity of substitution", "elasticity")},
    by_sector=(_STEM,),
)
