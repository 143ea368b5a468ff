"""Concordances of the World Input-Output Database: countries to regions, industries to uses and trade elasticities."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from reestim.data.read import closest, decode, read_bytes, read_table
from reestim.errors import InputError, Problem

HERE = Path(__file__).resolve().parent
REGIONS = HERE / "wiod_regions.csv"
INDUSTRIES = HERE / "wiod_industries.csv"
ELASTICITIES = HERE / "caliendo_parro_2015.csv"

#: WIOD's own codes that are not ISO 3166 or not ours, where every country stays a region of its own.
RENAMED = {"RoW": "ROW", "ROM": "ROU"}
CHINA = "CHN"
ELEMENT_ELASTICITY = (10.0, 2.0)

_PAPER = "Caliendo and Parro (2015), Table 1, 99 % sample"


def region_mapping(mapping: Path | str | None, countries: Sequence[str]) -> dict[str, str]:
    """Country -> region for all ``countries``.

    mapping : None for the shipped 12 regions, ``"full"`` for no aggregation, or a CSV file with columns wiod, region.

    Raises InputError listing everything wrong with the file: unknown, repeated or forgotten countries, blank regions,
    fewer than two regions, China not a region of its own.
    """
    if mapping == "full":
        return {c: RENAMED.get(c, c) for c in countries}
    path = REGIONS if mapping is None else Path(mapping)
    table, problems = _read_mapping(path)
    if table is None:
        raise InputError(problems, "the mapping of regions cannot be used")
    seen: dict[str, str] = {}
    for row, wiod, region in table[["wiod", "region"]].itertuples():
        place = {"file": path.name, "row": int(row), "value": wiod}
        if wiod not in countries:
            problems.append(Problem("unknown country", closest(wiod, countries), column="wiod", **place))
        elif wiod in seen:
            problems.append(Problem("the country is mapped twice", "Keep one row", column="wiod", **place))
        elif region == "":
            problems.append(Problem("the region is empty", "Name a region, or ROW", column="region", **place))
        else:
            seen[wiod] = region
    listed = set(table["wiod"])
    for wiod in countries:
        if wiod not in listed:
            advice = "Add a row: a country that is left out would be lost from the world"
            problems.append(Problem("the country has no region", advice, file=path.name, column="wiod", value=wiod))
    china = {wiod for wiod, region in seen.items() if region == CHINA}
    if CHINA in countries and china != {CHINA} and not problems:
        advice = f"Map {CHINA} alone to {CHINA}: its prices and its policy are its own"
        value = ", ".join(sorted(china)) or None
        problems.append(Problem("China is not a region of its own", advice, file=path.name, value=value))
    if len(set(seen.values())) < 2 and not problems:
        problems.append(Problem("there are fewer than two regions", "Name at least two", file=path.name))
    if problems:
        raise InputError(problems, "the mapping of regions cannot be used")
    return seen


def _read_mapping(path: Path) -> tuple[pd.DataFrame | None, list[Problem]]:
    raw, problems = read_bytes(path, path.parent)
    if raw is None:
        return None, problems
    text, problems = decode(raw, path.name)
    if text is None:
        return None, problems
    table, problems = read_table(text, path.name)
    if table is None:
        return None, problems
    for name in ("wiod", "region"):
        if name not in table:
            problems.append(
                Problem("the column is missing", "The file needs wiod and region", file=path.name, column=name)
            )
    return (None, problems) if not {"wiod", "region"} <= set(table) else (table, problems)


def industries() -> pd.DataFrame:
    """WIOD's 35 industries: industry, name, sector (of the bundled dataset), ree_weight, caliendo_parro."""
    return pd.read_csv(INDUSTRIES)


def application_industry(application_sector: pd.DataFrame) -> pd.DataFrame:
    """``application_sector.csv`` of the bundled sectors carried to industries: weight times the share of the industry.

    Raises InputError for a sector that the concordance does not know.
    """
    merged = application_sector.merge(industries()[["industry", "sector", "ree_weight"]], on="sector", how="left")
    unknown = sorted(set(merged.loc[merged["industry"].isna(), "sector"]))
    if unknown:
        known = list(dict.fromkeys(industries()["sector"]))
        raise InputError(
            [
                Problem("no industry for the sector", closest(s, known), file="application_sector.csv", value=s)
                for s in unknown
            ]
        )
    merged["weight"] = merged["weight"] * merged["ree_weight"]
    merged = merged[merged["weight"] > 0]
    source = "imputed: weights of the bundled application_sector.csv, carried to NACE industries"
    return pd.DataFrame(
        {
            "application": merged["application"],
            "sector": merged["industry"],
            "weight": merged["weight"].round(12),
            "source": source,
            "verified": False,
        }
    )


def trade_elasticities(elements: Sequence[str], labels: Sequence[str]) -> pd.DataFrame:
    """``trade_elasticities.csv`` of industries ``labels`` and elements; merged sectors take simple means."""
    paper = pd.read_csv(ELASTICITIES).set_index("sector")
    sectors = industries().set_index("industry")["caliendo_parro"]
    rows = []
    for label in labels:
        parts = str(sectors[label]).split(";")
        value, sd = (float(paper.loc[parts, column].mean()) for column in ("trade_elasticity", "sd"))
        if parts == ["services"]:
            source = "imputed: the 8.22 that Caliendo and Parro (2015) give to services; sd 2 assumed"
        elif len(parts) == 1:
            source = (
                f"recalled: {_PAPER}, {parts[0]} (estimate read in the replication archive, standard error recalled)"
            )
        else:
            source = f"imputed: simple means of {', '.join(parts)}, {_PAPER}"
        rows.append((label, round(value, 6), round(sd, 6), source, False))
    value, sd = ELEMENT_ELASTICITY
    rows += [(e, value, sd, "imputed: a homogeneous good, 10 with sd 2 assumed", False) for e in elements]
    return pd.DataFrame(rows, columns=["sector", "trade_elasticity", "sd", "source", "verified"])
