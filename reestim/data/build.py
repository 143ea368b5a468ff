"""Build a dataset from a real world table: the world economy from the table, the rare earths from the bundled facts."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from reestim.data.bundle import BUNDLED, write_csv
from reestim.data.dataset import Dataset, load_dataset
from reestim.data.importers import wiod, wiod_concordance
from reestim.data.importers.wiod import WorldTable
from reestim.data.importers.wiod_facts import COPIED, PANEL, REST, element_output, facts_problems, policy, stated
from reestim.data.importers.wiod_meta import HOST, POLICY_YEAR, notes, write_meta
from reestim.data.importers.wiod_tables import export_rows, input_rows, trade_rows, value_added_rows
from reestim.data.simulate import Truth, simulate_evidence, true_sigma
from reestim.errors import InputError, Problem


def build_from_wiod(
    tables: Path,
    year: int,
    out: Path,
    mapping: Path | str | None = None,
    seed: int = 2010,
    facts: Path = BUNDLED,
) -> Path:
    """Write a dataset folder whose world economy and exports are those of the World Input-Output Database.

    Trade, input use, value added and the panel of exports come from the tables; prices, uses, output and properties of
    the rare earths from ``facts``; patents and their audit are simulated on this economy and listed in ``synthetic``.

    Parameters
    ----------
    tables : folder with ``wiod2013_<year>.npz`` (layout: ``reestim.data.importers.wiod``).
    year : base year of the economy.
    out : folder to write; it must not exist yet.
    mapping : CSV file with columns wiod, region; None for the shipped 12 regions; ``"full"`` for all 41.
    seed : of the simulated patents and audit.
    facts : folder of a dataset in the layout of the bundled one.

    Returns
    -------
    ``out``, checked by ``load_dataset``. What cleaning moved is in the notes of its ``dataset.toml``.

    Raises
    ------
    InputError
        Listing all problems; nothing is written then.
    """
    tables, out, facts = Path(tables), Path(out), Path(facts)
    problems = wiod.table_problems(tables, year, POLICY_YEAR) + facts_problems(facts, year) + _out_problems(out)
    regions: dict[str, str] = {}
    try:
        regions = wiod_concordance.region_mapping(mapping, _countries(tables, year))
    except InputError as error:
        problems += error.problems
    if problems:
        raise InputError(problems, "the dataset cannot be built")
    world, panel = _world_and_panel(tables, year, regions)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as temporary:
            folder = Path(temporary) / out.name
            folder.mkdir()
            said = _write_tables(folder, facts, world, panel, regions)
            _write_evidence(folder, facts, world, said, seed)
            load_dataset(folder)
            folder.rename(out)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        problem = Problem(f"the dataset cannot be written ({reason})", "Choose another --out", value=str(out))
        raise InputError(problem) from error
    return out


def _countries(tables: Path, year: int) -> Sequence[str]:
    """Countries of the base year's table; those of the shipped mapping where it cannot be read."""
    try:
        return wiod.read_table(tables, year).regions
    except InputError:
        return tuple(pd.read_csv(wiod_concordance.REGIONS)["wiod"])


def _out_problems(out: Path) -> list[Problem]:
    if out.exists() or out.is_symlink():
        message, advice = "the folder to write exists already", "Name a new one, or remove it yourself first"
        return [Problem(message, advice, value=str(out))]
    return []


def _world_and_panel(tables: Path, year: int, regions: Mapping[str, str]) -> tuple[WorldTable, pd.DataFrame]:
    """The economy of the base year and exports by region, industry and year, all read before anything is written."""
    problems: list[Problem] = []
    years: dict[int, WorldTable] = {}
    for t in wiod.available_years(tables):
        try:
            years[t] = wiod.read_table(tables, t)
        except InputError as error:
            problems += error.problems
    if not problems:
        problems += wiod.same_labels([years[year], *(years[t] for t in years if t != year)])
        known = set(wiod_concordance.industries()["industry"])
        unknown = [i for i in years[year].industries if i not in known]
        advice = "The tables must have the industries c1 to c35 of the 2013 release"
        problems += [Problem("unknown industry", advice, file=f"wiod2013_{year}.npz", value=i) for i in unknown]
        advice = "The tables must hold it: the facts on rare earths name it"
        needed = {"industries": (HOST, years[year].industries), "countries": (REST, years[year].regions)}
        problems += [Problem(f"not among the {k}", advice, value=v) for k, (v, have) in needed.items() if v not in have]
    if problems:
        raise InputError(problems, "the tables cannot be used")
    panel = pd.concat([export_rows(wiod.aggregate(table, regions)) for table in years.values()], ignore_index=True)
    return wiod.without_negative_value_added(wiod.aggregate(years[year], regions)), panel


