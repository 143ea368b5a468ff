"""Shapley effects: what each source adds to a variance, on average over the orders in which sources become known."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int


def random_orders(draws: int, sources: int, rng: np.random.Generator) -> Int[np.ndarray, "draw source"]:
    """An order of the sources for each draw; every second one is the one before it backwards, which balances them."""
    orders = np.stack([rng.permutation(sources) for _ in range(-(-draws // 2))])
    return np.stack([orders, orders[:, ::-1]], axis=1).reshape(-1, sources)[:draws]


def shapley_shares(
    stages: Float[np.ndarray, "draw stage ..."], orders: Int[np.ndarray, "draw source"]
) -> tuple[Float[np.ndarray, "source ..."], Float[np.ndarray, "source ..."]]:
    """Shares of the variance, which sum to one, and their Monte-Carlo standard errors.

    Stage k of a draw is the outcome where the first k sources of its order are as in the draw and the others were drawn
    anew given them; the last stage is the draw itself. With Z_k that outcome and f the draw's own, the source that
    becomes known between two stages adds E[(f − (Z_k+Z_{k+1})/2)(Z_{k+1} − Z_k)], the fall of ½E(f − Z)²: of what is
    unknown (Goda 2021; given a Gaussian or any other dependence, Song, Nelson and Staum 2016). All interactions and
    correlations are in it. Shares are not a number where the outcome does not vary.
    """
    own, before, after = stages[:, -1:], stages[:, :-1], stages[:, 1:]
    added = (own - (before + after) / 2) * (after - before)
    index = orders.reshape(*orders.shape, *[1] * (stages.ndim - 2))
    by_source = np.zeros(added.shape)
    np.put_along_axis(by_source, np.broadcast_to(index, added.shape), added, axis=1)
    total = by_source.sum(axis=1)
    count, variance = len(stages), total.mean(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = by_source.mean(axis=0) / variance
        deviation = by_source - share * total[:, None]
        error = np.sqrt((deviation**2).sum(axis=0) / (count * max(count - 1, 1))) / variance
    return share, error
