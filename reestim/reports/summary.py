"""What a run says, in sentences: the first thing on the page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pandas as pd
import xarray as xr

from reestim.dims import COUNTRY, SCENARIO, SECTOR, TECHNOLOGY
from reestim.editions import BEFORE_THE_CLOCK, FIRST_EDITION, is_before_the_clock, is_first_edition
from reestim.intervals import INTERVAL, SURE
from reestim.reports.prior_dependence import prior_dependence
from reestim.results.caveats import caveats
from reestim.results.effects import CONTRIBUTION, DIRECTED, FIXED, described_scenarios, economy_of, restrictors
from reestim.results.findings import NO_FINDING
from reestim.results.format import percent, with_interval
from reestim.results.names import at_the_start, country_name
from reestim.results.transfer import transfer_sentences
from reestim.runs.record import RunRecord

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What a horizon other than a year adds to the words for a scenario.
_TIME = {"months": ", within months", "long": ", in the long run, with new mines"}

#: How a scenario is introduced, by the technology that is shown first.
_STANDS = {FIXED: "With technology as it was", DIRECTED: "With research that follows prices"}
_AND_DIRECTED = "; then with research that follows prices (directed technology)"

INTERVALS = (
    f"Square brackets hold {100 * float(str(INTERVAL['level'])):.0f} % {INTERVAL['kind']} posterior intervals: given "
    "the model, the priors and the data, the quantity lies inside with that probability, and beyond either end with "
    "equal probability. The number before a bracket is the posterior median."
)


def sentences(post: xr.DataTree, tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """Plain-language summary: a sentence on elasticities, then of each scenario a short one a country."""
    if not RunRecord.of(post).gates_passed():
        return [NO_FINDING]
    out = list(_elasticities(tables["elasticities"]))
    if "counterfactual" in post.children:
        ds, economy = post["counterfactual"].to_dataset(), economy_of(post)
        described = described_scenarios(ds)
        for scenario in ds[SCENARIO].values.tolist():
            about = described.get(scenario, {})
            words = f"{about.get('description') or scenario}{_TIME.get(about.get('horizon'), '')}"
            inside = restrictors(ds, scenario, economy)
            out += _scenario(str(words), tables, scenario, inside)
            abroad = [c for c in economy.countries if c not in inside]
            for technology in (FIXED, DIRECTED):
                out += prior_dependence(tables, scenario, abroad, technology)
            out += caveats(about, economy)
    return out


def warnings(post: xr.DataTree, tables: Mapping[str, pd.DataFrame]) -> list[tuple[str, str]]:
    """What a reader must know before any number: (kind, sentence), kind one of transfer, quick, edition, gate,
    unsolved, determinate, synthetic."""
    moved = RunRecord.of(post).transfer
    out = [("transfer", " ".join(transfer_sentences(moved, RunRecord.of(post).provenance)))] if moved else []
    if is_quick(post):
        words = "QUICK smoke run: few draws, loose gates. It shows that the program works; do not use its numbers."
        out.append(("quick", words))
    if "posterior" in post.children and is_first_edition(post["posterior"].data_vars):
        out.append(("edition", FIRST_EDITION))
    elif "constant_data" in post.children and is_before_the_clock(post["constant_data"].data_vars):
        out.append(("edition", BEFORE_THE_CLOCK))
    failed = tables["gates"].loc[~tables["gates"]["passed"]]
    if len(failed):
        names = ", ".join(f"{row['gate']} is {row['value']:.4g}" for row in failed.to_dict("records"))
        allowed = RunRecord.of(post).allowed_gates
        by_name = [name for name in failed["gate"] if name in allowed]
        exception = f" Allowed to fail, by name, when it was started: {', '.join(by_name)}." if by_name else ""
        out.append(("gate", f"The sampler did not converge ({names}). These draws are not a posterior yet.{exception}"))
    runs = tables["solver"].to_dict("records") if "solver" in tables else []
    if missing := sum(int(row["draws"]) - int(row["solved"]) for row in runs):
        draws = f"{missing} draw" if missing == 1 else f"{missing} draws"
        words = f"No equilibrium was found for {draws}; every summary is of the draws that were solved."
        out.append(("unsolved", words))
    if near := sum(int(row.get("not_determinate", 0)) for row in runs):
        total = sum(int(row["solved"]) for row in runs)
        words = (
            f"In {near} of {total} solved draws ({percent(near / total)}) technology feeds back on prices so strongly"
        )
        out.append(
            ("determinate", f"{words} that a second equilibrium may be near; what is shown there is one of them.")
        )
    simulated = tables["inputs"].loc[tables["inputs"]["kind"].str.startswith("simulated"), "file"].tolist()
    if simulated:
        words = f"Synthetic inputs, simulated from stated parameters and not observed: {', '.join(simulated)}."
        rest = "What rests on them illustrates the method; it is not a finding about the world."
        out.append(("synthetic", f"{words} {rest}"))
    return out


def is_quick(post: xr.DataTree) -> bool:
    """Was this a smoke run?"""
    return RunRecord.of(post).quick


def _elasticities(table: pd.DataFrame) -> Iterator[str]:
    if table.empty:
        return
    rows = table.to_dict("records")
    low, high = (edge(rows, key=lambda row: row["median"]) for edge in (min, max))
    spread = _elasticity(low) if len(rows) == 1 else f"from {_elasticity(low)} to {_elasticity(high)}"
    sure = sum(row["probability_complements"] > SURE for row in rows)
    yield (
        f"The elasticity of substitution between rare earths and other inputs has posterior medians {spread} over "
        f"{len(rows)} sectors; in {sure} of them rare earths are complements (σ < 1) of other inputs with a "
        f"probability above {100 * SURE:.0f} %."
    )


def _elasticity(row: Mapping[Any, Any]) -> str:
    return f"{with_interval(row['median'], row['low'], row['high'])} in {row[SECTOR]}"


def _scenario(words: str, tables: Mapping[str, pd.DataFrame], scenario: str, inside: list[str]) -> Iterator[str]:
    """Who loses and gains abroad, a sentence a country, worst first; what changes when research follows prices."""
    welfare = tables["welfare"].loc[lambda t: t[SCENARIO] == scenario]
    outside = welfare.loc[~welfare[COUNTRY].isin(inside)]
    first = FIXED if FIXED in set(outside[TECHNOLOGY]) else DIRECTED
    rows = outside.loc[(outside[TECHNOLOGY] == first) & outside["median_money"].notna()].sort_values("median_money")
    if rows.empty:
        return
    both = first == FIXED and DIRECTED in set(outside[TECHNOLOGY])
    yield f"{at_the_start(words)}. {_STANDS[first]}{_AND_DIRECTED if both else ''}:"
    for row in [*rows.to_dict("records"), *_of(welfare, inside, first)]:
        other = _of(welfare, [str(row[COUNTRY])], DIRECTED) if both else []  # none: no draw has an equilibrium with it
        yield f"{'; '.join([_in_money(row), *map(_directed, other)])}."
    if both:
        part = outside.loc[outside[TECHNOLOGY] == CONTRIBUTION]
        helped = int((part["probability_loss"] < 1 - SURE).sum())
        exports = _exports(tables["exports"].loc[lambda t: t[SCENARIO] == scenario])
        yield (
            f"The direction of research helps {helped} of {len(part)} countries abroad with a probability above "
            f"{100 * SURE:.0f} %{exports}."
        )
        yield from _mitigated(tables, scenario)


def _of(table: pd.DataFrame, countries: list[str], technology: str) -> list[dict[Any, Any]]:
    chosen = table.loc[table[COUNTRY].isin(countries) & (table[TECHNOLOGY] == technology)]
    return chosen.loc[chosen["median_money"].notna()].to_dict("records")


def _in_money(row: Mapping[Any, Any]) -> str:
    """``Japan loses 253 million US$ of 2008 a year [198, 327]``; where the sign is open, with the probability."""
    name, unit = at_the_start(country_name(str(row[COUNTRY]))), f"{row['money_unit']} a year"
    return f"{name} {'loses' if row['median_money'] < 0 else 'gains'} {_money(row, unit)}{_open_sign(row)}"


def _directed(row: Mapping[Any, Any]) -> str:
    """``with directed technology it loses 20 [14, 25]``."""
    verb = "loses" if row["median_money"] < 0 else "gains"
    return f"with directed technology it {verb} {_money(row)}{_open_sign(row)}"


def _money(row: Mapping[Any, Any], unit: str = "") -> str:
    """The size of a loss or a gain."""
    loss = row["median_money"] < 0
    low, high = sorted(-row[k] if loss else row[k] for k in ("low_money", "high_money"))
    return with_interval(abs(row["median_money"]), low, high, unit)


def _open_sign(row: Mapping[Any, Any]) -> str:
    sure = row["probability_loss"] if row["median_money"] < 0 else 1 - row["probability_loss"]
    return "" if sure > SURE else f" (P(loss) {percent(row['probability_loss'])})"


def _mitigated(tables: Mapping[str, pd.DataFrame], scenario: str) -> Iterator[str]:
    """How much of the loss abroad research takes away, and how much of that answer the prior had given already."""
    table = tables.get("mitigation", pd.DataFrame())
    if table.empty:
        return
    chosen = (table[SCENARIO] == scenario) & (table["part"] == "mitigated") & (table["draws"] > 0)
    for row in table.loc[chosen].to_dict("records"):
        share = with_interval(100 * row["median"], 100 * row["low"], 100 * row["high"], "%")
        prior = row.get("prior_median", float("nan"))
        before = f"; before the data it was {100 * prior:.0f} %" if pd.notna(prior) else ""
        yield f"Of the joint loss abroad, directed technology takes away {share}{before}."


def _exports(table: pd.DataFrame) -> str:
    """How exports of the most exposed sector move without and with direction; empty where no sector is exposed."""
    if table.empty:
        return ""
    sector = table[SECTOR].iloc[0]
    one = table.loc[table[SECTOR] == sector].set_index(TECHNOLOGY)
    fixed, directed = (_percent(one.loc[name].to_dict()) for name in (FIXED, DIRECTED))
    return (
        f", and their joint exports of {sector}, the sector that uses most rare earths per dollar, change by "
        f"{directed} instead of {fixed}"
    )


def _percent(row: Mapping[Any, Any]) -> str:
    return with_interval(row["median_percent"], row["low_percent"], row["high_percent"], "%")
