"""What the command line prints: tables with intervals on standard output, lists of problems on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    import xarray as xr

    from reestim.errors import InputError
    from reestim.runs.listing import Run

_NARROWEST = 118
#: Years of a transition beside each other in one table.
_YEARS_BESIDE = 4


def console(stderr: bool = False) -> Console:
    """A console that does not break tables where there is no terminal to fit into."""
    out = Console(stderr=stderr, highlight=False, emoji=False, markup=False)
    return (
        out
        if out.is_terminal
        else Console(stderr=stderr, highlight=False, emoji=False, markup=False, width=max(out.width, _NARROWEST))
    )


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    from reestim.io.files import strict_json

    shown = (sys.stdout.encoding or "").lower().replace("-", "") in ("utf8", "utf16", "utf32")
    sys.stdout.write(json.dumps(strict_json(value), indent=1, ensure_ascii=not shown) + "\n")


def problems_as_json(error: InputError) -> dict[str, Any]:
    """``{"error": ..., "problems": [{"file", "row", "column", "value", "message", "advice"}]}``."""
    rows = [
        {"file": p.file, "row": p.row, "column": p.column, "value": p.value, "message": p.message, "advice": p.advice}
        for p in error.problems
    ]
    return {"error": error.title, "problems": rows}


def result_as_json(post: xr.DataTree, paths: dict[str, str]) -> dict[str, Any]:
    """Everything a script wants to know of a run: paths, gates, tables (one record per row)."""
    from reestim.intervals import INTERVAL
    from reestim.reports.sections import all_tables
    from reestim.reports.summary import is_quick
    from reestim.runs.record import RunRecord

    records = {name: table.to_dict("records") for name, table in all_tables(post).items()}
    return {
        **paths,
        "quick": is_quick(post),
        "gates_passed": RunRecord.of(post).gates_passed(),
        "interval": INTERVAL,
        **records,
    }


def print_result(post: xr.DataTree) -> None:
    """Banner, gates, elasticities, welfare, the world and the years of a transition, as the report has them."""
    from reestim.reports.sections import all_tables
    from reestim.reports.summary import warnings
    from reestim.results.caveats import caveats
    from reestim.results.effects import described_scenarios, economy_of
    from reestim.results.policies import PAIRS, pairs_as_text

    out, tables = console(), all_tables(post)
    _gates(out, tables["gates"])
    _elasticities(out, tables["elasticities"])
    if "welfare" in tables:
        _welfare(out, tables["welfare"])
        _world(out, tables["world"], tables.get("mitigation"))
        if "welfare_path" in tables:
            _years(out, tables["welfare_path"], tables.get("quota_path"))
        if "policy_pairs" in tables:
            print_rows(PAIRS, *pairs_as_text(tables["policy_pairs"]))
        for row in tables["solver"].to_dict("records"):
            near = f", {row['not_determinate']} near a second equilibrium" if "not_determinate" in row else ""
            out.print(f"{row['scenario']}, {row['technology']}: {row['solved']} of {row['draws']} draws solved{near}")
        economy = economy_of(post)
        for scenario, about in described_scenarios(post["counterfactual"].to_dataset()).items():
            for words in caveats(about, economy):
                out.print(Text(f"{scenario}: {words}"), soft_wrap=True)
    for kind, words in warnings(post, tables):
        out.print(Text(words, style="bold red" if kind in {"quick", "gate"} else "yellow"), soft_wrap=True)


def print_runs(runs: Sequence[Run]) -> None:
    """The runs in a folder, newest first."""
    out = console()
    table = _table(out, "Runs", ("run", "study", "dataset", "scenarios", "gates", "made"))
    for run in runs:
        if run.problem:
            table.add_row(str(run.path), run.problem)
            continue
        gates = {True: "passed", False: "FAILED", None: "not recorded"}[run.gates_passed]
        name = f"{run.name or 'from Python'}{' (QUICK)' if run.quick else ''}"
        table.add_row(
            str(run.path),
            name,
            run.dataset or "not recorded",
            ", ".join(run.scenarios) or "none yet",
            gates,
            run.created[:16],
        )
    out.print(table)


def moved_by_cleaning(dataset: Path) -> str:
    """The note of a built dataset that says what cleaning moved."""
    from reestim.data.meta import read_meta

    meta = read_meta(dataset).meta
    return next((note for note in (meta.notes if meta else []) if note.startswith("Cleaning of")), "")


def print_rows(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table of ready text."""
    out = console()
    table = _table(out, title, heads)
    for row in rows:
        table.add_row(*row)
    out.print(table)


def _table(out: Console, title: str, heads: Sequence[str]) -> Table:
    out.print(Text(f"\n{title}", style="bold"), soft_wrap=True)
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for head in heads:
        table.add_column(head, overflow="fold")
    return table


