"""The words of a replication package: its README after the data editors' template, and its RO-Crate metadata."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from reestim.data.dataset import Dataset
    from reestim.runs.record import RunRecord

_MEDIA = {
    ".csv": "text/csv",
    ".html": "text/html",
    ".json": "application/json",
    ".md": "text/markdown",
    ".nc": "application/netcdf",
    ".png": "image/png",
    ".py": "text/x-python",
    ".svg": "image/svg+xml",
    ".tex": "application/x-tex",
    ".toml": "application/toml",
    ".txt": "text/plain",
}


def readme(record: RunRecord, data: Dataset, folder: Path, arguments: list[str]) -> str:
    """README.md of a package that lies in ``folder``."""
    study, command = record.spec, f"reestim {' '.join(arguments)}"
    seconds = sum(t for t in record.timings.values() if t)
    parts = [
        f"# Replication package: {study.name}",
        f"{study.description or 'A study with REEstim.'} Seed {record.seed}; made on {(record.created or '')[:10]} "
        f"with REEstim {record.reestim}."
        + (" QUICK smoke run: its numbers are not for use." if record.quick else "")
        + ("" if record.gates_passed() else " GATES FAILED: its numbers are no findings."),
        "## Data availability and provenance",
        f"All data are in `data/{data.path.name}`, as they were used. {data.meta.description}",
        f"**Licence and terms**: {data.meta.licence or 'the dataset states none; ask those who made it'}",
        "Each row of a file names its source in the column `source`; `verified` is true where the figure was seen in "
        "it. "
        f"Simulated files: {', '.join(data.meta.synthetic) or 'none'}. "
        f"Files with imputed cells: {', '.join(data.meta.imputed) or 'none'}. "
        f"Files with figures recalled from memory of their source: {', '.join(data.recalled) or 'none'}.",
        _table(["file", "rows", "verified rows", "sources"], _files(folder / "data" / data.path.name)),
        *[f"* {note}" for note in data.meta.notes],
        "## Computational requirements",
        f"Python {record.packages.get('python', platform.python_version())} and the packages in `requirements.txt`; no "
        "service is asked while it runs. Any system; the same draws come out on processors of the same kind, elsewhere "
        "they agree within Monte-Carlo error.",
        f"Made on {platform.system()} with {os.cpu_count()} processor cores in {seconds / 60:.0f} minutes:",
        _table(["stage", "seconds"], [[name, f"{t:.0f}"] for name, t in record.timings.items() if t is not None]),
        "## Programs",
        _table(
            ["where", "what"],
            [
                ["`models/`", "the study (priors, sampler, gates), the model itself, the scenarios"],
                ["`code/reestim/`", "REEstim as it was used, Apache-2.0"],
                ["`rebuild.py`", "verifies this package, runs it again, compares the tables"],
                ["`run/`", "the posterior draws (netCDF), `run.json`, the report"],
            ],
        ),
        "## Instructions",
        "    python rebuild.py",
        "makes an environment with the pinned packages, runs\n",
        f"    {command}",
        "and compares each cell of each table with `run/report/tables`. `python rebuild.py --check` verifies the "
        "checksums alone.",
        "## Tables and figures",
        "All are made by the command above (in `again/report`); `reestim report run` makes them from the "
        "draws in `run/`.",
        _table(["file", "kind"], _exhibits(folder / "run" / "report")),
        "## References",
        "Sources of the data stand in their rows and in `data/README.md` of REEstim. The model follows Alfaro, L., H. "
        "Fadinger, J. S. Schymik and G. Virananda (2025), Trade and Industrial Policy in Supply Chains: Directed "
        "Technological Change in Rare Earths.",
    ]
    return "\n\n".join(parts) + "\n"


def research_object(record: RunRecord, data: Dataset, folder: Path) -> dict[str, Any]:
    """RO-Crate 1.1 metadata of a package: what each file is, and the action that made the run."""
    files = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    entities: list[dict[str, Any]] = [
        {
            "@id": "ro-crate-metadata.json",
            "@type": "CreativeWork",
            "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
            "about": {"@id": "./"},
        },
        {
            "@id": "./",
            "@type": "Dataset",
            "name": f"Replication package: {record.spec.name}",
            "description": record.spec.description or record.spec.name,
            "datePublished": (record.created or "")[:10],
            "license": data.meta.licence or "not stated",
            "hasPart": [{"@id": name} for name in files],
            "mentions": {"@id": "#run"},
        },
        {
            "@id": "#run",
            "@type": "CreateAction",
            "name": record.command or "reestim run",
            "instrument": {"@id": "#reestim"},
            "object": [{"@id": n} for n in files if n.startswith(("data/", "models/"))],
            "result": [{"@id": n} for n in files if n.startswith("run/")],
            "endTime": record.created or "",
        },
        {"@id": "#reestim", "@type": "SoftwareApplication", "name": "REEstim", "softwareVersion": record.reestim or ""},
    ]
    for name in files:
        path = folder / name
        about = {"@id": name, "@type": "File", "contentSize": str(path.stat().st_size)}
        media = _MEDIA.get(path.suffix)
        entities.append(about | ({"encodingFormat": media} if media else {}))
    return {"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": entities}


def _files(folder: Path) -> list[list[str]]:
    rows = []
    for path in sorted(folder.glob("*.csv")):
        table = pd.read_csv(path, dtype=str, comment="#")
        verified = str(int((table["verified"].str.lower() == "true").sum())) if "verified" in table else "not stated"
        sources = str(table["source"].nunique()) if "source" in table else "not stated"
        rows.append([f"`{path.name}`", str(len(table)), verified, sources])
    return rows


def _exhibits(report: Path) -> list[list[str]]:
    kinds = {".csv": "table", ".png": "figure", ".svg": "figure", ".html": "report"}
    files = [p for p in sorted(report.rglob("*")) if p.suffix in kinds]
    return [[f"`run/report/{p.relative_to(report).as_posix()}`", kinds[p.suffix]] for p in files]


def _table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
