"""Normal effects that sum to zero, sampled in chosen coordinates: PyMC's ZeroSumNormal with another transform."""

from __future__ import annotations

from typing import Any

import pymc as pm
import pytensor.tensor as pt
from pymc.logprob.transforms import Transform

from reestim.estimate.count_information import Coordinates, without_sum, zero_sum


def zero_sum_effects(name: str, spread: Any, at: Coordinates, *, dims: tuple[str, str]) -> Any:
    """Effects (class, N) ~ N(0, spread²) that sum to zero over N; spread (class,).

    The density is ZeroSumNormal's. ``at`` says what a sampler moves: x (class, N − 1), effects = `zero_sum` of
    mean + scale·x.
    """
    return pm.CustomDist(
        name,
        spread,
        at.mean,
        at.scale,
        dist=_random,
        logp=_logp,
        support_point=lambda rv, size, spread, mean, scale: zero_sum(mean, pt),
        signature="(c),(c,m),(c,m)->(c,n)",
        dims=dims,
        transform=_CoordinatesTransform(),
    )


def _zero_sum_normal(spread: Any, scale: Any) -> Any:
    return pm.ZeroSumNormal.dist(spread[:, None], support_shape=[scale.shape[1] + 1])


def _random(spread: Any, mean: Any, scale: Any, size: Any) -> Any:
    del mean, size
    return _zero_sum_normal(spread, scale)


def _logp(value: Any, spread: Any, mean: Any, scale: Any) -> Any:
    del mean
    density: Any = pm.logp(_zero_sum_normal(spread, scale), value)
    return density.sum()


class _CoordinatesTransform(Transform):
    """x (class, N − 1) of effects (class, N) that sum to zero."""

    name = "at_coordinates"
    ndim_supp = 2

    def forward(self, value: Any, *inputs: Any) -> Any:
        _, _, mean, scale = inputs[:4]  # the first is the size
        return (without_sum(value) - mean) / scale

    def backward(self, value: Any, *inputs: Any) -> Any:
        _, _, mean, scale = inputs[:4]  # the first is the size
        return zero_sum(mean + scale * value, pt)

    def log_jac_det(self, value: Any, *inputs: Any) -> Any:
        volume: Any = pt.log(inputs[3])
        return volume.sum()