def _gates(out: Console, table: pd.DataFrame) -> None:
    from reestim.results.format import limit

    if table.empty:
        return
    shown = _table(out, "Gates of the sampler", ("gate", "value", "worst at", "good", "verdict"))
    for row in table.to_dict("records"):
        verdict = Text("passed", style="green") if row["passed"] else Text("FAILED", style="bold red")
        good = limit(row["gate"], row["threshold"])
        shown.add_row(row["gate"], f"{row['value']:.4g}", row["where"], good, verdict)
    out.print(shown)


def _median_and_interval() -> str:
    """What a cell holds, for the title of its table."""
    from reestim.intervals import LEVEL

    return f"median [{100 * LEVEL:.0f} % equal-tailed interval]"


def _elasticities(out: Console, table: pd.DataFrame) -> None:
    from reestim.results.format import percent, with_interval

    if table.empty:
        return
    title = f"Elasticity of substitution σ: {_median_and_interval()}"
    shown = _table(out, title, ("sector", "posterior", "P(σ < 1)", "prior"))
    for row in table.to_dict("records"):
        prior = with_interval(row["prior_median"], row["prior_low"], row["prior_high"]) if "prior_median" in row else ""
        posterior = with_interval(row["median"], row["low"], row["high"])
        shown.add_row(str(row["sector"]), posterior, percent(row["probability_complements"]), prior)
    out.print(shown)


def _welfare(out: Console, table: pd.DataFrame) -> None:
    from reestim.results.format import percent, with_interval
    from reestim.results.names import short_name

    for scenario, part in table.groupby("scenario", sort=False):
        technologies = list(dict.fromkeys(part["technology"]))
        unit = part["money_unit"].iloc[0]
        title = f"{scenario}: welfare in per cent, below it {unit} a year; {_median_and_interval()}"
        shown = _table(out, title, ("country", *technologies, "P(loss)"))
        for country in dict.fromkeys(part["country"]):
            cells, losses = [], []
            for technology in technologies:
                chosen = (part["country"] == country) & (part["technology"] == technology)
                row = part.loc[chosen].to_dict("records")[0]
                change = with_interval(row["median_percent"], row["low_percent"], row["high_percent"])
                money = with_interval(row["median_money"], row["low_money"], row["high_money"])
                cells.append(f"{change}\n{money}")
                if technology != "contribution":
                    losses.append(percent(row["probability_loss"]))
            shown.add_row(short_name(str(country)), *cells, " → ".join(losses))
        out.print(shown)


def _world(out: Console, table: pd.DataFrame, mitigation: pd.DataFrame | None) -> None:
    from reestim.results.format import with_interval
    from reestim.results.world import WHOM, mitigation_sentences, probability_words

    for scenario, part in table.groupby("scenario", sort=False):
        technologies = list(dict.fromkeys(part["technology"]))
        title = f"{scenario}: equivalent variations added up, {part['money_unit'].iloc[0]} a year"
        shown = _table(out, title, ("", *technologies))
        for whom in dict.fromkeys(part["whom"]):
            cells = []
            for row in part.loc[part["whom"] == whom].to_dict("records"):
                money = with_interval(row["median"], row["low"], row["high"])
                cells.append(f"{money}\n{probability_words(row)}")
            shown.add_row(WHOM[str(whom)], *cells)
        out.print(shown)
        if mitigation is not None:
            for words in mitigation_sentences(mitigation.loc[mitigation["scenario"] == scenario]):
                out.print(Text(words), soft_wrap=True)


def _years(out: Console, table: Any, quotas: Any) -> None:
    """Welfare in every year of a transition, a column a year, and what the quotas earn."""
    from reestim.results.format import percent, with_interval
    from reestim.results.names import short_name

    for scenario, part in table.groupby("scenario", sort=False):
        unit, years = part["money_unit"].iloc[0], list(dict.fromkeys(part["year"]))
        title = (
            f"{scenario}, year by year: welfare in per cent, below it {unit} a year, P(loss); {_median_and_interval()}"
        )
        for start in range(0, len(years), _YEARS_BESIDE):
            beside = years[start : start + _YEARS_BESIDE]
            shown = _table(out, title, ("country", *map(str, beside)))
            for country, rows in part[part["year"].isin(beside)].groupby("country", sort=False):
                cells = []
                for row in rows.to_dict("records"):
                    change = with_interval(row["median_percent"], row["low_percent"], row["high_percent"])
                    money = with_interval(row["median_money"], row["low_money"], row["high_money"])
                    cells.append(f"{change}\n{money}\nP(loss) {percent(row['probability_loss'])}")
                shown.add_row(short_name(str(country)), *cells)
            out.print(shown)
        if quotas is not None:
            title = f"{scenario}: rents of its quotas, {unit} a year"
            shown = _table(out, title, ("year", "P(a quota binds)", "rents"))
            for row in quotas[quotas["scenario"] == scenario].to_dict("records"):
                rents = with_interval(row["median_rent"], row["low_rent"], row["high_rent"])
                shown.add_row(str(row["year"]), percent(row["probability_binds"]), rents)
            out.print(shown)
