"""What a reader must know of draws that were carried to another economy, in sentences."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reestim.runs.parts import DataRecord, TransferRecord

#: Of the normal distribution: 90 % lie within so many standard deviations.
_NINETY = 1.6449


def transfer_sentences(moved: TransferRecord, source: DataRecord) -> Iterator[str]:
    """From where to where, how wide, and what was filled in or left aside."""
    yield (
        f"The draws were estimated on {source.dataset or 'another dataset'} and carried to the economy of "
        f"{moved.dataset} ({moved.base_year}), sectors matched by their labels ({len(moved.matched)})."
    )
    if moved.ratio_sd > 0:
        low, high = (math.exp(sign * _NINETY * moved.ratio_sd) for sign in (-1, 1))
        yield (
            f"For the way they went σ is wider: in each draw and sector the odds of σ against its bound are multiplied "
            f"by a log-normal ratio with median 1 and sd {moved.ratio_sd:g} of its log (90 % between {low:.2f} and "
            f"{high:.2f}), an assumption that no data of {moved.dataset} speak to; seed {moved.seed}."
        )
    else:
        yield "NOTHING was added for the way they went (ratio sd 0): σ is taken to be the same in both economies."
    fixed = moved.without_width
    yield (
        f"For the horizon nothing is added by {', '.join(fixed)}, one number in all draws."
        if fixed
        else "The horizon adds the priors of the impact ratio and of the supply of mines."
    )
    if moved.from_population:
        yield (f"No estimate of their own, σ drawn from the population of sectors: {', '.join(moved.from_population)}.")
    if moved.own_trade_elasticity:
        yield f"Trade elasticity of {moved.dataset} itself: {', '.join(moved.own_trade_elasticity)}."
    if moved.left_aside:
        yield f"Estimated but without a use there: {', '.join(moved.left_aside)}."
