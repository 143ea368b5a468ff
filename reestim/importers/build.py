"""Build a dataset from a real world table: the world economy from the table, the rare earths from the bundled facts."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from reestim.data.dataset import Dataset, load_dataset
from reestim.errors import InputError, Problem, Problems
from reestim.evidence.simulate import simulate_evidence, true_sigma
from reestim.evidence.truth import Truth
from reestim.importers import concordance
from reestim.importers.bundle import TRUTH, copy_tables, simulated_source, write_csv
from reestim.importers.dataset_toml import write_meta
from reestim.importers.factor_shares import labor_shares
from reestim.importers.mapping import region_mapping, sector_mapping
from reestim.importers.meta import POLICY_YEAR, Built, meta_keys, notes
from reestim.importers.rates import exchange_rates
from reestim.importers.ree_facts import (
    COPIED,
    COUNTRY_USE,
    PANEL,
    country_use,
    element_output,
    facts_problems,
    meta_of,
    policy,
    published_effects,
)
from reestim.importers.rows import LABOR_SHARE, export_rows, input_rows, tariff_rows, trade_rows, value_added_rows
from reestim.importers.world import WorldTable, aggregate, magnitude_problems, without_negative_value_added
from reestim.importers.world_tables import WORLD_SOURCES, WorldSource, same_labels, source_named, table_problems
from reestim.io.resources import FACTS


def build_from_tables(
    tables: Path,
    year: int,
    out: Path,
    mapping: Path | str | None = None,
    seed: int = 2010,
    facts: Path = FACTS,
    *,
    source: str = "wiod",
    sectors: Path | None = None,
    industries: Path | None = None,
    exchange_rate: str | None = None,
    facts_year: int | None = None,
    confirm_units: bool = False,
    simulated: bool = True,
    accounts: Path | None = None,
) -> Path:
    """Write a dataset folder whose world economy and exports are those of a world input-output table.

    Trade, input use, value added and the panel of exports come from the tables; prices, uses, output and properties of
    the rare earths from ``facts``, published effects too; patents and their audit are simulated on this economy and
    listed in ``synthetic``, or left out.

    Parameters
    ----------
    tables : folder with the source's files, one a year (or one file: then there is no panel of exports).
    year : base year of the economy.
    out : folder to write; it must not exist yet.
    mapping : CSV file with columns country, region; None for the shipped 12 regions; ``"full"`` for all countries.
    seed : of the simulated patents and audit.
    facts : folder of a dataset in the layout of the bundled one.
    source : a name of ``reestim.importers.world_tables.WORLD_SOURCES``.
    sectors : CSV file with columns industry, sector; None for the industries as they are.
    industries : CSV file of facts on the industries, for a classification that is not shipped (``concordance``).
    exchange_rate : US$ for one unit of the tables: a number, or a CSV file with columns year, usd_per_unit.
    facts_year : year of the rare-earth facts, where it is not that of the table; it becomes the base year.
    confirm_units : the table is in million US$ although its size is not plausible.
    simulated : False leaves patents and their audit out: a dataset in which nothing is simulated.
    accounts : the socio-economic accounts that are published with the table, for labour's share of value added; where
        there are none, and the table itself does not say what labour earns, it is two thirds.

    Returns
    -------
    ``out``, checked by ``load_dataset``. What cleaning moved is in the notes of its ``dataset.toml``.

    Raises
    ------
    InputError
        Listing all problems; nothing is written then.
    """
    chosen, tables, out, facts = source_named(source), Path(tables), Path(out), Path(facts)
    base_year = facts_year or year
    problems = Problems(table_problems(chosen, tables, year, POLICY_YEAR))
    problems += facts_problems(facts, base_year) + out_problems(out)
    files = chosen.files(tables) if tables.exists() else {}
    rates, rate_problems = exchange_rates(exchange_rate, sorted(files), chosen.currency)
    problems += rate_problems
    world = problems.attempt(lambda: _first(chosen, files, year, rates))
    own = files.get(year) if world is not None else None
    labor, lacking = problems.attempt(lambda: _accounts(chosen, accounts, year, own)) or (None, [])
    maps: dict[str, dict[str, str]] = {"regions": {}, "sectors": {}}
    table = pd.DataFrame()
    if world is not None:
        countries, labels = world.regions, world.industries
        with problems.collect():
            table = concordance.industry_facts(labels, industries)
        for name, read in (
            ("regions", lambda: region_mapping(mapping, countries)),
            ("sectors", lambda: sector_mapping(sectors, labels)),
        ):
            with problems.collect():
                maps[name] = read()
        problems += [] if confirm_units else magnitude_problems(world, files.get(world.year, tables).name)
    if problems or world is None:
        raise InputError(problems, "the dataset cannot be built")
    rest = _rest(chosen, maps["regions"])
    host = concordance.host_sector(table, maps["sectors"], meta_of(facts).host_sector)
    panel = _panel(chosen, files, rates, world, maps["regions"], maps["sectors"])
    shares = None if labor is None else labor_shares(labor, _value_added(world), maps["regions"], maps["sectors"])
    world = without_negative_value_added(aggregate(world, maps["regions"], maps["sectors"]))
    built = Built(
        chosen, world, panel, maps["regions"], maps["sectors"], table, host, facts, base_year, rest, shares, lacking
    )
    _write(out, built, seed if simulated else None)
    return out


def _first(source: WorldSource, files: Mapping[int, Path], year: int, rates: Mapping[int, float]) -> WorldTable | None:
    """The table of the base year, or of another year so that the mappings are checked all the same."""
    if not files:
        return None
    at = year if year in files else min(files)
    return source.table(files[at], at, rates.get(at, 1.0))


def _accounts(
    source: WorldSource, path: Path | None, year: int, table: Path | None
) -> tuple[pd.DataFrame | None, list[str]]:
    """The accounts that go with a source, or that its own file has, or InputError where it has none that are read."""
    if path is None:
        return (None, []) if source.factors is None or table is None else source.factors(table, year)
    if source.accounts is None:
        with_accounts = ", ".join(name for name, entry in WORLD_SOURCES.items() if entry.accounts is not None)
        advice = f"Leave it out; accounts are read with {with_accounts}"
        raise InputError(Problem(f"no accounts are read with {source.name}", advice, column="--accounts"))
    return source.accounts(path, year)


def _value_added(world: WorldTable) -> dict[tuple[str, ...], float]:
    """By country and industry, million US$."""
    names = product(world.regions, world.industries)
    return {key: float(value) for key, value in zip(names, world.value_added.ravel(), strict=True)}


def _rest(source: WorldSource, regions: Mapping[str, str]) -> str:
    """Region of the producers of rare earths that the table does not name.

    Raises InputError where the table has no rest of the world.
    """
    for label in source.rest:
        if label in regions:
            return regions[label]
    if "ROW" in regions.values():
        return "ROW"
    advice = "Map some countries to a region ROW: producers of rare earths that the table does not name belong there"
    raise InputError(Problem("there is no rest of the world", advice), "the dataset cannot be built")


def out_problems(out: Path) -> list[Problem]:
    """Why a new dataset cannot be written there."""
    if out.exists() or out.is_symlink():
        message, advice = "the folder to write exists already", "Name a new one, or remove it yourself first"
        return [Problem(message, advice, value=str(out))]
    return []


def _panel(
    source: WorldSource,
    files: Mapping[int, Path],
    rates: Mapping[int, float],
    world: WorldTable,
    regions: Mapping[str, str],
    sectors: Mapping[str, str],
) -> pd.DataFrame | None:
    """Exports by region, sector and year of all tables; None where there is one table only."""
    if len(files) == 1:
        return None
    problems, parts = Problems(), []
    for year, path in sorted(files.items()):
        table = world if year == world.year else problems.attempt(lambda p=path, y=year: source.table(p, y, rates[y]))
        if table is None:
            continue
        if differ := same_labels([world, table], lambda t: files[t].name):
            problems += differ
        elif not problems:
            parts.append(export_rows(aggregate(table, regions, sectors)))
    if problems:
        raise InputError(problems, "the tables cannot be used")
    return pd.concat(parts, ignore_index=True)


def _write(out: Path, built: Built, seed: int | None) -> None:
    """Write the folder under another name, check it, and rename it."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as temporary:
            folder = Path(temporary) / out.name
            folder.mkdir()
            remarks = _write_tables(folder, built)
            if seed is None:
                write_meta(folder, meta_keys(built, remarks, ()))
            else:
                _write_evidence(folder, built, remarks, seed)
            load_dataset(folder)
            folder.rename(out)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        problem = Problem(f"the dataset cannot be written ({reason})", "Choose another --out", value=str(out))
        raise InputError(problem) from error