def _write_tables(
    folder: Path, facts: Path, world: WorldTable, panel: pd.DataFrame, regions: Mapping[str, str]
) -> list[str]:
    """All files but the simulated ones; returns the notes of ``dataset.toml``."""
    for stem in COPIED:
        shutil.copyfile(facts / f"{stem}.csv", folder / f"{stem}.csv")
    shutil.copytree(facts / "sources", folder / "sources", ignore=shutil.ignore_patterns("world2008_*"))
    shutil.copyfile(wiod_concordance.INDUSTRIES, folder / "sources" / "industries.csv")
    pd.DataFrame(regions.items(), columns=["wiod", "region"]).to_csv(
        folder / "sources" / "regions.csv", index=False, lineterminator="\n"
    )
    elements = list(pd.read_csv(facts / "elements.csv")["element"])
    concordance = wiod_concordance.application_industry(pd.read_csv(facts / "application_sector.csv"))
    tables = {
        "application_sector": concordance,
        "policy": policy(facts, world.year),
        "element_output": element_output(folder / "sources", regions),
        "trade_elasticities": wiod_concordance.trade_elasticities(elements, world.industries),
        "trade": trade_rows(world),
        "input_output": input_rows(world),
        "value_added": value_added_rows(world),
        "outcomes": panel,
    }
    use = pd.read_csv(facts / f"{PANEL}.csv")
    kept = use.loc[use["country"].isin(list(world.regions))].reset_index(drop=True)
    if len(kept):
        tables[PANEL] = kept
    for stem, table in tables.items():
        write_csv(table, folder / f"{stem}.csv")
    said = notes(world, panel, regions)
    gone = sorted(set(use["country"]) - set(kept["country"]))
    if gone:
        said.append(f"{PANEL}.csv is without {', '.join(gone)}: the mapping keeps no region of that name.")
    return said


def _write_evidence(folder: Path, facts: Path, world: WorldTable, said: list[str], seed: int) -> None:
    """Simulate patents and their audit on the economy of the folder, and state the truth in ``dataset.toml``."""
    from reestim.supply_chain.prices import relative_prices
    from reestim.supply_chain.ree_rows import ree_input_output
    from reestim.supply_chain.substitutability import substitutability

    write_meta(folder, facts, world, said, {}, {})
    data: Dataset = load_dataset(folder)
    io = ree_input_output(data)
    price, z = relative_prices(data, io), substitutability(data, io)
    truth = _truth(facts)
    sigma = true_sigma(z, truth, np.random.default_rng(seed))
    truth = replace(truth, sigma={str(s): round(float(sigma.sel(sector=s)), 3) for s in sigma["sector"].values})
    evidence = simulate_evidence(io, price, z, truth, seed, outcomes=False)
    for stem, table in evidence.items():
        write_csv(table, folder / f"{stem}.csv")
    simulated = (
        f"Patents and their audit are simulated by reestim.data.simulate with the parameters in [truth], seed {seed}."
    )
    write_meta(folder, facts, world, [simulated, *said], evidence, truth.to_dict())


def _truth(facts: Path) -> Truth:
    """Parameters of the simulation: those stated by the facts' dataset, without its elasticities by sector."""
    truth = stated(facts).get("truth", {})
    return replace(Truth.from_dict(truth), sigma=None) if truth else Truth(beta=(-0.25, -0.15, -0.1))
