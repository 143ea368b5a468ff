"""Which outcomes the event study of a model takes from the panel, and which from published effects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from reestim.data.country_groups import ALL, names_country
from reestim.dims import COUNTRY
from reestim.errors import InputError, Problem

if TYPE_CHECKING:
    from reestim.study.spec import Evidence

_UNLESS_STATED = ("exports", "tfp")


def event_outcomes(tables: Mapping[str, pd.DataFrame], evidence: Evidence) -> tuple[list[str], list[str]]:
    """Outcomes taken from the panel and from the published effects.

    Those that the study states; else exports and tfp as far as they are there, and published patents too where the
    study counts no patents. An outcome may come from both where no country does.

    Parameters
    ----------
    tables
        By file stem.
    evidence
        Of the study, as `Evidence.settled` gives it.

    Returns
    -------
    panel, published : list of str
        Names of outcomes.

    Raises
    ------
    InputError
        Where an outcome would count twice or nothing is left.
    """
    outcomes = []
    for stem, stated in (("outcomes", evidence.event_outcomes), ("event_study", evidence.published_outcomes)):
        here = set(tables[stem]["outcome"]) if stem in tables else set()
        usual = _UNLESS_STATED if evidence.patents or stem == "outcomes" else (*_UNLESS_STATED, "patents")
        outcomes.append([name for name in usual if name in here] if stated is None else list(stated))
        if stated and stem not in tables:
            advice = "Add the file, or leave the outcomes out of the study's evidence"
            raise InputError(
                Problem("the study states outcomes of a file that is not there", advice, file=f"{stem}.csv")
            )
    panel, published = outcomes
    twice = [name for name in panel if name in published and _of_the_same_countries(tables, name)]
    if twice:
        advice = "Say in the study which to use: evidence.event_outcomes for the panel, evidence.published_outcomes"
        message = "the effects are both in the panel and published: they would count twice"
        raise InputError(Problem(message, advice, file="event_study.csv", column="outcome", value=", ".join(twice)))
    if not panel and not published:
        advice = "Set evidence.event_study = false, or state event_outcomes or published_outcomes"
        raise InputError(Problem("the event study has no outcome", advice, file="outcomes.csv"))
    return panel, published


def _of_the_same_countries(tables: Mapping[str, pd.DataFrame], outcome: str) -> bool:
    """Whether a country of the panel is also among those of the published effects on the outcome."""
    panel, effects = tables["outcomes"], tables["event_study"]
    here = set(panel.loc[panel["outcome"] == outcome, COUNTRY])
    groups = effects.loc[effects["outcome"] == outcome, "countries"] if "countries" in effects else [ALL]
    return any(names_country(str(group), country) for group in groups for country in here)
