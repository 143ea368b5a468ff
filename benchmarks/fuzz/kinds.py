"""Kinds of input: the sound files, how each is spoiled, and what reads them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.fuzz import judge, judge_worlds, mutate, mutate_arrays, mutate_documents, mutate_tables
from benchmarks.fuzz.bases import IMPORTS, WORLDS
from benchmarks.fuzz.mutate import Rng
from reestim.data.schemas import SCHEMAS
from reestim.io.resources import SIMULATED

Mutation = Callable[[Path, Rng], str]
#: Rows of years outside these are left out of the largest files of the copy: they only cost time.
YEARS = (2007, 2011)


@dataclass(frozen=True)
class Kind:
    """``file`` (in the folder ``base``) is spoiled by one of ``how``; ``read`` takes the case's folder and random
    numbers, returns where the file is sound, raises ReestimError where not, Insane where what was read is wrong."""

    name: str
    base: str
    file: str
    how: Sequence[Mutation]
    read: Callable[[Path, Rng], None]
    weight: int = 1


ANY = (mutate.in_bytes, mutate.in_bytes, mutate.in_place)
IN_TABLE = (*ANY, *(mutate_tables.in_table,) * 7)
IN_TOML = (*ANY, *(mutate_documents.in_toml,) * 7)
IN_JSON = (*ANY, *(mutate_documents.in_json,) * 7)
IN_ARRAYS = (*ANY, *(mutate_arrays.in_arrays,) * 5)
IN_ARCHIVE = (*ANY, *(mutate_arrays.in_archive,) * 3)
SCENARIOS = (
    "china-quota-2010",
    "importers-with-stocks",
    "tariff-on-chinese-goods",
    "heavy-elements-ban",
    "new-mine-abroad",
)


@functools.cache
def kinds() -> tuple[Kind, ...]:
    """All of them, each as often as its weight."""
    found = [
        Kind(f"{stem}.csv", "dataset", f"{stem}.csv", IN_TABLE, functools.partial(judge.dataset, stem=stem), 3)
        for stem in SCHEMAS
    ]
    found += [
        Kind(f"{path.stem}.csv", "bundled", path.name, IN_TABLE, functools.partial(judge.dataset, stem=path.stem))
        for path in sorted(SIMULATED.glob("*.csv"))
    ]
    found += [
        Kind("dataset.toml", "dataset", "dataset.toml", IN_TOML, judge.dataset, 3),
        Kind("patent_labels.json", "dataset", "patent_labels.json", IN_JSON, judge.dataset),
        Kind("growth accounts alone", "dataset", "growth_accounts.csv", IN_TABLE, judge.growth_accounts),
        Kind("study", "models", "substitution.toml", IN_TOML, functools.partial(judge.study, "substitution.toml"), 8),
        Kind("study based on", "models", "lags.toml", IN_TOML, functools.partial(judge.study, "lags.toml"), 2),
    ]
    for name in SCENARIOS:
        found.append(
            Kind("scenario", "models", f"scenarios/{name}.toml", IN_TOML, functools.partial(judge.scenario, name), 2)
        )
    for name in ("patents.csv", "patents.jsonl", "patents.parquet"):
        how = (
            IN_TABLE
            if name.endswith(".csv")
            else ANY
            if name.endswith(".parquet")
            else (*ANY, mutate_documents.in_json_line)
        )
        found.append(Kind("patents", "patents", name, how, functools.partial(judge.patents, name), 2))
    found += [
        Kind("audit sample", "patents", "sample.csv", IN_TABLE, judge.audit, 2),
        Kind("labels", "patents", "labels/labels.csv", IN_TABLE, judge.audit, 2),
        Kind("labels", "patents", "labels/patent_labels.json", IN_JSON, judge.audit),
        Kind("prompt", "patents", "prompt.toml", IN_TOML, judge.prompt, 2),
        Kind("run.json", "run", "run/run.json", IN_JSON, judge.run, 3),
        Kind(
            "posterior.nc", "run", "run/posterior.nc", (*ANY, *(mutate_documents.in_netcdf,) * 5), judge.sealed_run, 3
        ),
        Kind("chunk", "run", "chunks/chunk.zarr/zarr.json", IN_JSON, judge.chunk, 2),
        Kind("chunk", "run", "chunks/chunk.zarr/welfare/zarr.json", IN_JSON, judge.chunk, 2),
        Kind("chunk", "run", "chunks/chunk.zarr/welfare/c/0/0/0", ANY, judge.chunk),
    ]
    for source, files in IMPORTS.items():
        for file in files:
            how = ANY if file.endswith(".xlsx") else IN_JSON if file.endswith(".json") else IN_TABLE
            read = functools.partial(judge.original, source)
            found.append(Kind(f"import {source}", "originals", f"{source}/{file}", how, read, 2))
    for source, file in WORLDS.items():
        how = {"npz": IN_ARRAYS, "zip": IN_ARCHIVE, "xlsx": IN_ARCHIVE}.get(file.rsplit(".", 1)[1], IN_TABLE)
        found.append(Kind(f"world table {source}", "worlds", file, how, functools.partial(judge_worlds.table, source)))
    for name in judge_worlds.MAPPINGS:
        read = functools.partial(judge_worlds.mapping, name)
        found.append(Kind("mapping", "worlds", f"mappings/{name}", IN_TABLE, read, 2))
    netcdf = (*ANY, *(mutate_documents.in_netcdf,) * 5)
    found += [
        Kind("calibration", "calibration", "design.json", IN_JSON, judge_worlds.calibration),
        Kind("calibration", "calibration", "simulations/simulation-0001/fit.nc", netcdf, judge_worlds.calibration, 3),
    ]
    return tuple(kind for kind in found for _ in range(kind.weight))
