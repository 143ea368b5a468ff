"""Placing labelled arrays: by name, never by position."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import xarray as xr

from reestim.errors import Problem


def label_problems(name: str, value: xr.DataArray, labels: Mapping[str, Sequence[str]]) -> list[Problem]:
    """What keeps ``value`` from being placed: a dimension that does not belong, no labels, unknown or repeated ones.

    ``labels`` maps each dimension that ``value`` may have to the labels of the economy.
    """
    problems = []
    for dim in map(str, value.dims):
        if dim not in labels:
            allowed = ", ".join(labels)
            problems.append(Problem(f"{name} has the dimension {dim!r}", f"It may have {allowed}.", column=name))
            continue
        if dim not in value.coords:
            advice = "Give the array coordinates; nothing is placed by position."
            problems.append(Problem(f"{name} has no labels on {dim}", advice, column=name))
            continue
        own_labels = [str(label) for label in value[dim].values]
        unknown = sorted(set(own_labels) - set(labels[dim]))
        if unknown:
            advice = f"The economy has {', '.join(labels[dim])}."
            problems.append(Problem(f"{name} names an unknown {dim}", advice, column=name, value=", ".join(unknown)))
        if len(set(own_labels)) != len(own_labels):
            problems.append(Problem(f"{name} repeats a label of {dim}", "Keep one value per label.", column=name))
    return problems
