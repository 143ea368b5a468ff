"""A Nash equilibrium of policies in a few lines, and for a script."""

from __future__ import annotations

from typing import Any

import xarray as xr

from reestim.results.format import number

_BOUND = {-1: "at its lower bound", 0: "inside its bounds", 1: "at its upper bound"}


def nash_text(found: xr.Dataset) -> str:
    """What `nash` found: choices, what each player has and would gain by another choice, and how the search ended."""
    about, unit = found.attrs, f"{found.attrs['money_unit']} a year"
    lines = [f"Best responses to one another; scenario {about['scenario']}, {about['technology']} technology."]
    for k in range(found.sizes["instrument"]):
        one = found.isel(instrument=k)
        bounds = f"between {float(one['low']):g} and {float(one['high']):g}, {_BOUND[int(one['at_bound'])]}"
        lines.append(f"  {one['chosen_by'].item()}, {one['instrument'].item()}: {float(one['choice']):.4g} ({bounds})")
    for k in range(found.sizes["player"]):
        one = found.isel(player=k)
        lines.append(
            f"{one['player'].item()}: {number(float(one['objective']))} {unit} against the baseline; by another choice "
            f"at most {float(one['deviation_gain']):.2g} more."
        )
    lines.append(f"Chosen over {about['draws_of_choice']} draws in {about['rounds']} rounds.")
    if not about["converged"]:
        lines.append(f"This is no equilibrium: {about['search']}. Damping below 1 or narrower bounds may help.")
    return "\n".join(lines)


def nash_summary(found: xr.Dataset) -> dict[str, Any]:
    """The result for a script: choice and bound by instrument, objective and gain by player, and the attributes."""
    by = {
        name: {str(label): found[name].sel({dim: label}).item() for label in found[dim].values}
        for dim, names in (
            ("instrument", ("choice", "at_bound", "chosen_by")),
            ("player", ("objective", "deviation_gain")),
        )
        for name in names
    }
    return by | dict(found.attrs)
