"""The event-study figure: effects by year with their Bayesian path, and the placebo years beside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from reestim.evidence.estimators import COUNTRY_MEAN, TWO_WAY, UNEXPOSED
from reestim.evidence.event_options import PUBLISHED
from reestim.evidence.event_paths import event_tables
from reestim.reports.event_text import NAMES

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from matplotlib.axes import Axes

_LOOK = {
    TWO_WAY: ("#005A96", "o", 0.0),
    COUNTRY_MEAN: ("#B34700", "s", 0.16),
    UNEXPOSED: ("#00704F", "^", 0.32),
    PUBLISHED: ("#6A3D9A", "D", 0.0),
}
_BAND = "#9CC4E0"


def event_figures(study: xr.Dataset) -> dict[str, Figure]:
    """One figure an outcome, ``event_study_<outcome>``: a row for each group of countries."""
    tables = event_tables(study)
    effects = tables["event_study_effects"]
    return {
        f"event_study_{name}": _outcome(
            part,
            tables["event_study_summary"].query("outcome == @name"),
            tables["event_study_placebos"].query("outcome == @name"),
            study.attrs,
        )
        for name, part in effects.groupby("outcome", sort=False)
    }


def caption(study: xr.Dataset, outcome: str) -> str:
    """What the figure shows."""
    about = study.attrs
    kind = f" SIMULATED: {', '.join(about['simulated'])}." if about["simulated"] else ""
    return (
        f"Event study of {outcome} on exposure to rare earths, {about['units']} ({100 * about['exposure_sd']:.3g} % of "
        f"cost); reference is the year {about['policy_year'] + about['reference_event_time']}. Bars are "
        f"{about['interval']} intervals, clustered by {about['cluster']}; the band is the Bayesian path "
        f"({about['prior']}). "
        "Right: mean effect after each pretended policy year, estimated on the years before the policy, and after the "
        f"true one.{kind}"
    )


def alt_text(study: xr.Dataset, outcome: str) -> str:
    """Mean effects in a sentence, for readers who do not see the figure."""
    rows = event_tables(study)["event_study_summary"].query("outcome == @outcome").to_dict("records")
    effects = [
        f"{r['countries']}, {NAMES[r['estimator']]} {r['estimate']:.3g} [{r['low']:.3g}, {r['high']:.3g}]" for r in rows
    ]
    return f"Mean effects from the policy on: {'; '.join(effects)}."


def _outcome(effects: Any, studies: Any, placebos: Any, about: dict[str, Any]) -> Figure:
    groups = list(dict.fromkeys(effects["countries"]))
    figure = Figure(figsize=(10.0, 0.7 + 2.9 * len(groups)), layout="constrained")
    panels = figure.subplots(len(groups), 2, squeeze=False, width_ratios=[2.3, 1])
    for (left, right), group in zip(panels, groups, strict=True):
        _path(left, effects[effects["countries"] == group])
        left.set_title(f"{effects['outcome'].iloc[0]}, {group}", loc="left", fontsize=10)
        left.axvline(about["reference_event_time"] + 0.5, color="black", linewidth=0.8, linestyle=":")
        _placebos(right, placebos[placebos["countries"] == group], studies[studies["countries"] == group], about)
    panels[-1, 0].set_xlabel(f"years since {about['policy_year']}")
    panels[-1, 1].set_xlabel("(pretended) policy year")
    figure.supylabel("log points, 1 sd of exposure", fontsize=9)
    handles = {label: h for axes in panels[:, 0] for h, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(list(handles.values()), list(handles), loc="outside upper center", ncols=3, frameon=False, fontsize=8)
    return figure


def _path(axes: Axes, effects: pd.DataFrame) -> None:
    first = next(iter(dict.fromkeys(effects["estimator"])))
    for estimator, part in effects.groupby("estimator", sort=False):
        color, marker, shift = _LOOK[str(estimator)]
        x = (part["event_time"] + part["last_event_time"]) / 2
        if estimator == first:
            axes.fill_between(
                x,
                part["posterior_low"],
                part["posterior_high"],
                color=_BAND,
                alpha=0.55,
                linewidth=0,
                label=f"Bayesian path, {NAMES[str(estimator)]}",
            )
            axes.plot(x, part["posterior_median"], color=color, linewidth=1.0)
        axes.vlines(x + shift, part["low"], part["high"], color=color, linewidth=1.1)
        axes.plot(x + shift, part["estimate"], marker, color=color, markersize=4, label=NAMES[str(estimator)])
    _plain(axes)


def _placebos(axes: Axes, placebos: Any, studies: Any, about: dict[str, Any]) -> None:
    true = studies[studies["placebo_years"] > 0]
    if true.empty:
        axes.set_axis_off()
        return
    axes.vlines(placebos["pretended_year"], placebos["low"], placebos["high"], color="#767676", linewidth=1.1)
    axes.plot(placebos["pretended_year"], placebos["estimate"], "o", color="#767676", markersize=4)
    axes.plot([about["policy_year"]], [float(true["same_horizon"].iloc[0])], "o", color=_LOOK[TWO_WAY][0], markersize=6)
    horizon = int(placebos["horizon"].iloc[0])
    axes.set_title(f"placebo years, event times 0 to {horizon}", loc="left", fontsize=9)
    _plain(axes)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))  # four-digit years side by side


def _plain(axes: Axes) -> None:
    axes.axhline(0.0, color="black", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
