"""The facts on rare earths of a dataset, carried to the regions and industries of a real world table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from reestim.data.country_groups import country_group
from reestim.data.dataset import check_dataset
from reestim.data.meta import DatasetMeta, read_meta
from reestim.errors import InputError, Problem
from reestim.importers import facts as fact_rules
from reestim.importers.bundle import write_csv
from reestim.importers.mapping import RENAMED
from reestim.importers.regions import REGIONS_OF_BUNDLED

#: Facts that are taken over as they are.
COPIED = ("elements", "element_prices", "element_use", "element_exports")
#: Facts by country: rows of countries that the mapping keeps no region for are left out, and the notes say so.
PANEL = "ree_use_panel"
#: Where the producers of ``sources/mine_output.csv`` are; all others are in the rest of the world of a table.
PRODUCERS = {
    "China": "CHN",
    "United States": "USA",
    "USA": "USA",
    "Australia": "AUS",
    "India": "IND",
    "Russia": "RUS",
    "Brazil": "BRA",
}
#: Facts on where applications happen: carried to the regions of the mapping, as far as these keep its groups apart.
COUNTRY_USE = "country_use"


def meta_of(facts: Path) -> DatasetMeta:
    """``dataset.toml`` of facts in which `facts_problems` found nothing wrong.

    Raises InputError with what is wrong with it, where they were not checked.
    """
    read = read_meta(facts)
    if read.meta is None or read.problems:
        raise InputError(read.problems, f"the facts in {facts} cannot be used")
    return read.meta


def facts_problems(facts: Path, year: int) -> list[Problem]:
    """Files that are not there, what is wrong with the facts, and base years that they do not reach."""
    needed = ["dataset.toml", *(f"{stem}.csv" for stem in (*COPIED, PANEL, "policy", "application_sector"))]
    needed += ["sources/mine_output.csv", "sources/uses.csv", "sources/use_shares.csv"]
    advice = "Use the bundled dataset as facts, or a folder in its layout"
    missing = [name for name in needed if not (facts / name).is_file()]
    if missing:
        return [Problem("a file of facts is missing", advice, file=name) for name in missing]
    problems = check_dataset(facts)
    if not problems:
        for stem in ("element_prices", "element_output"):
            years = sorted(set(pd.read_csv(facts / f"{stem}.csv")["year"]))
            if year not in years:
                message = f"the facts on rare earths do not cover the base year {year}"
                advice = f"Choose a base year from {years[0]} to {years[-1]}"
                problems.append(Problem(message, advice, file=f"{stem}.csv", column="year"))
    return problems


def published_effects(facts: Path, regions: Sequence[str]) -> pd.DataFrame:
    """Event-study effects of the literature (``sources/published_effects.csv``) whose countries the regions have; they
    stand in for the outcomes that world tables do not hold."""
    file = facts / "sources" / "published_effects.csv"
    if not file.is_file():
        return pd.DataFrame()
    table = pd.read_csv(file)
    return table.loc[[_there(str(names), regions) for names in table["countries"]]].reset_index(drop=True)


def _there(names: str, regions: Sequence[str]) -> bool:
    try:
        return bool(country_group(names, regions))
    except ValueError:
        return False


def country_use(facts: Path, regions: Mapping[str, str]) -> tuple[pd.DataFrame, list[str]]:
    """``country_use.csv`` of the facts in the regions of a mapping (country -> region), and in words which applications
    are left out: a region that holds countries of two groups has no share of its own."""
    file = facts / f"{COUNTRY_USE}.csv"
    if not file.is_file():
        return pd.DataFrame(), []
    table = pd.read_csv(file)
    parts, mixed = [], []
    for application, rows in table.groupby("application", sort=False):
        groups = [_regions_of_group(str(text), regions) for text in rows["countries"]]
        members = [region for group in groups for region in group]
        if len(members) == len(set(members)) and all(groups):
            parts.append(rows.assign(countries=[" ".join(group) for group in groups]))
        else:
            mixed.append(str(application))
    words = (
        [f"{COUNTRY_USE}.csv is without {', '.join(mixed)}: the regions mix its groups of countries."] if mixed else []
    )
    return (pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()), words


def _regions_of_group(text: str, regions: Mapping[str, str]) -> list[str]:
    """Regions of a group of the facts' economies, in the order of the mapping; the rest of the world is where they are
    not named."""
    bundled = pd.read_csv(REGIONS_OF_BUNDLED).set_index("country")["region"].to_dict()
    economy = {country: bundled.get(RENAMED.get(country, country), bundled["*"]) for country in regions}
    named = country_group(text, sorted(set(bundled.values())))
    return list(dict.fromkeys(region for country, region in regions.items() if economy[country] in named))


def policy(facts: Path, year: int) -> pd.DataFrame:
    """China's export taxes on elements: those of the facts in their base year, else the gap between the two prices."""
    policy = pd.read_csv(facts / "policy.csv")
    if year == meta_of(facts).base_year:
        return policy
    prices = pd.read_csv(facts / "element_prices.csv")
    price = prices.loc[prices["year"] == year].pivot_table(index="element", columns="market", values="price")
    gap = price["export"] / price["domestic_CHN"] - 1.0
    policy = policy.loc[policy["sector"].isin(list(gap.index))].reset_index(drop=True)
    policy["export_tax"] = [round(float(gap[e]), 6) for e in policy["sector"]]
    policy["source"] = f"imputed: export price over the price inside China in {year}, less 1"
    policy["verified"] = False
    return policy


def element_output(sources: Path, regions: Mapping[str, str], rest: str) -> pd.DataFrame:
    """Producers placed in the regions of the mapping, or in the region ``rest``; the copy of their source in
    ``sources`` says so too."""
    path = sources / "mine_output.csv"
    mines = pd.read_csv(path)
    mines["country"] = [regions.get(PRODUCERS.get(str(name), ""), rest) for name in mines["producer"]]
    write_csv(mines, path)
    return fact_rules.element_output(sources)
