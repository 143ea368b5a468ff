"""``dataset.toml`` of a dataset built from the World Input-Output Database: what it is and what was done to it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from reestim.data.importers.wiod import WorldTable
from reestim.data.importers.wiod_concordance import industries
from reestim.data.importers.wiod_facts import COPIED, stated

POLICY_YEAR = 2010
HOST = "c9"  # chemicals

#: Files with cells that a rule of the importer makes.
IMPUTED = ("application_sector", "element_output", "trade_elasticities", "value_added")

CITATION = (
    "World economy: World Input-Output Database, 2013 release (Timmer, Dietzenbacher, Los, Stehrer, de Vries 2015), "
    "million US$ at current basic prices."
)


def notes(world: WorldTable, panel: pd.DataFrame, regions: Mapping[str, str]) -> list[str]:
    output = float(world.output.sum())
    moved = "; ".join(f"{rule} {value:,.0f} ({value / output:.3%} of output)" for rule, value in world.moved.items())
    names = ", ".join(f"{i} {name}" for i, name in industries()[["industry", "name"]].to_numpy())
    members: dict[str, list[str]] = {}
    for country, region in regions.items():
        members.setdefault(region, []).append(country)
    merged = "; ".join(f"{region} = {' '.join(c)}" for region, c in members.items() if c != [region])
    return [
        CITATION,
        f"Cleaning of {world.year}, million US$ set to zero or moved to final demand: {moved}. Value added is output "
        "less inputs, with net taxes on products and transport margins; labour gets two thirds of it (imputed).",
        f"outcomes.csv is real: exports to other regions {panel['year'].min()}-{panel['year'].max()}, million US$.",
        f"Industries (NACE rev. 1): {names}.",
        f"Regions: {merged or 'every country of the tables is one'}.",
        "element_use.csv holds the uses of 2008, whatever the base year; mine output is split into elements by the "
        "composition of world use (imputed).",
    ]


def write_meta(
    folder: Path,
    facts: Path,
    world: WorldTable,
    notes: Sequence[str],
    synthetic: Mapping[str, object],
    truth: Mapping[str, object],
) -> None:
    taken_over = set(stated(facts).get("imputed", [])) & {f"{stem}.csv" for stem in (*COPIED, "policy")}
    keys: dict[str, object] = {
        "name": f"wiod-{world.year}-{len(world.regions)}",
        "description": (
            f"The world economy of {world.year} in {len(world.regions)} regions and {len(world.industries)} industries "
            "from the World Input-Output Database, with the published prices, uses and output of rare earths."
            + (" Patents and their audit are simulated." if synthetic else "")
        ),
        "base_year": world.year,
        "policy_year": POLICY_YEAR,
        "licence": "Tables: World Input-Output Database, free with citation; facts: see the column source of each file",
        "host_sector": HOST,
        "synthetic": sorted(f"{stem}.csv" for stem in synthetic),
        "imputed": sorted({*taken_over, *(f"{stem}.csv" for stem in IMPUTED)}),
        "notes": list(notes),
    }
    lines = [f"{key} = {_toml(value)}" for key, value in keys.items()]
    if truth:
        lines += [
            "",
            "[truth]  # parameters behind the synthetic files",
            *(f"{k} = {_toml(v)}" for k, v in truth.items()),
        ]
    (folder / "dataset.toml").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def _toml(value: object) -> str:
    """A value of TOML; strings, numbers and lists are written as in JSON."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list) and value and isinstance(value[0], str):
        return "[\n" + "".join(f"  {_toml(item)},\n" for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)
