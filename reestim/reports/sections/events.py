"""The event study: effects by year, their Bayesian path, placebo years."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import xarray as xr

from reestim.evidence.groups import EVENTS
from reestim.reports.figures import events as event_figures
from reestim.reports.section import Notes, Section, TableBlock, figure_block
from reestim.results.format import number

if TYPE_CHECKING:
    import pandas as pd

_FILES = ("outcomes.csv", "patent_labels.csv", "event_study.csv", "event_study_covariance.csv")


def tables(post: xr.DataTree) -> dict[str, pd.DataFrame]:
    """``event_study_...`` of a run with an event study."""
    if EVENTS not in post.children:
        return {}
    from reestim.evidence.event_paths import event_tables

    return event_tables(events(post))


def section(post: xr.DataTree, tables: Mapping[str, pd.DataFrame]) -> Section | None:
    """A figure an outcome, mean effects, and what the checks say about reading them."""
    if EVENTS not in post.children:
        return None
    from reestim.reports.event_text import STUDY_HEADS, study_rows, verdicts

    study = events(post)
    about = study.attrs
    made = about["simulated"]
    simulated = f" SIMULATED, no finding about the world: {', '.join(made)}." if made else ""
    figure_blocks = []
    for name, figure in event_figures.event_figures(study).items():
        outcome = name.removeprefix("event_study_")
        figure_blocks.append(
            figure_block(figure, name, event_figures.caption(study, outcome), event_figures.alt_text(study, outcome))
        )
    caption = (
        f"Mean effect from {about['policy_year']} on, {about['units']}; {about['interval']} intervals (of the "
        f"estimates: confidence, clustered by {about['cluster']}; of the Bayesian path: posterior).{simulated}"
    )
    shown = TableBlock("event_study_summary", caption, STUDY_HEADS, study_rows(study))
    blocks = [*figure_blocks, shown, Notes([*verdicts(study), *_trends(post), *about["notes"]])]
    return Section("event-study", "Event study", blocks, [*_FILES, *made])


def _trends(post: xr.DataTree) -> list[str]:
    """What the likelihood adds to the errors of outcomes whose exposed sectors moved apart before the policy."""
    inputs = post["constant_data"].to_dataset() if "constant_data" in post.children else xr.Dataset()
    if "event_trend_error" not in inputs:
        return []
    largest = inputs["event_trend_error"].groupby("outcome").max()
    return [
        f"{outcome}: exposed sectors moved apart before the policy, so the likelihood of the study adds what such a "
        f"difference in trends can do to the errors of the effects: up to {number(float(error))} log points."
        for outcome, error in zip(largest["outcome"].values, largest.values, strict=True)
        if error > 0
    ]


def events(post: xr.DataTree) -> xr.Dataset:
    """The event study of a run."""
    return post[EVENTS].to_dataset()
