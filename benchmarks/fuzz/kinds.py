"""Kinds of input: the sound files, how each is spoiled, and what reads them."""

from __future__ import annotations

import functools
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.fuzz import judge, mutate, mutate_documents, mutate_tables
from benchmarks.fuzz.mutate import Rng
from reestim.data.schemas import SCHEMAS
from reestim.dims import LABELS
from reestim.shipped import BUNDLED, SHIPPED

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


# --- sound files --------------------------------------------------------------------------------------------------


def bundled(folder: Path) -> None:
    """The bundled dataset as it is."""
    shutil.copytree(BUNDLED, folder, ignore=shutil.ignore_patterns("sources"))


def dataset(folder: Path) -> None:
    """The bundled dataset added up to three regions, fewer years of patents and outcomes, and every optional file."""
    bundled(folder)
    for path in sorted(folder.glob("*.csv")):
        table: Any = pd.read_csv(path)
        for name in ("importer", "exporter", "country"):
            if name in table and path.stem != "policy":
                table[name] = table[name].where(table[name].isin(["CHN", "JPN"]), "ROW")
        if path.stem in ("patent_labels", "outcomes"):
            table = table[table["year"].between(*YEARS)]
        figures = [name for name in ("value", "tonnes", "count") if name in table]
        keys = [name for name in table if name not in (*figures, "source", "verified")]
        if {"importer", "country"} & set(table) and path.stem not in ("policy", "ree_use_panel"):
            about = {name: (name, "first") for name in ("source", "verified") if name in table}
            sums = {name: (name, "sum") for name in figures}
            table = table.groupby(keys, sort=False).agg(**sums, **about).reset_index()
        table.to_csv(path, index=False)
    patents = pd.read_csv(folder / "patent_labels.csv")
    counts: Any = patents.groupby("label")["count"].sum()
    by_label = {name: int(counts[name]) for name in LABELS}
    record = {"labeller": "offline", "model": "made", "date": "2026-11-26", "synthetic": True, "unlabelled": 0}
    record |= {"patents": int(counts.sum()), "labels": by_label}
    (folder / "patent_labels.json").write_text(json.dumps(record))
    effects = pd.DataFrame(
        {"outcome": ["tfp", "tfp", "tfp"], "countries": ["JPN", "all but CHN", ""], "event_time": [0, 1, 1],
         "last_event_time": [1, None, None], "reference_event_time": [-1, None, -1], "estimate": [0.01, 0.02, -0.1],
         "std_error": [0.01, 0.02, 0.3]}
    )  # fmt: skip
    effects.astype({"last_event_time": "Int64", "reference_event_time": "Int64"}).to_csv(
        folder / "event_study.csv", index=False
    )
    pd.DataFrame(
        [("tfp", "JPN", 0, "tfp", "all but CHN", 1, 0.0001), ("tfp", "", 1, "tfp", "", 1, 0.09)],
        columns=[*SCHEMAS["event_study_covariance"].fields],
    ).to_csv(folder / "event_study_covariance.csv", index=False)
    accounts = pd.DataFrame(
        [(c, s, y, 100.0 + y - 2005, 100.0, 101.0, 99.0, 0.3, 0.2, 0.49, 10.0, 0.01)
         for c in ("JPN", "ROW") for s in ("metals", "machinery") for y in range(2007, 2011)],
        columns=["country", "sector", "year", "output", "labor", "capital", "intermediates", "labor_share",
                 "capital_share", "intermediates_share", "ree", "ree_share"],
    )  # fmt: skip
    accounts.to_csv(folder / "growth_accounts.csv", index=False)
    countries, sectors = patents["country"].unique(), pd.read_csv(folder / "value_added.csv")["sector"].unique()
    years = sorted(pd.read_csv(folder / "element_prices.csv")["year"].unique())
    costs = [(c, s, y, 1.0 + 0.01 * (y - 2000)) for c in countries for s in sectors for y in years]
    pd.DataFrame(costs, columns=["country", "sector", "year", "index"]).to_csv(folder / "input_costs.csv", index=False)


def studies(folder: Path) -> None:
    """The models that ship, and files outside and beside them that a path may try to reach."""
    shutil.copytree(SHIPPED / "models", folder, ignore=shutil.ignore_patterns("__pycache__"))
    dataset(folder / "small")
    study = folder / "substitution.toml"
    study.write_text(study.read_text(encoding="utf-8").replace('"rare-earths-2010"', '"./small"'), encoding="utf-8")
    (folder / "folder.toml").mkdir()
    (folder / "folder.py").mkdir()
    (folder / "loop.toml").symlink_to("loop.toml")
    for suffix in (".toml", ".py"):
        (folder / f"outside{suffix}").symlink_to("/etc/hostname")


