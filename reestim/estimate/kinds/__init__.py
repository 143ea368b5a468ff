"""The kinds of evidence, one a file, in the order of this list. Whatever works on evidence goes through it."""

from __future__ import annotations

from reestim.estimate.kinds.event_study import EVENT_STUDY
from reestim.estimate.kinds.kind import EvidenceKind, Observed
from reestim.estimate.kinds.patents import PATENTS
from reestim.estimate.kinds.published_moments import PUBLISHED_MOMENTS
from reestim.estimate.kinds.ree_use import REE_USE
from reestim.estimate.kinds.signal import Block

KINDS: tuple[EvidenceKind, ...] = (PATENTS, EVENT_STUDY, REE_USE, PUBLISHED_MOMENTS)


def blocks() -> list[Block]:
    """All blocks whose power is known, in the order of the kinds."""
    return [block for kind in KINDS for block in kind.blocks]


def observed() -> dict[str, Observed]:
    """All that a likelihood may condition on, by the name of the array."""
    return {name: array for kind in KINDS for name, array in kind.observed.items()}
