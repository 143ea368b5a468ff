"""Small world tables in the layouts in which the OECD, WIOD and EXIOBASE publish theirs, all from the same numbers."""

from __future__ import annotations

import json
import zipfile
from importlib.resources import files
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

REGIONS = ("CHN", "JPN", "USA", "ROW")
SCALE = 20_000


def numbers(industries: int, uses: int, seed: int = 2008) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """intermediate (row, row), final (row, region, use; the last use is inventories, some below zero), value added."""
    rng = np.random.default_rng(seed)
    n = len(REGIONS)
    rows = n * industries
    home = np.kron(np.eye(n), np.ones((industries, industries))) * 9 + 1
    intermediate = np.round(rng.uniform(0.1, 1.0, (rows, rows)) * home * SCALE / industries, 3)
    final = np.round(
        rng.uniform(1, 10, (rows, n, uses)) * SCALE * (1 + 9 * np.repeat(np.eye(n), industries, 0)[..., None]), 3
    )
    final[:, :, -1] = np.round(rng.uniform(-0.2, 0.3, (rows, n)) * SCALE, 3)
    output = intermediate.sum(1) + final.sum((1, 2))
    return intermediate, final, output - intermediate.sum(0)


def icio(path: Path, industries: list[str], seed: int = 2008, discrepancy: bool = False) -> pd.DataFrame:
    """``<year>_SML.csv``: rows and columns CHN_A01_02, then VA and TLS; final uses CHN_HFCE, ...; totals OUT."""
    uses = ["HFCE", "NPISH", "GGFC", "GFCF", "DPABR", "INVNT"]
    intermediate, final, added = numbers(len(industries), len(uses), seed)
    labels = [f"{r}_{i}" for r, i in product(REGIONS, industries)]
    frame = pd.DataFrame(intermediate, index=labels, columns=labels)
    for k, region in enumerate(REGIONS):
        for u, use in enumerate(uses):
            frame[f"{region}_{use}"] = final[:, k, u]
    frame["OUT"] = frame.sum(axis=1)
    frame.loc["TLS"] = 0.0
    frame.loc["VA"] = 0.0
    frame.loc["TLS", labels] = np.round(0.05 * added, 3)
    frame.loc["VA", labels] = added - np.round(0.05 * added, 3)
    if discrepancy:
        frame.insert(len(frame.columns) - 1, "ALL_DISC", 7.0)
        frame.loc[["TLS", "VA"], "ALL_DISC"] = 0.0
        frame.loc["VA", labels] += 7.0
    frame.loc["OUT"] = frame.sum()
    frame.index.name = "V1"
    frame.to_csv(path)
    return frame


def wiod_sheet(path: Path, year: int, unit: str = "(millions of US$)") -> np.ndarray:
    """``wiotYY_row.xlsx``: titles in the first column, four header rows and columns, totals at the end."""
    industries, uses = [f"c{k}" for k in range(1, 36)], ["c37", "c38", "c39", "c41", "c42"]
    intermediate, final, added = numbers(len(industries), len(uses))
    rows = [(r, i) for r, i in product(REGIONS, industries)]
    columns = [*rows, *product(REGIONS, uses)]
    body = np.hstack([intermediate, final.reshape(len(rows), -1)])
    sheet: list[list[object]] = [[f"World Input-Output Table, {year}"], ["Industry-by-industry"]]
    head = [["(industry-by-industry)"], [unit], [None], [None]]
    for k, start in enumerate(head):
        names = [(f"code {i}" if i in uses else i, f"name of {i}", r, i)[k] for r, i in columns]
        sheet.append([*start, None, None, None, *names, ("TOT", "Total output", "TOT", "c60")[k]])
    for (region, industry), cells in zip(rows, body, strict=True):
        sheet.append([industry, f"name of {industry}", region, industry, *cells, cells.sum()])
    zeros = [0.0] * (len(columns) - len(rows))
    totals = {
        "r60": intermediate.sum(0),
        "r61": 0.0 * added,
        "r64": added,
        "r69": intermediate.sum(0) + added,
    }
    for code, cells in totals.items():
        sheet.append([code, f"factor {code}", "TOT", code, *cells, *zeros, cells.sum()])
    width = max(map(len, sheet))
    pd.DataFrame([[*line, *[None] * (width - len(line))] for line in sheet]).to_excel(path, header=False, index=False)
    return body


def exiobase(path: Path, kind: str = "ixi", unit: str = "M.EUR") -> tuple[np.ndarray, np.ndarray]:
    """``IOT_<year>_ixi.zip``: a folder with Z.txt, Y.txt, x.txt, unit.txt, A.txt and file_parameters.json."""
    names = exiobase_names(kind)
    uses = ["Final consumption expenditure by households", "Gross fixed capital formation", "Changes in inventories"]
    intermediate, final, _ = numbers(len(names), len(uses))
    rows = pd.MultiIndex.from_product([["CN", "JP", "US", "WA"], names], names=["region", "sector"])
    columns = pd.MultiIndex.from_product([["CN", "JP", "US", "WA"], uses], names=["region", "category"])
    z = pd.DataFrame(intermediate, rows, rows)
    y = pd.DataFrame(final.reshape(len(rows), -1), rows, columns)
    x = pd.DataFrame({"indout": intermediate.sum(1) + final.sum((1, 2))}, rows)
    units = pd.DataFrame({"unit": unit}, rows)
    listed = {
        "Z": {"name": "Z.txt", "nr_index_col": "2", "nr_header": "2"},
        "Y": {"name": "Y.txt", "nr_index_col": "2", "nr_header": "2"},
        "x": {"name": "x.txt", "nr_index_col": "2", "nr_header": "1"},
        "unit": {"name": "unit.txt", "nr_index_col": "2", "nr_header": "1"},
    }
    folder = path.stem
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, frame in (("Z", z), ("Y", y), ("x", x), ("unit", units)):
            archive.writestr(f"{folder}/{name}.txt", frame.to_csv(sep="\t"))
        metadata = {"name": "EXIO3", "description": "", "version": "3.8.2", "system": kind, "history": []}
        parameters = {"systemtype": "IOSystem", "files": listed}
        archive.writestr(f"{folder}/file_parameters.json", json.dumps(parameters))
        archive.writestr(f"{folder}/metadata.json", json.dumps(metadata))
    return intermediate, final


def exiobase_names(kind: str) -> list[str]:
    """The industries or products of EXIOBASE 3, as pymrio lists them."""
    text = files("pymrio").joinpath("mrio_models", f"exio3_{kind}", "sectors.tsv").read_text(encoding="utf-8")
    return [line.split("\t")[1] for line in text.splitlines()[1:]]


def tidy(path: Path, industries: list[str]) -> pd.DataFrame:
    """``world_<year>.csv``: exporter, input, importer, use, value."""
    intermediate, final, _ = numbers(len(industries), 2)
    cells = list(product(REGIONS, industries))
    rows = [
        (*seller, *buyer, intermediate[i, j]) for (i, seller), (j, buyer) in product(enumerate(cells), enumerate(cells))
    ]
    for (i, seller), (n, region) in product(enumerate(cells), enumerate(REGIONS)):
        rows.append((*seller, region, "households", final[i, n, 0]))
        rows.append((*seller, region, "inventories", final[i, n, 1]))
    table = pd.DataFrame(rows, columns=["exporter", "input", "importer", "use", "value"])
    table.to_csv(path, index=False)
    return table