def _write_tables(folder: Path, built: Built) -> list[str]:
    """All files but the simulated ones; returns the notes of ``dataset.toml``."""
    facts, world = built.facts, built.world
    copy_tables(facts, folder, COPIED)
    shutil.copytree(facts / "sources", folder / "sources", ignore=shutil.ignore_patterns("world2008_*"))
    write_csv(built.industries, folder / "sources" / "industries.csv")
    for name, target, labels in (("regions", "country", built.regions), ("sectors", "industry", built.sectors)):
        columns = [target, name.removesuffix("s")]
        write_csv(pd.DataFrame(labels.items(), columns=columns), folder / "sources" / f"{name}.csv")
    elements = list(pd.read_csv(facts / "elements.csv")["element"])
    used = pd.read_csv(facts / "application_sector.csv")
    tables = {
        "application_sector": concordance.application_industry(used, built.industries, built.sectors),
        "policy": pd.concat([policy(facts, built.base_year), tariff_rows(world)], ignore_index=True),
        "element_output": element_output(folder / "sources", built.regions, built.rest),
        "trade_elasticities": concordance.trade_elasticities(
            elements, built.industries, built.sectors, world.elasticities
        ),
        "trade": trade_rows(world),
        "input_output": input_rows(world),
        "value_added": value_added_rows(world, LABOR_SHARE if built.labor is None else built.labor.share),
    }
    if built.panel is not None:
        tables["outcomes"] = built.panel
    use = pd.read_csv(facts / f"{PANEL}.csv")
    panel = use.loc[use["country"].isin(list(world.regions))].reset_index(drop=True)
    if len(panel):
        tables[PANEL] = panel
    placed, left_out = country_use(facts, built.regions)
    if len(placed):
        tables[COUNTRY_USE] = placed
    effects = published_effects(facts, world.regions)
    if len(effects):
        tables["event_study"] = effects
    for stem, table in tables.items():
        write_csv(table, folder / f"{stem}.csv")
    remarks = notes(built) + left_out
    gone = sorted(set(use["country"]) - set(panel["country"]))
    if gone:
        remarks.append(f"{PANEL}.csv is without {', '.join(gone)}: the mapping keeps no region of that name.")
    return remarks


