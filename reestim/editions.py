"""What the first edition of the model had and the second has not, and what its studies and runs are told.

In the first edition research could be free: ``crowding_out`` χ was the part of it that was paid for, and spillovers
counted for knowledge gained and not for knowledge given up. In the second all research is paid for (docs/model.md
section 2), and draws of one cannot be pushed through the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reestim.errors import Problem

#: Parameters of the first edition that the second has not.
GONE = ("crowding_out",)
_MESSAGE = "crowding_out belongs to the first edition of the model; in the second all research is paid for"
#: Of a switch in [evidence] that is gone.
OLD_SWITCH = (
    "transition belongs to the first edition of the model; in the second knowledge always follows prices by one clock "
    'and patents are its flow: remove it (patents_as = "levels" is the old reading)'
)
#: What a reader of a run of the first edition must know.
FIRST_EDITION = (
    "This run is of the first edition of the model: it has crowding_out, and research could be free. Its numbers are "
    "shown as they were; fit the study again for those of the second edition."
)


def is_first_edition(names: Iterable[object]) -> bool:
    """Whether parameters of these names are those of the first edition."""
    return any(str(name) in GONE for name in names)


#: What a reader of a run of before the clock must know.
BEFORE_THE_CLOCK = (
    "This run is of a version without the clock (2b): patents a year were read as the level of knowledge, and prices "
    "acted a year late. Its numbers are shown as they were; fit the study again for those of the second edition."
)


def is_before_the_clock(inputs: Mapping[Any, Any]) -> bool:
    """Whether a model was given these inputs (arrays by name) before all evidence had one clock."""
    price = inputs.get("relative_price")
    return price is not None and "price_year" not in price.dims


def gone_prior(name: str) -> Problem:
    """A study states a prior on a parameter that is gone."""
    advice = (
        f"Remove the table [priors.{name}]. What a study believes about ideas that are worth more to all than those "
        "they displace is [priors.spillover_gap] (docs/priors.md)"
    )
    return Problem(_MESSAGE, advice, column=f"priors.{name}")


def gone_parameter(name: str) -> Problem:
    """``ree.Parameters`` is given a parameter that is gone."""
    advice = "Leave it out; ideas that are worth more to all than those they displace are Parameters(spillover_gap=...)"
    return Problem(_MESSAGE, advice, column=name)


def gone_truth(name: str) -> Problem:
    """A dataset states a parameter of its simulation that is gone."""
    return Problem(_MESSAGE, "Simulate the dataset again, or remove it from [truth]", column=name)


def first_edition_draws() -> Problem:
    """Draws of the first edition were given to the equilibrium of the second."""
    advice = "Fit the study again. The run itself still loads, and is reported as it was."
    return Problem("these draws are of the first edition of the model: they hold crowding_out", advice)
