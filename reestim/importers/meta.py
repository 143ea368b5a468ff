"""``dataset.toml`` of a dataset built from a world table: what it is and what was done to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from reestim.importers.factor_shares import LaborShares
from reestim.importers.ree_facts import COPIED, meta_of
from reestim.importers.world import WorldTable
from reestim.importers.world_tables import WorldSource

POLICY_YEAR = 2010

#: Files with cells that a rule of the importer makes.
IMPUTED_STEMS = ("application_sector", "element_output", "trade_elasticities", "value_added")


@dataclass(frozen=True)
class Built:
    """What a dataset is built from: the source, its clean and aggregated table, exports by year, mappings and facts,
    and labour's shares from the accounts that go with it, with what those lack."""

    source: WorldSource
    world: WorldTable
    panel: pd.DataFrame | None
    regions: Mapping[str, str]
    sectors: Mapping[str, str]
    industries: pd.DataFrame
    host: str
    facts: Path
    base_year: int
    rest: str
    labor: LaborShares | None = None
    lacking: Sequence[str] = ()


def notes(built: Built) -> list[str]:
    world, panel = built.world, built.panel
    output = float(world.output.sum())
    moved = "; ".join(f"{rule} {value:,.0f} ({value / output:.3%} of output)" for rule, value in world.moved.items())
    names = ", ".join(f"{i} {name}" for i, name in built.industries[["industry", "name"]].to_numpy())
    years = "" if panel is None else f"{panel['year'].min()}-{panel['year'].max()}"
    sentences = [
        f"World economy: {built.source.citation}.",
        f"Cleaning of {world.year}, million US$ set to zero or moved to final demand: {moved}. Value added is output "
        f"less inputs, with net taxes on products and transport margins; {_labor_words(built)}.",
        f"outcomes.csv is real: exports to other regions {years}, million US$."
        if years
        else "There is no outcomes.csv: one table gives no panel of exports.",
        f"Industries: {names}.",
        f"Regions: {_merged(built.regions) or 'every country of the tables is one'}.",
        "element_use.csv holds the uses of 2008, whatever the base year; mine output is split into elements by the "
        "composition of world use (imputed).",
    ]
    if merged := _merged(built.sectors):
        sentences.append(f"Sectors: {merged}.")
    if built.base_year != world.year:
        sentences.append(
            f"The world economy is that of {world.year}, prices, uses and output of rare earths are those of "
            f"{built.base_year}: base_year is the year of the rare earths."
        )
    return sentences


def _labor_words(built: Built) -> str:
    share, words = "labour gets two thirds of it (imputed)", list(built.lacking)
    if built.labor is not None:
        share, words = "labour's share of it is that of its accounts", [*words, *built.labor.words()]
    return "; ".join([share, *(text.rstrip(".") for text in words)])


def _merged(mapping: Mapping[str, str]) -> str:
    members: dict[str, list[str]] = {}
    for label, target in mapping.items():
        members.setdefault(target, []).append(label)
    return "; ".join(f"{target} = {' '.join(labels)}" for target, labels in members.items() if labels != [target])


def meta_keys(built: Built, notes: Sequence[str], synthetic: Iterable[str]) -> dict[str, object]:
    """Keys of ``dataset.toml`` but its tables; ``synthetic``: stems of the simulated files."""
    world, simulated = built.world, sorted(f"{stem}.csv" for stem in synthetic)
    taken_over = set(meta_of(built.facts).imputed) & {f"{stem}.csv" for stem in (*COPIED, "policy")}
    return {
        "name": f"{built.source.name}-{world.year}-{len(world.regions)}",
        "description": (
            f"The world economy of {world.year} in {len(world.regions)} regions and {len(world.industries)} industries "
            f"({built.source.citation}), with the published prices, uses and output of rare earths."
            + (" Patents and their audit are simulated." if simulated else "")
        ),
        "base_year": built.base_year,
        "policy_year": POLICY_YEAR,
        "licence": "Tables: as their source states; facts: see the column source of each file",
        "host_sector": built.host,
        "synthetic": simulated,
        "imputed": sorted({*taken_over, *(f"{stem}.csv" for stem in IMPUTED_STEMS)}),
        "notes": list(notes),
    }
