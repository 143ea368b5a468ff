"""Facts about the industries of a source: which use of rare earths happens there, which trade elasticity they have.

One file a classification, ``industries_*.csv``: industry, name, sector (of the dataset that gives the facts on rare
earths), ree_weight (the share of that sector's rare earths that goes there: imputed, sums to 1 a sector),
caliendo_parro (sectors of Caliendo and Parro 2015, separated by ``;``). Users give their own with ``--industries``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from reestim.errors import InputError, Problem
from reestim.importers.isic import isic_industries
from reestim.importers.mapping import read_columns, read_weights
from reestim.wording import closest

HERE = Path(__file__).resolve().parent / "concordances"
_SHIPPED = tuple(HERE / f"industries_{name}.csv" for name in ("wiod", "icio", "caliendo_parro"))
ELASTICITIES = HERE / "caliendo_parro_2015.csv"
COLUMNS = ("industry", "name", "sector", "ree_weight", "caliendo_parro")
ELEMENT_ELASTICITY = (10.0, 2.0)

_PAPER = "Caliendo and Parro (2015), Table 1, 99 % sample"


def industry_facts(labels: Sequence[str], file: Path | None = None) -> pd.DataFrame:
    """Rows of ``labels``, in their order: from ``file``, from the shipped file that knows them all, or by their codes
    of ISIC revision 4.

    Raises InputError listing what is wrong with the file, or the industries that no shipped file knows.
    """
    if file is None:
        tables = {path: pd.read_csv(path) for path in _SHIPPED}
        unknown = {path: [i for i in labels if i not in set(t["industry"])] for path, t in tables.items()}
        best = min(unknown, key=lambda path: len(unknown[path]))
        by_code = isic_industries(labels) if unknown[best] else None
        if by_code is not None:
            return by_code
        advice = "Is this the edition you meant? If so, describe its industries in a file and give it as --industries"
        problems = [Problem("unknown industry", advice, value=i) for i in unknown[best]]
        if problems:
            raise InputError(problems, f"the industries are not those of {best.stem.removeprefix('industries_')}")
        return tables[best].set_index("industry").loc[list(labels)].reset_index()
    table, problems = _read(file)
    if table is not None:
        industries = set(table["industry"])
        advice = "Add a row for it"
        missing = [i for i in labels if i not in industries]
        problems += [Problem("the industry has no row", advice, file=file.name, value=i) for i in missing]
    if problems or table is None:
        raise InputError(problems, "the file of industries cannot be used")
    return table.set_index("industry").loc[list(labels)].reset_index()


def _read(path: Path) -> tuple[pd.DataFrame | None, list[Problem]]:
    cells, problems = read_columns(path, COLUMNS)
    if cells is None:
        return None, problems
    table = cells[list(COLUMNS)].copy()
    table["ree_weight"], weight_problems = read_weights(
        cells, "ree_weight", "sector", file=path.name, what="rare earths are"
    )
    paper = list(pd.read_csv(ELASTICITIES)["sector"])
    for row, value in table["caliendo_parro"].items():
        for part in [p for p in value.split(";") if p not in paper]:
            place: Any = {"file": path.name, "row": int(row), "column": "caliendo_parro", "value": part}
            problems.append(Problem("no such sector in Caliendo and Parro (2015)", closest(part, paper), **place))
    for row in table.index[table["industry"].duplicated()]:
        value = table["industry"][row]
        problems.append(Problem("the industry is repeated", "Keep one row", file=path.name, row=int(row), value=value))
    return table, problems + weight_problems


def host_sector(facts: pd.DataFrame, sectors: Mapping[str, str], host: str) -> str:
    """The sector that holds the rare earths: that of the industry with most weight in the facts' host sector.

    Raises InputError where no industry belongs to it.
    """
    rows: Any = facts[facts["sector"] == host]
    if rows.empty:
        problem = Problem(f"no industry belongs to {host!r}", "It hides the rare earths: name one in column sector")
        raise InputError(problem, "the file of industries cannot be used")
    return sectors[str(rows.loc[rows["ree_weight"].idxmax(), "industry"])]


def application_industry(
    application_sector: pd.DataFrame, facts: pd.DataFrame, sectors: Mapping[str, str]
) -> pd.DataFrame:
    """``application_sector.csv`` of the facts carried to industries (weight times the industry's share) and sectors.

    Raises InputError for a sector that no industry belongs to: its rare earths would be lost.
    """
    merged: Any = application_sector.merge(facts[["industry", "sector", "ree_weight"]], on="sector", how="left")
    lost = merged.loc[merged["industry"].isna()]
    fact_sectors = list(dict.fromkeys(facts["sector"]))
    problems = []
    for sector in dict.fromkeys(lost["sector"]):
        share = ", ".join(
            f"{w:.0%} of {a}" for a, w in lost.loc[lost["sector"] == sector, ["application", "weight"]].to_numpy()
        )
        message = f"no industry for the sector: the concordance would lose {share}"
        problems.append(Problem(message, closest(sector, fact_sectors), file="application_sector.csv", value=sector))
    if problems:
        raise InputError(problems, "the concordance loses rare earths")
    merged["weight"] = merged["weight"] * merged["ree_weight"]
    merged["target"] = merged["industry"].map(dict(sectors))
    total = merged[merged["weight"] > 0].groupby(["application", "target"], sort=False)["weight"].sum().reset_index()
    source = "imputed: weights of the bundled application_sector.csv, carried to the industries of the table"
    return pd.DataFrame(
        {
            "application": total["application"],
            "sector": total["target"],
            "weight": total["weight"].round(12),
            "source": source,
            "verified": False,
        }
    )


def trade_elasticities(
    elements: Sequence[str],
    facts: pd.DataFrame,
    sectors: Mapping[str, str],
    given: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """``trade_elasticities.csv`` of sectors and elements; what is merged takes simple means.

    ``given``: elasticities by sector that come with the table itself; they replace the values, not the sd.
    """
    paper = pd.read_csv(ELASTICITIES).set_index("sector")
    named = facts.set_index("industry")["caliendo_parro"]
    rows = []
    for sector in dict.fromkeys(sectors.values()):
        members = [str(named[i]).split(";") for i, to in sectors.items() if to == sector]
        means = [[float(paper.loc[parts, c].mean()) for c in ("trade_elasticity", "sd")] for parts in members]
        value, sd = (float(np.mean([m[k] for m in means])) for k in (0, 1))
        parts = list(dict.fromkeys(p for member in members for p in member))
        if given is not None:
            value, source = given[sector], "read: elasticity that comes with the table; sd as in the paper's Table 1"
        elif parts == ["services"]:
            source = "imputed: the 8.22 that Caliendo and Parro (2015) give to services; sd 2 assumed"
        elif len(parts) == 1:
            source = (
                f"recalled: {_PAPER}, {parts[0]} (estimate read in the replication archive, standard error recalled)"
            )
        else:
            source = f"imputed: simple means of {', '.join(parts)}, {_PAPER}"
        rows.append((sector, round(value, 6), round(sd, 6), source, False))
    value, sd = ELEMENT_ELASTICITY
    rows += [(e, value, sd, "imputed: a homogeneous good, 10 with sd 2 assumed", False) for e in elements]
    return pd.DataFrame(rows, columns=["sector", "trade_elasticity", "sd", "source", "verified"])
