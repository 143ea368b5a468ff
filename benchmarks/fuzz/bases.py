"""The sound files that a case spoils one of: made once, in folders by name."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from reestim.data.schemas import SCHEMAS
from reestim.dims import LABELS
from reestim.importers.concordance import HERE
from reestim.io.resources import SHIPPED, SIMULATED

#: Sources of originals and the files of each that are spoiled.
IMPORTS = {
    "baci": ("BACI_HS92_Y2010_V202401b.csv", "country_codes_V202401b.csv"),
    "comtrade": ("answer.json",),
    "euklems": ("national accounts.csv", "growth accounts.csv"),
    "patentsview": ("g_patent.tsv", "g_location_disambiguated.tsv", "g_cpc_current.tsv"),
    "usitc": ("dataweb.csv",),
    "usgs-ds140": ("consumption.csv", "book.xlsx"),
    "usgs-yearbook": ("mines.csv",),
    "usgs-summaries": ("MCS2025_Commodities_Data.csv",),
}
#: Sources of world tables and the file of each that is spoiled.
WORLDS = {
    "icio": "icio/ICIO2023_2008.csv",
    "exiobase": "exiobase/IOT_2008_ixi.zip",
    "wiod": "wiod/wiot08_row_apr12.xlsx",
    "tidy": "tidy/mine_2008.csv",
    "arrays": "arrays/mine_2008.npz",
}
#: What the calibration in the folder says of itself.
CALIBRATION = {"kind": "prior", "study": "tiny", "simulations": 3, "seed": 1}
#: Rows of years outside these are left out of the largest files of the copy: they only cost time.
YEARS = (2007, 2011)


def bundled(folder: Path) -> None:
    """The bundled dataset as it is."""
    shutil.copytree(SIMULATED, folder, ignore=shutil.ignore_patterns("sources"))


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
        {
            "outcome": ["tfp", "tfp", "tfp"],
            "countries": ["JPN", "all but CHN", ""],
            "event_time": [0, 1, 1],
            "last_event_time": [1, None, None],
            "reference_event_time": [-1, None, -1],
            "estimate": [0.01, 0.02, -0.1],
            "std_error": [0.01, 0.02, 0.3],
        }
    )
    effects.astype({"last_event_time": "Int64", "reference_event_time": "Int64"}).to_csv(
        folder / "event_study.csv", index=False
    )
    pd.DataFrame(
        [("tfp", "JPN", 0, "tfp", "all but CHN", 1, 0.0001), ("tfp", "", 1, "tfp", "", 1, 0.09)],
        columns=[*SCHEMAS["event_study_covariance"].fields],
    ).to_csv(folder / "event_study_covariance.csv", index=False)
    accounts = pd.DataFrame(
        [
            (c, s, y, 100.0 + y - 2005, 100.0, 101.0, 99.0, 0.3, 0.2, 0.49, 10.0, 0.01)
            for c in ("JPN", "ROW")
            for s in ("metals", "machinery")
            for y in range(2007, 2011)
        ],
        columns=[
            "country",
            "sector",
            "year",
            "output",
            "labor",
            "capital",
            "intermediates",
            "labor_share",
            "capital_share",
            "intermediates_share",
            "ree",
            "ree_share",
        ],
    )
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
    study.write_text(study.read_text(encoding="utf-8").replace('"simulated-2010"', '"./small"'), encoding="utf-8")
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
    from reestim.counterfactuals.chunk_store import save_chunk
    from reestim.equilibrium.sweep import DrawSolutions
    from tests.interface.conftest import make_post, with_everything

    ree.save(with_everything(make_post()), folder / "run", seed=1)
    flat = np.zeros((1, 4))
    whole = flat.astype(int)
    save_chunk(folder / "chunks", "chunk", DrawSolutions({"welfare": np.ones((1, 4, 3))}, flat > 1, flat, whole, whole))


def originals(folder: Path) -> None:
    """Files as sources publish them, one folder a source: the small ones that the tests of the importers make."""
    from tests.unit import test_import_usitc as usitc
    from tests.unit.test_import_comtrade import answer, records
    from tests.unit.test_import_euklems import tidy
    from tests.unit.test_import_hs import baci
    from tests.unit.test_import_patentsview import write
    from tests.unit.test_import_usgs import consumption, mines, workbook
    from tests.unit.test_import_usgs_release import release

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


def worlds(folder: Path) -> None:
    """World tables as their sources publish them, one folder a source, and the files that say how to add them up."""
    from tests.unit import wiod_files, world_files

    for source in (*WORLDS, "mappings"):
        (folder / source).mkdir(parents=True)
    icio = list(pd.read_csv(HERE / "industries_icio.csv")["industry"])
    world_files.icio(folder / WORLDS["icio"], icio)
    world_files.exiobase(folder / WORLDS["exiobase"])
    world_files.wiod_sheet(folder / WORLDS["wiod"], 2008)
    world_files.tidy(folder / WORLDS["tidy"], ["farming", "chemicals", "works"])
    arrays: Any = wiod_files.arrays(2008)
    np.savez(folder / WORLDS["arrays"], **arrays)
    place = folder / "mappings"
    (place / "regions.csv").write_text("country,region\nCHN,CHN\nJPN,JPN\n*,ROW\n")
    (place / "sectors.csv").write_text("industry,sector\n" + "".join(f"c{k},s{k % 7}\n" for k in range(1, 36)))
    (place / "rates.csv").write_text("year,usd_per_unit\n2007,1.37\n2008,1.47\n2009,1.39\n")
    for name in ("industries_wiod.csv", "nace_industries.csv", "hs_industries.csv"):
        shutil.copy(HERE / name, place / name)


def calibration(folder: Path) -> None:
    """A calibration that nobody ran, with its kept fits."""
    from reestim.calibration.fit_store import begin, save_fit
    from reestim.runs.record import RunRecord

    rng = np.random.default_rng(0)
    begin(folder, CALIBRATION)
    record = RunRecord.read({"gates": {"gates": [{"gate": "ess_bulk", "passed": True, "value": 500.0}]}})
    for k in range(3):
        values = {"kappa": ("draw", rng.normal(size=19)), "sigma": (("draw", "sector"), rng.normal(size=(19, 2)))}
        draws = xr.Dataset(values, coords={"sector": ["glass", "metals"]})
        save_fit(folder, f"simulation-{k:04d}", draws, draws.isel(draw=0, drop=True) * 0, record)


BASES: dict[str, Callable[[Path], None]] = {
    "dataset": dataset,
    "bundled": bundled,
    "models": studies,
    "patents": patents,
    "run": run,
    "originals": originals,
    "worlds": worlds,
    "calibration": calibration,
}
