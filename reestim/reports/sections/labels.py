"""How good the labels are: confusion as learnt beside confusion as audited, agreement, drift, and who labelled."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from reestim.dims import CHAIN, DRAW, LABELS
from reestim.io.json_text import json_value
from reestim.labels.agreement import HUMAN, MACHINE, Agreement, Interval
from reestim.labels.quality import agreement_of, drift_of
from reestim.reports.section import Block, Notes, Section, TableBlock
from reestim.results.effects import quantiles
from reestim.results.format import with_interval

if TYPE_CHECKING:
    import xarray as xr

GROUP = "label_quality"
_COLUMNS = ["measure", HUMAN, MACHINE, "year", "median", "low", "high", "audit_median", "audited"]
_TREND = 0.05
#: Share of missing labels of a country above which it is named.
_MANY = 0.1


def label_quality_table(post: xr.DataTree) -> pd.DataFrame:
    """One tidy table of a run with the group ``label_quality``; cells that a measure has no use for are empty.

    Rows by ``measure``: ``confusion``, P(machine label | true class): posterior median and 90 % equal-tailed interval
    where the model learnt it, ``audit_median`` from the audit alone, ``audited`` patents; ``accuracy``, ``kappa``,
    ``macro_f1`` and ``f1`` by class among all patents, from the audit; ``agreement`` by year of the audited patents;
    ``trend_p_value``; ``patents`` by machine label, and ``unlabelled``.
    """
    quality = post[GROUP].to_dataset()
    scores = agreement_of(quality)
    rows = [*_confusion(post, quality, scores)]
    for name in ("accuracy", "kappa", "macro_f1"):
        rows.append({"measure": name, **_ends(getattr(scores, name))})
    rows += [{"measure": "f1", HUMAN: label, **_ends(scores.f1[label])} for label in LABELS]
    by_year, trend = drift_of(quality)
    rows += [
        {
            "measure": "agreement",
            "year": int(r["year"]),
            "median": r["share"],
            "low": r["low"],
            "high": r["high"],
            "audited": int(r["audited"]),
        }
        for r in by_year.to_dict("records")
    ]
    rows.append({"measure": "trend_p_value", "median": trend})
    rows += [{"measure": "patents", MACHINE: x, "median": int(quality["patents"].sel(label=x))} for x in LABELS]
    record = json_value(quality.attrs.get("record", {}))
    rows.append({"measure": "unlabelled", "median": record.get("unlabelled", float("nan"))})
    return pd.DataFrame(rows, columns=_COLUMNS).astype({"year": "Int64", "audited": "Int64"})


def tables(post: xr.DataTree) -> dict[str, pd.DataFrame]:
    """``label_quality`` of a run that holds the group."""
    return {GROUP: label_quality_table(post)} if GROUP in post.children else {}


def section(post: xr.DataTree, tables: Mapping[str, pd.DataFrame]) -> Section | None:
    """Confusion, agreement, drift, and who labelled."""
    if GROUP not in tables:
        return None
    table, quality = tables[GROUP], post[GROUP].to_dataset()
    made = json_value(quality.attrs.get("synthetic", []))
    flag = f" SYNTHETIC, no finding about the world: {', '.join(made)}." if made else ""
    blocks: list[Block] = [_confusion_block(table, flag), _scores_block(table, quality.attrs["design"], flag)]
    if "agreement" in set(table["measure"]):
        blocks.append(_drift_block(table, flag))
    record = json_value(quality.attrs.get("record", {}))
    blocks.append(Notes([_who(record, int(quality["patents"].sum())), _trend(table)]))
    return Section("labels", "How good the labels are", blocks, ["patent_labels.csv", "label_audit.csv"])


def _confusion(post: xr.DataTree, quality: xr.Dataset, scores: Agreement) -> list[dict[str, Any]]:
    counts = quality["audited"].sum("year")
    learnt = None
    if "confusion" in post["posterior"].data_vars:
        draws = post["posterior"]["confusion"]
        to = next(str(dim) for dim in draws.dims if dim not in (CHAIN, DRAW, "true_label"))
        learnt = quantiles(draws.rename({to: MACHINE}))
    rows = []
    for i, human in enumerate(LABELS):
        for j, machine in enumerate(LABELS):
            row: dict[str, Any] = {"measure": "confusion", HUMAN: human, MACHINE: machine}
            if learnt is not None:
                cell = learnt.sel({"true_label": human, MACHINE: machine})
                row |= {name: float(cell[name]) for name in ("median", "low", "high")}
            row |= {"audit_median": float(scores.confusion[i, j]), "audited": int(counts.values[i, j])}
            rows.append(row)
    return rows


def _ends(interval: Interval) -> dict[str, float]:
    return {"median": interval.median, "low": interval.low, "high": interval.high}


def _confusion_block(table: pd.DataFrame, flag: str) -> TableBlock:
    cells = table.loc[table["measure"] == "confusion"]
    learnt = bool(cells["median"].notna().any())
    rows = []
    for human in LABELS:
        row = [human]
        for cell in cells.loc[cells[HUMAN] == human].to_dict("records"):
            posterior = f"{with_interval(cell['median'], cell['low'], cell['high'])}; " if learnt else ""
            row.append(f"{posterior}audit {cell['audit_median']:.2f} ({cell['audited']} audited)")
        rows.append(row)
    what = (
        "posterior median [90 % equal-tailed]; then the median from the audit alone"
        if learnt
        else ("median from the audit alone; this study takes labels for the true classes and learns no confusion")
    )
    caption = f"Probability of the machine's label (columns) given the true class (rows): {what}.{flag}"
    return TableBlock("label_confusion", caption, ["true class", *LABELS], rows)


def _scores_block(table: pd.DataFrame, design: str, flag: str) -> TableBlock:
    names = {"accuracy": "accuracy", "kappa": "Cohen's kappa", "macro_f1": "macro-F1", "f1": "F1"}
    rows = [
        [
            f"{names[row['measure']]} {row[HUMAN]}" if row["measure"] == "f1" else names[row["measure"]],
            with_interval(row["median"], row["low"], row["high"]),
        ]
        for row in table.loc[table["measure"].isin(names)].to_dict("records")
    ]
    caption = (
        f"Agreement of labeller and people among all patents, from an audit drawn {design.replace('_', ' ')}: median "
        f"[90 % equal-tailed].{flag}"
    )
    return TableBlock("label_agreement", caption, ["measure", "value"], rows)


def _drift_block(table: pd.DataFrame, flag: str) -> TableBlock:
    years = table.loc[table["measure"] == "agreement"].to_dict("records")
    rows = [[f"{r['year']}", f"{r['audited']}", f"{r['median']:.2f} [{r['low']:.2f}, {r['high']:.2f}]"] for r in years]
    caption = f"Share of the audited patents on which labeller and people agree, by year [90 % equal-tailed].{flag}"
    return TableBlock("label_drift", caption, ["year", "audited", "agree"], rows)


def _who(record: dict[str, Any], patents: int) -> str:
    """Who labelled, in a sentence; what is not recorded is said to be so."""
    if not record:
        return (
            f"{patents} labelled patents. Who labelled them, and how many stayed unlabelled, is not recorded: the "
            "dataset has no patent_labels.json."
        )
    prompt = f", prompt {record['prompt']['version']} ({record['prompt']['hash']})" if "prompt" in record else ""
    return (
        f"Labelled by {record['labeller']}: {record['model']}{prompt}, on {str(record['date'])[:10]}. Of "
        f"{record['patents']} patents {record['unlabelled']} stayed unlabelled and are left out of the counts."
        f"{_missing(record.get('unlabelled_by_country', {}))}{_beside_all(record.get('plausibility', {}))}"
    )


def _beside_all(record: Mapping[str, Any]) -> str:
    """How the counts stand beside all patents, and what stood out when they were labelled."""
    sentences = [str(sentence) for sentence in record.get("sentences", [])]
    return f" Beside all patents: {'; '.join(sentences)}." if sentences else ""


def _missing(by_country: Mapping[str, Mapping[str, int]]) -> str:
    """Countries that lack more than a tenth of their labels, in a sentence."""
    share = {country: n["unlabelled"] / n["patents"] for country, n in by_country.items() if n["patents"]}
    most = sorted((country for country in share if share[country] > _MANY), key=lambda country: -share[country])
    if not most:
        return ""
    named = ", ".join(f"{country} {100 * share[country]:.0f} %" for country in most)
    return (
        f" Labels are MISSING by country: {named}. The model counts the labelled alone, by country, sector and year, "
        "and takes the missing ones of a cell to be of the same classes."
    )


def _trend(table: pd.DataFrame) -> str:
    p_value = float(table.loc[table["measure"] == "trend_p_value", "median"].iloc[0])
    if math.isnan(p_value):
        return "Drift cannot be tested: the audit does not state the years, or has too few years or disagreements."
    verdict = (
        "Agreement CHANGES over the years: audit each period by itself" if p_value < _TREND else "No trend is seen"
    )
    return f"{verdict} (Mantel's test for a linear trend of agreement, p = {p_value:.3f})."