def _write_evidence(folder: Path, built: Built, said: list[str], seed: int) -> None:
    """Simulate patents and their audit on the economy of the folder, and state the truth in ``dataset.toml``."""
    from reestim.supply_chain.prices import relative_prices
    from reestim.supply_chain.ree_rows import ree_input_output
    from reestim.supply_chain.substitutability import substitutability

    write_meta(folder, meta_keys(built, said, ()))
    data: Dataset = load_dataset(folder)
    io = ree_input_output(data)
    price, z = relative_prices(data, io), substitutability(data, io)
    truth = _truth(built.facts)
    sigma = true_sigma(z, truth, np.random.default_rng(seed))
    truth = replace(truth, sigma={str(s): round(float(sigma.sel(sector=s)), 3) for s in sigma["sector"].values})
    evidence = simulate_evidence(io, price, z, truth, seed, outcomes=False)
    for stem, table in evidence.items():
        write_csv(table.assign(source=simulated_source(seed), verified=False), folder / f"{stem}.csv")
    simulated = (
        "Patents and their audit are simulated by reestim.evidence.simulate with the parameters in [truth], "
        f"seed {seed}."
    )
    write_meta(folder, meta_keys(built, [simulated, *said], evidence), truth=truth.to_dict())


def _truth(facts: Path) -> Truth:
    """Parameters of the simulation: those stated by the facts' dataset, without its elasticities by sector."""
    truth = meta_of(facts).truth
    parameters = replace(Truth.from_dict(truth), sigma=None) if truth else TRUTH
    # simulated-2010 spreads its patents as all patents are; a table of one's own has no totals, so they grow evenly
    return (
        parameters if parameters.patent_growth is not None else replace(parameters, patent_growth=Truth.patent_growth)
    )
