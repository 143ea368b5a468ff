"""The report's numbers as tidy pandas tables, units in the column names. Intervals are 90 % equal-tailed."""

from __future__ import annotations

from typing import Any

import pandas as pd
import xarray as xr

from reestim.dims import CHAIN, COUNTRY, DRAW, SCENARIO, SECTOR, TECHNOLOGY
from reestim.editions import is_first_edition
from reestim.results.effects import (
    CONTRIBUTION,
    DIRECTED,
    FIXED,
    PERCENT,
    economy_of,
    effects,
    exports_outside,
    income,
    money_unit,
    parameter_draws,
    probability,
    quantiles,
)
from reestim.runs.record import RunRecord


def elasticities(post: xr.DataTree) -> pd.DataFrame:
    """σ by sector: mean, median, low, high, probability_complements = P(σ < 1), and where the run has them the prior's
    median, low and high, and the pass-through m of equation (2). Of draws that were carried to another economy: as they
    went through it."""
    posterior = parameter_draws(post)
    if "sigma" not in posterior:
        return pd.DataFrame({SECTOR: []})
    sigma = posterior["sigma"]
    summary = quantiles(sigma).assign(
        mean=sigma.mean((CHAIN, DRAW)), probability_complements=probability(sigma, sigma < 1)
    )
    prior = parameter_draws(post, "prior") if "prior" in post.children else xr.Dataset()
    if "sigma" in prior:
        before = quantiles(prior["sigma"])
        summary = summary.merge(before.rename({k: f"prior_{k}" for k in ("median", "low", "high")}), join="exact")
    if "innovation_passthrough" in posterior:
        names = {k: f"passthrough_{k}" for k in ("median", "low", "high")}
        summary = summary.merge(quantiles(posterior["innovation_passthrough"]).rename(names), join="exact")
    first = ["mean", "median", "low", "high", "probability_complements"]
    rest = [str(name) for name in summary.data_vars if name not in first]
    return summary.to_dataframe().reset_index().loc[:, [SECTOR, *first, *rest]]


def parameters(post: xr.DataTree) -> pd.DataFrame:
    """Every parameter without further dimensions: posterior beside prior."""
    posterior, prior = post["posterior"].to_dataset(), _prior(post)
    rows: list[dict[str, Any]] = []
    for name, draws in posterior.data_vars.items():
        if set(draws.dims) != {CHAIN, DRAW}:
            continue
        row: dict[str, Any] = {"parameter": str(name), "meaning": str(draws.attrs.get("long_name", ""))}
        row |= {"mean": float(draws.mean()), **_floats(quantiles(draws))}
        if name in prior and set(prior[name].dims) == {CHAIN, DRAW}:
            before = _floats(quantiles(prior[name]))
            row |= {f"prior_{k}": v for k, v in before.items()}
        rows.append(row)
    return pd.DataFrame(rows)


def welfare(post: xr.DataTree) -> pd.DataFrame:
    """Welfare by scenario, country and technology (fixed, directed, contribution).

    median_percent, low_percent, high_percent: change of real income, per cent (of ``contribution``: percentage points);
    median_money, ...: the same times baseline income, that is the equivalent variation a year at baseline prices, in
    ``money_unit``; probability_loss = P(change < 0); solved: draws behind the row.
    """
    ds = post["counterfactual"].to_dataset()
    draws = effects(ds, "welfare")
    economy = economy_of(post)
    baseline = income(economy).reindex({COUNTRY: ds[COUNTRY].values})
    table = rows_of(draws, [SCENARIO, COUNTRY, TECHNOLOGY])
    worth = baseline.sel({COUNTRY: xr.DataArray(table[COUNTRY].tolist(), dims="row")}).to_numpy()
    for name in ("median", "low", "high"):
        table[f"{name}_money"] = table[f"{name}_percent"] / PERCENT * worth
    return table.assign(income_money=worth, money_unit=money_unit(economy))


def exports(post: xr.DataTree) -> pd.DataFrame:
    """Joint exports of the countries that do not restrict, by exposed sector; columns as ``welfare``, without money."""
    ds, economy = post["counterfactual"].to_dataset(), economy_of(post)
    parts = []
    for scenario in ds[SCENARIO].values:
        table = rows_of(exports_outside(ds, str(scenario), economy), [SECTOR, TECHNOLOGY])
        table.insert(0, SCENARIO, str(scenario))
        parts.append(table)
    return pd.concat(parts, ignore_index=True)


