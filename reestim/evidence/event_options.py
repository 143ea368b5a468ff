"""What an event study can be asked for, and the panel it starts from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from reestim.data.country_groups import country_group
from reestim.data.published_effects import EFFECTS
from reestim.dims import COUNTRY, OUTCOMES, SECTOR, YEAR
from reestim.errors import InputError, Problem
from reestim.evidence.estimators import ESTIMATORS
from reestim.evidence.event_design import COUNTRY_SECTOR
from reestim.evidence.path_posterior import PRIORS

if TYPE_CHECKING:
    from reestim.data.dataset import Dataset

PATENT_OUTCOME = "patents"
#: Outcomes that are counts: Poisson instead of logs.
COUNTS = (PATENT_OUTCOME,)
PUBLISHED = "published"
CLUSTERS = (COUNTRY_SECTOR, SECTOR)
DIRECT, TOTAL = "direct", "total"
PLACEBO_COLUMNS = (
    "outcome",
    "countries",
    "estimator",
    "pretended_year",
    "horizon",
    "estimate",
    "std_error",
    "low",
    "high",
)


@dataclass(frozen=True)
class EventStudyOptions:
    """How an event study is made; see ``event_study``."""

    policy_year: int
    reference: int
    cluster: str
    prior: str
    prior_scale: float
    exposure_sd: float
    seed: int


def check_options(
    data: Dataset,
    frame: pd.DataFrame,
    outcomes: Sequence[str] | None,
    countries: Sequence[str] | None,
    exposure: str,
    estimators: Sequence[str],
    cluster: str,
    prior: str,
) -> None:
    """Raise InputError for every choice that does not exist."""
    from reestim.wording import closest

    there = outcomes_there(data, frame)
    problems = []
    if not there:
        advice = "Add outcomes.csv (a panel) or event_study.csv (published effects); see data/README.md"
        problems.append(Problem("the dataset holds no outcomes", advice, file="outcomes.csv"))
    asked = (
        ("no such outcome in the dataset", outcomes or (), there or OUTCOMES),
        ("unknown exposure", [exposure], (DIRECT, TOTAL)),
        ("unknown estimator", estimators, ESTIMATORS),
        ("unknown clusters", [cluster], CLUSTERS),
        ("unknown prior of the path", [prior], PRIORS),
    )
    for message, values, known in asked:
        problems += [Problem(message, closest(v, known), value=v) for v in values if v not in known]
    for group in countries or ():
        try:
            country_group(group, data.countries)
        except ValueError as error:
            message, advice = str(error).split(". ", 1)
            problems.append(Problem(message, advice, column="countries", value=group))
    if problems:
        raise InputError(problems, "the event study cannot be estimated")


def outcome_panel(data: Dataset) -> Any:
    """Outcomes in levels, patents from the labels where no outcome holds them; empty where there is neither."""
    columns = [COUNTRY, SECTOR, YEAR, "outcome", "value"]
    frame: Any = data.tables.get("outcomes", pd.DataFrame(columns=columns))[columns]
    if "patent_labels" in data and PATENT_OUTCOME not in set(frame["outcome"]):
        labels: Any = data["patent_labels"]
        counts = (
            labels[labels["label"] == "enhancing"].rename(columns={"count": "value"}).assign(outcome=PATENT_OUTCOME)
        )
        frame = pd.concat([frame, counts[columns]], ignore_index=True) if len(frame) else counts[columns]
    return frame.reset_index(drop=True)


def outcomes_there(data: Dataset, frame: pd.DataFrame) -> list[str]:
    there = set(frame["outcome"]) | (set(data[EFFECTS]["outcome"]) if EFFECTS in data else set())
    return [o for o in OUTCOMES if o in there]
