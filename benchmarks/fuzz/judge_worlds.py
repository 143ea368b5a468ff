"""What reads world tables, the files that add them up, and kept calibrations, and what must hold of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.fuzz.bases import CALIBRATION, WORLDS
from benchmarks.fuzz.judge import need
from benchmarks.fuzz.mutate import Rng

YEAR = 2008
COUNTRIES, INDUSTRIES = ("CHN", "JPN", "USA"), tuple(f"c{k}" for k in range(1, 36))


def table(source: str, folder: Path, rng: Rng) -> None:
    """``reestim data build`` reads the table of a year: sales and uses that add up, or a refusal."""
    from reestim.errors import InputError
    from reestim.importers.world import magnitude_problems
    from reestim.importers.world_tables import WORLD_SOURCES, table_problems

    tables = (folder / WORLDS[source]).parent
    if problems := table_problems(WORLD_SOURCES[source], tables, YEAR, 2010):
        raise InputError(problems)
    file = WORLD_SOURCES[source].files(tables)[YEAR]
    found = WORLD_SOURCES[source].table(file, YEAR)
    if problems := magnitude_problems(found, file.name):
        raise InputError(problems)
    for name in ("intermediate", "final"):
        cells = getattr(found, name)
        need(np.isfinite(cells).all() and (cells >= 0).all(), f"{name} is negative or not finite")
    need(len(set(found.regions)) == len(found.regions) and all(found.regions), "a region without a name of its own")
    need(len(set(found.industries)) == len(found.industries), "an industry twice")


def _regions(path: Path) -> None:
    from reestim.importers.mapping import region_mapping

    found = region_mapping(path, COUNTRIES)
    need(set(found) == set(COUNTRIES) and all(found.values()) and found["CHN"] == "CHN", "a country is lost")


def _sectors(path: Path) -> None:
    from reestim.importers.mapping import sector_mapping

    found = sector_mapping(path, INDUSTRIES)
    need(set(found) == set(INDUSTRIES) and all(found.values()), "an industry is lost")


def _industries(path: Path) -> None:
    from reestim.importers.concordance import industry_facts

    facts: Any = industry_facts(INDUSTRIES, path)
    need(list(facts["industry"]) == list(INDUSTRIES), "an industry is lost")
    need(facts["ree_weight"].between(0, 1).all(), "a weight that is no share")


def _weights(of: str, path: Path) -> None:
    from reestim.importers.hs import hs_industries
    from reestim.importers.klems_sectors import nace_industries

    found: Any = nace_industries(path) if of == "nace" else hs_industries(path)
    total = found.groupby(of)["weight"].sum()
    need(len(found) and (abs(total - 1) < 1e-4).all() and found["weight"].between(0, 1).all(), "mass is lost")


def _rates(path: Path) -> None:
    from reestim.errors import InputError
    from reestim.importers.rates import exchange_rates

    found, problems = exchange_rates(str(path), (2007, YEAR, 2009), "euro")
    if problems:
        raise InputError(problems)
    need({2007, YEAR, 2009} <= set(found) and all(0 < rate < np.inf for rate in found.values()), "a rate is lost")


MAPPINGS: Mapping[str, Callable[[Path], None]] = {
    "regions.csv": _regions,
    "sectors.csv": _sectors,
    "rates.csv": _rates,
    "industries_wiod.csv": _industries,
    "nace_industries.csv": lambda path: _weights("nace", path),
    "hs_industries.csv": lambda path: _weights("hs", path),
}


def mapping(name: str, folder: Path, rng: Rng) -> None:
    """A file that says which region a country belongs to, which sector an industry, what a currency is worth."""
    MAPPINGS[name](folder / "mappings" / name)


def calibration(folder: Path, rng: Rng) -> None:
    """A calibration of somebody else is gone on with: its design, its fits, their table."""
    from reestim.calibration.fit_store import begin, load_fit
    from reestim.calibration.summary import failed_gates, fractional_ranks, join_fits, rank_table, ranks_of

    begin(folder, CALIBRATION)
    fits = [tree for k in range(3) if (tree := load_fit(folder, f"simulation-{k:04d}")) is not None]
    failed_gates(fits)
    draws, truth = join_fits(fits)
    found = rank_table(fractional_ranks(ranks_of(draws, truth), 19, 0), draws, truth)
    need(found.select_dtypes("number").stack().between(0, 100).all(), "a table of a calibration that is none")
