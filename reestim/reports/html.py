"""One self-contained page: no script, no network, pictures inside."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
import xarray as xr
from jinja2 import Environment, PackageLoader, StrictUndefined

from reestim.dims import COUNTRY, SCENARIO, SECTOR, TECHNOLOGY
from reestim.errors import MAX_UNSOLVED
from reestim.files import slug
from reestim.provenance import INTERVAL, describe
from reestim.reports.check_section import check_sections
from reestim.reports.effects import CONTRIBUTION, DIRECTED, FIXED, LEVEL
from reestim.reports.evidence import evidence_sections
from reestim.reports.format import limit, number, percent, with_interval
from reestim.reports.summary import INTERVALS, is_quick, sentences, warnings, weakly_learnt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reestim.reports.figures import Picture


_HEADS = {FIXED: "Fixed technology", DIRECTED: "Directed technology", CONTRIBUTION: "Contribution (directed − fixed)"}


def render(post: xr.DataTree, tables: Mapping[str, pd.DataFrame], pictures: Sequence[Picture]) -> str:
    """The page as text. Everything that comes from data is escaped."""
    env = Environment(
        loader=PackageLoader("reestim.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    run = describe(post)
    spec = dict.fromkeys(("name", "description", "hash", "text"), "") | _table(run["spec"])
    provenance = {"dataset": "", "hash": "", "base_year": "", "synthetic": None} | _table(run["provenance"])
    return env.get_template("report.html.j2").render(
        title=str(spec["name"] or "run"),
        quick=is_quick(post),
        warnings=warnings(post, tables),
        sentences=sentences(post, tables),
        intervals=INTERVALS,
        level=f"Brackets: {100 * LEVEL:.0f} % {INTERVAL['kind']} posterior intervals.",
        gates=_gates(tables["gates"]),
        scenarios=_scenarios(tables),
        elasticities=_elasticities(tables["elasticities"]),
        parameters=_parameters(tables["parameters"]),
        rests_on_prior=weakly_learnt(tables["parameters"], "parameter") + weakly_learnt(tables["elasticities"], SECTOR),
        solver=_solver(tables),
        productivity=_productivity(tables.get("productivity")),
        evidence=[*check_sections(tables), *evidence_sections(post, tables)],
        inputs=tables["inputs"].to_dict("records"),
        pictures={p.name: {"src": _inline(p.png), "alt": p.alt, "caption": p.caption} for p in pictures},
        run={"command": ""} | run,
        spec=spec,
        provenance=provenance,
    )


def _table(stored: object) -> dict[str, Any]:
    return stored if isinstance(stored, dict) else {}


def _inline(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()


def _gates(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {
            "gate": row["gate"],
            "passed": row["passed"],
            "value": f"{row['value']:.4g}",
            "limit": limit(row["gate"], row["threshold"]),
            "where": row["where"],
        }
        for row in table.to_dict("records")
    ]


def _solver(tables: Mapping[str, pd.DataFrame]) -> list[dict[str, Any]]:
    rows = tables["solver"].to_dict("records") if "solver" in tables else []
    return [dict(row) | {"passed": 1 - row["solved"] / row["draws"] <= MAX_UNSOLVED} for row in rows]


def _productivity(table: pd.DataFrame | None) -> list[dict[str, str]]:
    """Average growth a year in per cent, ready text by column; no rows where the dataset holds no growth accounts."""
    rows = [] if table is None else table.to_dict("records")
    short = {
        name: str(name).removesuffix("_growth").removesuffix("_contribution") for name in (rows[0] if rows else {})
    }
    return [{short[k]: f"{100 * v:.2f}" if isinstance(v, float) else str(v) for k, v in row.items()} for row in rows]


def _scenarios(tables: Mapping[str, pd.DataFrame]) -> list[dict[str, Any]]:
    """For each scenario: welfare and exports as rows of ready text, one cell per technology."""
    if "welfare" not in tables:
        return []
    out = []
    for scenario in tables["welfare"][SCENARIO].unique():
        welfare = tables["welfare"].loc[lambda t, s=scenario: t[SCENARIO] == s]
        exports = tables["exports"].loc[lambda t, s=scenario: t[SCENARIO] == s]
        technologies = list(dict.fromkeys(welfare[TECHNOLOGY]))
        out.append(
            {
                "name": scenario,
                "slug": slug(scenario),
                "heads": [_HEADS.get(t, t) for t in technologies],
                "welfare": _wide(welfare, COUNTRY, technologies, money=True),
                "exports": _wide(exports, SECTOR, technologies, money=False),
            }
        )
    return out


def _wide(table: pd.DataFrame, key: str, technologies: list[str], money: bool) -> list[dict[str, Any]]:
    rows = []
    for label in dict.fromkeys(table[key]):
        cells = []
        for technology in technologies:
            row = table.loc[(table[key] == label) & (table[TECHNOLOGY] == technology)].iloc[0].to_dict()
            cell = {"change": with_interval(row["median_bp"], row["low_bp"], row["high_bp"])}
            sign = "P(< 0)" if technology == CONTRIBUTION else "P(loss)" if money else "P(fall)"
            cell["sign"] = f"{sign} {percent(row['probability_loss'])}"
            if money:
                cell["money"] = with_interval(row["median_musd"], row["low_musd"], row["high_musd"])
            cells.append(cell)
        rows.append({"label": label, "cells": cells})
    return rows


def _elasticities(table: pd.DataFrame) -> list[dict[str, str]]:
    rows = []
    for row in table.to_dict("records"):
        out = {
            "sector": str(row[SECTOR]),
            "mean": number(row["mean"]),
            "posterior": with_interval(row["median"], row["low"], row["high"]),
            "complements": percent(row["probability_complements"]),
        }
        for name in ("prior", "passthrough"):
            if f"{name}_median" in row:
                out[name] = with_interval(row[f"{name}_median"], row[f"{name}_low"], row[f"{name}_high"])
        rows.append(out)
    return rows


def _parameters(table: pd.DataFrame) -> list[dict[str, str]]:
    rows = []
    for row in table.to_dict("records"):
        out = {"name": row["parameter"], "meaning": row["meaning"]}
        out["posterior"] = with_interval(row["median"], row["low"], row["high"])
        if pd.notna(row.get("prior_median", float("nan"))):
            out["prior"] = with_interval(row["prior_median"], row["prior_low"], row["prior_high"])
        rows.append(out)
    return rows
