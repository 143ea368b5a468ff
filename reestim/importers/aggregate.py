"""A dataset added up to fewer regions or sectors (``reestim data aggregate``): the economy and the folder."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from reestim.data.dataset import Dataset, load_dataset
from reestim.data.label_record import FILE as RECORD_FILE
from reestim.data.schemas import ALL_OTHERS, ALL_SECTORS
from reestim.errors import InputError, Problem, Problems
from reestim.importers.aggregate_evidence import evidence_tables
from reestim.importers.aggregate_facts import fact_tables
from reestim.importers.aggregate_rows import Codes, with_provenance
from reestim.importers.balance import Flows
from reestim.importers.build import out_problems
from reestim.importers.bundle import copy_tables, write_csv, write_dataset
from reestim.importers.dataset_toml import write_meta
from reestim.importers.mapping import region_mapping, sector_mapping
from reestim.importers.rows import LABOR_SHARE
from reestim.importers.update import economy_rows, flows_of, labor_share_of

#: Files without a country or a sector, taken over as they are.
KEPT = ("elements", "element_prices", "element_use")
#: Names that mean something else in the files of a dataset.
_RESERVED = (ALL_OTHERS, ALL_SECTORS, "but")


class Aggregated(NamedTuple):
    """The new folder, and in words what was left out or changed on the way."""

    folder: Path
    notes: list[str]


def aggregate_dataset(
    dataset: str | Path, out: Path, regions: Path | None = None, sectors: Path | None = None
) -> Aggregated:
    """Write a dataset whose regions and sectors are those of another one, added up.

    Money, tonnes and counts add up. Between countries of one region no border is left: what was paid there in tariffs
    and export taxes on inputs becomes value added of the industries that paid it, on final goods it is no longer spent.
    Taxes between regions are weighted by the trade they are paid on, labour's share by value added, trade elasticities
    by trade between countries. What cannot be added up from the files is left out and named.

    Parameters
    ----------
    dataset : folder or name of the dataset.
    out : folder to write; it must not exist yet.
    regions : CSV file with columns country, region; a row ``*`` takes the rest. None: countries stay as they are.
    sectors : CSV file with columns industry, sector, likewise. Rare earths are not in it, and carriers stay alone.

    Returns
    -------
    Aggregated

    Raises
    ------
    InputError
        Listing all problems; nothing is written then.
    """
    data = load_dataset(dataset)
    problems = Problems(out_problems(out))
    if regions is None and sectors is None:
        problems.append(Problem("no mapping is given", "Give --mapping, --sectors or both"))
    by_country = problems.attempt(lambda: _regions(regions, data))
    by_sector = problems.attempt(lambda: _sectors(sectors, data))
    if problems or by_country is None or by_sector is None:
        raise InputError(problems, "the dataset cannot be aggregated")
    codes = Codes(by_country, by_sector)
    tables, notes = economy_tables(data, codes), []
    for made in (fact_tables, evidence_tables):
        more, remarks = made(data, codes)
        tables |= more
        notes += remarks

    def build(folder: Path) -> None:
        copy_tables(data.path, folder, KEPT)
        if "patent_labels" in tables and (data.path / RECORD_FILE).is_file():
            shutil.copyfile(data.path / RECORD_FILE, folder / RECORD_FILE)
        if (data.path / "sources").is_dir():
            shutil.copytree(data.path / "sources", folder / "sources")
        (folder / "sources").mkdir(exist_ok=True)
        for name, columns, labels in (
            ("regions", ["country", "region"], codes.regions),
            ("sectors", ["industry", "sector"], codes.sectors),
        ):
            write_csv(pd.DataFrame(labels.items(), columns=columns), folder / "sources" / f"{name}.csv")
        for stem, table in tables.items():
            write_csv(table, folder / f"{stem}.csv")
        _write_meta(folder, data, codes, tables, notes)

    write_dataset(out, build)
    return Aggregated(out, notes)


def aggregate_flows(flows: Flows, codes: Codes) -> Flows:
    """The goods economy of the regions and sectors. Between countries of one region no border is left: buyers pay what
    producers receive, and their inputs cost that much less."""
    countries, sectors = codes.members(codes.regions, flows.countries), codes.members(codes.sectors, flows.sectors)
    inside = (countries.T @ countries)[:, :, None]
    paid = flows.trade * flows.wedge
    freed = (inside * (paid - flows.trade)).sum(axis=1)
    spent = paid.sum(axis=1)
    remaining = 1 - np.divide(freed, spent, out=np.zeros_like(spent), where=spent > 0)
    inputs = np.einsum(
        "Nn,Kk,Ss,nks->NKS", countries, sectors, sectors, flows.inputs * remaining[:, :, None], optimize=True
    )
    received, abroad = (
        np.einsum("Nn,Ii,Ss,nis->NIS", countries, countries, sectors, cells, optimize=True)
        for cells in (flows.trade, np.where(inside, flows.trade, paid))
    )
    wedge = np.divide(abroad, received, out=np.ones_like(abroad), where=received > 0)
    return Flows(tuple(codes.new_regions), tuple(codes.new_sectors), received, inputs, wedge)


def economy_tables(data: Dataset, codes: Codes) -> dict[str, pd.DataFrame]:
    """``trade``, ``input_output`` and ``value_added`` of the regions and sectors; sums say what they rest on where the
    rows do."""
    flows, share = flows_of(data), labor_share_of(data)
    new = aggregate_flows(flows, codes)
    countries, sectors = codes.members(codes.regions, flows.countries), codes.members(codes.sectors, flows.sectors)
    earned, labor = (countries @ cells @ sectors.T for cells in (flows.value_added, flows.value_added * share))
    shares = np.divide(labor, earned, out=np.full_like(earned, LABOR_SHARE), where=earned > 0)
    rows = economy_rows(new, shares, "", unit=None)
    return {stem: with_provenance(stem, table, data[stem], codes) for stem, table in rows.items()}


def _regions(mapping: Path | None, data: Dataset) -> dict[str, str]:
    if mapping is None:
        return {country: country for country in data.countries}
    regions = region_mapping(mapping, data.countries)
    _refuse_names(regions, mapping, "region")
    return {country: regions[country] for country in data.countries}


def _sectors(mapping: Path | None, data: Dataset) -> dict[str, str]:
    if mapping is None:
        return {sector: sector for sector in data.goods}
    sectors = sector_mapping(mapping, data.goods)
    _refuse_names(sectors, mapping, "sector", data.elements)
    for carrier in data.carriers:
        if merged := [name for name, to in sectors.items() if to == sectors[carrier] and name != carrier]:
            advice = "Give it a sector of its own: users hold it in their bundle of rare earths"
            message = f"the carrier {carrier} is merged with {', '.join(merged)}"
            raise InputError(Problem(message, advice, file=mapping.name, column="sector", value=sectors[carrier]))
    return {sector: sectors[sector] for sector in data.goods}


def _refuse_names(found: Mapping[str, str], mapping: Path, column: str, taken: Sequence[str] = ()) -> None:
    """Names that would be read as something else."""
    problems = []
    for name in dict.fromkeys(found.values()):
        if name in _RESERVED or (column == "region" and ("," in name or len(name.split()) > 1)):
            advice = "Groups of countries are written with spaces, and * and all have a meaning: use a word of its own"
            problems.append(Problem(f"no name for a {column}", advice, file=mapping.name, column=column, value=name))
        elif name in taken:
            advice = "Elements become sectors of their own when they are split out"
            problems.append(Problem("the name of an element", advice, file=mapping.name, column=column, value=name))
    if problems:
        raise InputError(problems)


def _write_meta(
    folder: Path, data: Dataset, codes: Codes, tables: Mapping[str, pd.DataFrame], notes: Sequence[str]
) -> None:
    """``dataset.toml``: that of the dataset, with what was done."""
    meta, here = data.meta, {path.name for path in folder.glob("*.csv")}
    made = {
        f"{stem}.csv"
        for stem, table in tables.items()
        if "source" in table and table["source"].str.startswith("imputed: aggregated").any()
    }
    done = f"Added up from {meta.name} ({data.hash[:12]}): {codes.words()}."
    keys = meta.model_dump(exclude={"uncertainty", "truth"}) | {
        "name": f"{meta.name}-{len(codes.new_regions)}x{len(codes.new_sectors)}",
        "description": f"{meta.description.rstrip('.')}. Added up to {len(codes.new_regions)} regions and "
        f"{len(codes.new_sectors)} sectors.",
        "host_sector": codes.sectors[meta.host_sector],
        **{key: [name for name in getattr(meta, key) if name in here] for key in ("synthetic", "updated")},
        "units_confirmed": [name for name in meta.units_confirmed if name in here],
        "imputed": sorted({*meta.imputed, *made} & here),
        "notes": [*meta.notes, done, *notes],
    }
    uncertainty = meta.uncertainty.model_dump(exclude_unset=True) if meta.uncertainty else None
    write_meta(folder, keys, uncertainty=uncertainty, truth=meta.truth if codes.nothing_merged else None)
