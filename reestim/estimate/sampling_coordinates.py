"""Normal variables that a sampler reaches at coordinates of their own; their density is not touched.

Each kind of coordinates is a named tuple of arrays with three functions for any array library. PyMC's variable is here,
`numpyro_blocks.NormalAt` is its twin.
"""

from __future__ import annotations

from typing import Any, Protocol

import pymc as pm
import pytensor.tensor as pt
from pymc.logprob.transforms import Transform


class SamplingCoordinates(Protocol):
    """How a vector v is reached from the vector x that a sampler moves; a named tuple of the arrays this needs."""

    def location(self) -> Any:
        """Mean of v."""

    def scale(self) -> Any:
        """Standard deviation of v."""

    def forward(self, v: Any, xp: Any) -> Any:
        """x of v."""

    def backward(self, x: Any, xp: Any) -> Any:
        """v of x."""

    def log_slope(self, x: Any, xp: Any) -> Any:
        """Terms whose sum is ln |∂v/∂x|."""


def normal_at(name: str, at: Any, *, dims: str) -> Any:
    """v (one dim), normal, sampled ``at`` its coordinates.

    Parameters
    ----------
    name
        Of the variable.
    at
        Its `SamplingCoordinates`, with tensors or arrays as fields.
    dims
        Its dim.

    Returns
    -------
    TensorVariable
        v.
    """
    fields = [pt.as_tensor(field) for field in at]
    shapes = [",".join(f"f{i}d{k}" for k in range(field.ndim)) for i, field in enumerate(fields)]
    return pm.CustomDist(
        name,
        at.location(),
        at.scale(),
        *fields,
        dist=lambda location, scale, *_: pm.Normal.dist(location, scale),
        logp=lambda value, location, scale, *_: pm.logp(pm.Normal.dist(location, scale), value),
        support_point=lambda rv, size, location, *_: location,
        signature="(v),(v)," + ",".join(f"({shape})" for shape in shapes) + "->(v)",
        dims=dims,
        transform=_SamplingTransform(type(at)),
    )


class _SamplingTransform(Transform):
    """x of v, by coordinates of this kind."""

    name = "at_coordinates"
    ndim_supp = 1

    def __init__(self, kind: Any) -> None:
        self._kind = kind

    def _at(self, inputs: tuple[Any, ...]) -> Any:
        return self._kind(*inputs[3 : 3 + len(self._kind._fields)])  # after the size, location and scale

    def forward(self, value: Any, *inputs: Any) -> Any:
        return self._at(inputs).forward(value, pt)

    def backward(self, value: Any, *inputs: Any) -> Any:
        return self._at(inputs).backward(value, pt)

    def log_jac_det(self, value: Any, *inputs: Any) -> Any:
        slopes: Any = self._at(inputs).log_slope(value, pt)
        return slopes.sum()