def patents(folder: Path) -> None:
    """Patents in three layouts, their labels and an audit of them, a prompt."""
    from reestim.labels.audit import draw_audit
    from reestim.labels.labelling import Labelled, write_labels
    from reestim.labels.patents import HUMAN, read_corpus
    from reestim.labels.taxonomy import PROMPTS

    table: Any = read_corpus().iloc[::9].reset_index(drop=True)
    folder.mkdir()
    table.to_csv(folder / "patents.csv", index=False)
    table.to_parquet(folder / "patents.parquet")
    rows = table.to_dict("records")
    (folder / "patents.jsonl").write_text("\n".join(json.dumps(row) for row in rows) + "\n", encoding="utf-8")
    labels = table[["patent_id", "country", "sector", "year"]].assign(label=table[HUMAN], probability=0.9, reason="")
    about = {"labeller": "offline", "model": "made", "synthetic": True, "date": "2026-11-26", "patents": len(table)}
    labelled = Labelled(labels, about | {"unlabelled": 0, "labels": {name: 1 for name in LABELS}})
    write_labels(labelled, folder / "labels")
    sample = draw_audit(labelled, table, design="random", size=20, seed=1).assign(**{HUMAN: "using"})
    sample.to_csv(folder / "sample.csv", index=False)
    shutil.copy(PROMPTS / "v1.toml", folder / "prompt.toml")


def run(folder: Path) -> None:
    """A run folder that nobody estimated, and a chunk of solved draws."""
    import reestim as ree
    from reestim.chunks import keep
    from reestim.equilibrium.sweep import Sweep
    from tests.interface.conftest import make_post, with_everything

    ree.save(with_everything(make_post()), folder / "run", seed=1)
    flat = np.zeros((1, 4))
    whole = flat.astype(int)
    keep(folder / "chunks", "chunk", Sweep({"welfare": np.ones((1, 4, 3))}, flat > 1, flat, whole, whole))


def originals(folder: Path) -> None:
    """Files as sources publish them, one folder a source: the small ones that the tests of the importers make."""
    from tests.unit import test_import_usitc as usitc
    from tests.unit.test_import_euklems import tidy
    from tests.unit.test_import_hs import answer, baci, records
    from tests.unit.test_import_patentsview import write
    from tests.unit.test_import_usgs import consumption, mines, release, workbook

    for source in IMPORTS:
        (folder / source).mkdir(parents=True)
    baci(folder / "baci")
    answer(folder / "comtrade", records())
    tidy(folder / "euklems")
    write(folder / "patentsview")
    usitc.write(folder / "usitc", usitc.export())
    consumption().to_csv(folder / "usgs-ds140" / "consumption.csv", index=False)
    workbook(folder / "usgs-ds140" / "book.xlsx")
    mines().to_csv(folder / "usgs-yearbook" / "mines.csv", index=False)
    release().to_csv(folder / "usgs-summaries" / "MCS2025_Commodities_Data.csv", index=False)


BASES: dict[str, Callable[[Path], None]] = {
    "dataset": dataset, "bundled": bundled, "models": studies, "patents": patents, "run": run, "originals": originals,
}  # fmt: skip

# --- kinds --------------------------------------------------------------------------------------------------------

ANY = (mutate.in_bytes, mutate.in_bytes, mutate.in_place)
IN_TABLE = (*ANY, *(mutate_tables.in_table,) * 7)
IN_TOML = (*ANY, *(mutate_documents.in_toml,) * 7)
IN_JSON = (*ANY, *(mutate_documents.in_json,) * 7)
IMPORTS = {
    "baci": ("BACI_HS92_Y2010_V202401b.csv", "country_codes_V202401b.csv"), "comtrade": ("answer.json",),
    "euklems": ("national accounts.csv", "growth accounts.csv"),
    "patentsview": ("g_patent.tsv", "g_location_disambiguated.tsv", "g_cpc_current.tsv"),
    "usitc": ("dataweb.csv",), "usgs-ds140": ("consumption.csv", "book.xlsx"), "usgs-yearbook": ("mines.csv",),
    "usgs-summaries": ("MCS2025_Commodities_Data.csv",),
}  # fmt: skip
SCENARIOS = (
    "china-quota-2010", "importers-with-stocks", "tariff-on-chinese-goods", "heavy-elements-ban", "new-mine-abroad",
)  # fmt: skip


@functools.cache
def kinds() -> tuple[Kind, ...]:
    """All of them, each as often as its weight."""
    found = [
        Kind(f"{stem}.csv", "dataset", f"{stem}.csv", IN_TABLE, functools.partial(judge.dataset, stem=stem), 3)
        for stem in SCHEMAS
    ]
    found += [
        Kind(f"{path.stem}.csv", "bundled", path.name, IN_TABLE, functools.partial(judge.dataset, stem=path.stem))
        for path in sorted(BUNDLED.glob("*.csv"))
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
    return tuple(kind for kind in found for _ in range(kind.weight))
