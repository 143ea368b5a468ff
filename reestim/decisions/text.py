"""A choice of policies in a few lines."""

from __future__ import annotations

import math
from typing import Any

import xarray as xr

from reestim.results.effects import quantiles
from reestim.results.format import number, percent, with_interval


def optimum_text(result: xr.Dataset) -> str:
    """What :func:`optimise` found, in a few lines.

    Parameters
    ----------
    result
        As :func:`optimise` returns it.

    Returns
    -------
    str
        Objective, optimum with its bounds, gain with its 90 % equal-tailed interval, P(it helps), the best simple
        rule, draws, and how the search ended where it did not converge.

    Examples
    --------
    >>> tariff = ree.Instrument("tariff", ree.Tariff(0.0, importer="c1", exporter="c0"), 0.0, 1.0)
    >>> best = ree.optimise(economy, tariff, ree.Objective("c1"), fitted, technology="fixed")
    >>> ree.optimum_text(best).splitlines()[0]
    'Largest equivalent variation of c1, mean of the draws; scenario nothing else, fixed technology.'
    """
    about, unit = result.attrs, f"{result.attrs['money_unit']} a year"
    lines = [
        f"Largest {about['objective']}; scenario {about['scenario']}, {about['technology']} technology.",
        *(
            f"  {name}: {float(one['optimum']):.4g} (between {float(one['low']):g} and {float(one['high']):g})"
            for name, one in ((one["instrument"].item(), one) for one in _each(result, "instrument"))
        ),
        f"Gain against doing nothing: {_interval(result['gain'])} {unit}; "
        f"P(it helps) {percent(float(result['probability_helps']))}.",
    ]
    if about["budget"] != "none":
        lines.append(f"Cost: {_interval(result['cost'])} {unit}, budget {number(float(about['budget']))}.")
    better = -float(result["regret"].mean())
    rule = "doing nothing" if about["best_rule"] == "nothing" else about["best_rule"]
    which = f"the optimum is {'better' if better >= 0 else 'worse'} by {number(abs(better))} {unit} in the mean"
    lines.append(f"Best simple rule: {rule}; {which}.")
    solved, count = int(result["solved"].sum()), result["solved"].size
    lines.append(
        f"Chosen over {about['draws_of_choice']} draws ({about['left_out_of_choice']} left out as unsolved); "
        f"solved at {solved} of {count}."
    )
    if not about["converged"]:
        lines.append(f"The search did not converge: {about['search']}.")
    return "\n".join(lines)


def rules_as_rows(result: xr.Dataset) -> tuple[list[str], list[list[str]]]:
    """The optimum, doing nothing and every simple rule within the budget as a table, the best first.

    Parameters
    ----------
    result
        From `reestim.optimise`.

    Returns
    -------
    heads, rows
        Texts.
    """
    names = [str(name) for name in result["instrument"].values]
    rows = [
        [
            str(one["rule"].item()),
            number(float(one["objective"])),
            *("none" if math.isnan(value) else f"{value:.4g}" for value in one["rule_value"].values.tolist()),
        ]
        for one in sorted(_each(result, "rule"), key=lambda one: -float(one["objective"]))
    ]
    return ["rule", f"objective, {result.attrs['money_unit']} a year", *names], rows


def summary(result: xr.Dataset) -> dict[str, Any]:
    """The result for a script, draws as median, low and high.

    Parameters
    ----------
    result
        From `reestim.optimise`.

    Returns
    -------
    dict
        JSON values: optimum by instrument, gain, regret, cost, probability_helps, objective by rule, numbers of draws.
    """
    ends = {name: {k: float(v) for k, v in quantiles(result[name]).items()} for name in ("gain", "regret", "cost")}
    means = {name: value | {"mean": float(result[name].mean())} for name, value in ends.items()}
    rules = {str(one["rule"].item()): float(one["objective"]) for one in _each(result, "rule")}
    return {
        "optimum": {str(one["instrument"].item()): float(one["optimum"]) for one in _each(result, "instrument")},
        "probability_helps": float(result["probability_helps"]),
        "rules": rules,
        "solved": int(result["solved"].sum()),
        "of": int(result["solved"].size),
        **means,
        **result.attrs,
    }


def _each(result: xr.Dataset, dim: str) -> list[xr.Dataset]:
    return [result.isel({dim: k}) for k in range(result.sizes[dim])]


def _interval(draws: xr.DataArray) -> str:
    ends = quantiles(draws)
    return with_interval(float(ends["median"]), float(ends["low"]), float(ends["high"]))
