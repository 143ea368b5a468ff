"""Elasticities of substitution that others have published, each with its standard error, horizon and source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import xarray as xr

from reestim.dims import SECTOR
from reestim.estimate.kinds.kind import EvidenceKind, Observed, Sources
from reestim.estimate.kinds.signal import Block, Signal
from reestim.estimate.kinds.variable import Variable

if TYPE_CHECKING:
    from reestim.estimate.structure import StructureAtDraw

_STEM = "published_moments"


def _inputs(sources: Sources) -> xr.Dataset:
    from reestim.evidence.published_moments import moment_arrays
    from reestim.supply_chain.flows import ree_value

    return moment_arrays(sources.tables[_STEM], ree_value(sources.io).sel(sector=sources.price[SECTOR].values))


def _signal(draw: StructureAtDraw) -> Signal:
    from reestim.evidence.published_moments import predicted_moments
    from reestim.technology import long_run_elasticity

    data, v = draw.data, draw.values
    long_run = long_run_elasticity(v["sigma"], v["kappa"], v["spillover"])
    error = data["moment_error"].values
    return Signal(predicted_moments(data, v["sigma"], long_run, v["impact_ratio"]), error, error**-2.0)


PUBLISHED_MOMENTS = EvidenceKind(
    name="published_moments",
    files=((_STEM,),),
    inputs=_inputs,
    observed={"moment_estimate": Observed("published elasticities", panel="elasticity of {}")},
    variables={"moment_estimate": Variable("published elasticity of substitution", "elasticity")},
    blocks=(Block("published_moments", "published elasticities", "moment_estimate", _signal),),
    by_sector=(_STEM,),
)