def solver(post: xr.DataTree) -> pd.DataFrame:
    """How many draws were solved, how well, in how many steps, and in how many a second equilibrium may be near
    (``not_determinate``, where the run says so in the sense of the second edition of the model)."""
    ds = post["counterfactual"].to_dataset()
    over = (CHAIN, DRAW)
    counts = xr.Dataset(
        {
            "solved": ds["solved"].sum(over),
            "draws": xr.full_like(ds["solved"].sum(over), ds.sizes[CHAIN] * ds.sizes[DRAW]),
            "largest_residual": ds["residual"].where(ds["solved"]).max(over),
            "median_steps": ds["steps"].median(over),
            "largest_steps": ds["steps"].max(over),
        }
    )
    if "determinate" in ds and not ("posterior" in post.children and is_first_edition(post["posterior"].data_vars)):
        counts["not_determinate"] = (ds["solved"] & (ds["determinate"] == 0)).sum(over)
    return counts.to_dataframe().reset_index()


def gates(post: xr.DataTree) -> pd.DataFrame:
    """The gates of the sampler: gate, value (NaN where it could not be computed), threshold, passed, where (the worst
    parameter). Empty when the fit recorded none."""
    verdict = RunRecord.of(post).gates
    rows = [gate.model_dump() for gate in verdict.gates] if verdict else []
    table = pd.DataFrame(rows, columns=["gate", "value", "threshold", "passed", "where"])
    return table.astype({"value": float, "threshold": float, "passed": bool})


def inputs(post: xr.DataTree) -> pd.DataFrame:
    """Files that are simulated, hold cells that a rule made or figures from memory, or are of an older year brought to
    a later one: file, kind."""
    record = RunRecord.of(post)
    data, moved = record.provenance, record.transfer
    kinds = {
        "synthetic": "simulated, not observed",
        "imputed": "some cells made by a stated rule",
        "recalled": "some figures recalled from memory of their source, or made of such",
        "updated": "of an older year, balanced to margins of the base year",
    }
    rows = [{"file": f, "kind": words} for kind, words in kinds.items() for f in getattr(data, kind) or ()]
    if moved:  # the economy is of another dataset
        files = [(f"{moved.dataset}/{f}", words) for kind, words in kinds.items() for f in getattr(moved, kind)]
        rows += [{"file": file, "kind": words} for file, words in files]
    return pd.DataFrame(rows, columns=["file", "kind"])


def productivity(post: xr.DataTree) -> pd.DataFrame:
    """Average growth a year by country and sector, log points: output, contributions of inputs, TFP."""
    from reestim.evidence.productivity import as_table, average_growth

    return average_growth(as_table(post["growth_accounting"].to_dataset()))


def _prior(post: xr.DataTree) -> xr.Dataset:
    return post["prior"].to_dataset() if "prior" in post.children else xr.Dataset()


def _floats(ds: xr.Dataset) -> dict[str, float]:
    return {str(name): float(value) for name, value in ds.data_vars.items()}


def rows_of(draws: xr.DataArray, keys: list[str]) -> pd.DataFrame:
    """Median, interval, P(< 0) and number of draws of a change in per cent, one row per combination of ``keys``."""
    summary = quantiles(draws).rename({k: f"{k}_percent" for k in ("median", "low", "high")})
    summary = summary.assign(probability_loss=probability(draws, draws < 0), solved=draws.count((CHAIN, DRAW)))
    table = summary.to_dataframe().reset_index()
    order = [name for name in (FIXED, DIRECTED, CONTRIBUTION) if name in set(table[TECHNOLOGY])]
    table[TECHNOLOGY] = pd.Categorical(table[TECHNOLOGY], order)
    for key in keys:  # the order of the data, not of the alphabet
        if key != TECHNOLOGY:
            table[key] = pd.Categorical(table[key], list(dict.fromkeys(draws[key].values.tolist())))
    table = table.sort_values(keys, ignore_index=True).astype(dict.fromkeys(keys, "str"))
    return table.loc[:, [*keys, "median_percent", "low_percent", "high_percent", "probability_loss", "solved"]]
