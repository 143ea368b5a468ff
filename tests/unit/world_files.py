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


#: The 56 industries of WIOD's release of 2016.
WIOD2016 = (
    *("A01", "A02", "A03", "B", "C10-C12", "C13-C15", "C16", "C17", "C18", "C19", "C20", "C21", "C22", "C23", "C24"),
    *("C25", "C26", "C27", "C28", "C29", "C30", "C31_C32", "C33", "D35", "E36", "E37-E39", "F", "G45", "G46", "G47"),
    *("H49", "H50", "H51", "H52", "H53", "I", "J58", "J59_J60", "J61", "J62_J63", "K64", "K65", "K66", "L68"),
    *("M69_M70", "M71", "M72", "M73", "M74_M75", "N", "O84", "P85", "Q", "R_S", "T", "U"),
)
_WIOD2016_FACTORS = ("II_fob", "TXSP", "EXP_adj", "PURR", "PURNR", "VA", "IntTTM", "GO")


def wiod2016(year: int) -> pd.DataFrame:
    """The table as R and Stata hold it: IndustryCode, IndustryDescription, Country, RNr, Year, AUS1 to ROW61, TOT."""
    uses = ("CONS_h", "CONS_np", "CONS_g", "GFCF", "INVEN")
    intermediate, final, added = numbers(len(WIOD2016), len(uses))
    body = np.hstack([intermediate, final.reshape(len(intermediate), -1)])
    taxes = np.round(0.02 * added, 3)
    below = dict.fromkeys(_WIOD2016_FACTORS, np.zeros_like(added)) | {
        "II_fob": intermediate.sum(0), "TXSP": taxes, "VA": added - taxes, "GO": intermediate.sum(0) + added,
    }  # fmt: skip
    rows = [(i, f"name of {i}", r, k + 1, year) for r in REGIONS for k, i in enumerate(WIOD2016)]
    rows += [(name, f"name of {name}", "TOT", 65 + k, year) for k, name in enumerate(below)]
    zeros = np.zeros(body.shape[1] - body.shape[0])
    cells = np.vstack([body, *(np.append(line, zeros) for line in below.values())])
    names = [f"{r}{k + 1}" for r in REGIONS for k in range(len(WIOD2016))]
    names += [f"{r}{len(WIOD2016) + u + 1}" for r in REGIONS for u in range(len(uses))]
    head = pd.DataFrame(rows, columns=["IndustryCode", "IndustryDescription", "Country", "RNr", "Year"])
    return pd.concat([head, pd.DataFrame(cells, columns=names), pd.Series(cells.sum(1), name="TOT")], axis=1)


def wiod2016_sheet(path: Path, year: int, unit: str = "(millions of US$)") -> None:
    """``WIOT<year>_Nov16_ROW.xlsx``: titles in the first column, code, name, country and number of each column in lines
    3 to 6, the table from E7 on."""
    flat = wiod2016(year)
    columns = list(flat.columns[5:])
    places = [("TOT", 0) if name == "TOT" else (name[:3], int(name[3:])) for name in columns]
    codes = (*WIOD2016, "CONS_h", "CONS_np", "CONS_g", "GFCF", "INVEN")
    lines: list[list[object]] = [
        ["Intercountry Input-Output Table"],
        [f"{len(REGIONS) - 1} countries, in current prices"],
        ["(industry-by-industry)", None, None, None, *("GO" if c == "TOT" else codes[k - 1] for c, k in places)],
        [unit, None, None, None, *(f"name of {k}" for _, k in places)],
        [None, None, None, None, *(c for c, _ in places)],
        [None, None, None, None, *(f"c{k}" for _, k in places)],
    ]
    for cells in flat.drop(columns="Year").to_numpy(dtype=object):
        code, name, country, number, *values = cells
        lines.append([code, name, country, f"r{number}", *values])
    width = max(map(len, lines))
    table = pd.DataFrame([[*line, *[None] * (width - len(line))] for line in lines])
    table.to_excel(path, sheet_name=str(year), header=False, index=False)


def sea(
    path: Path, years: range, countries: tuple[str, ...] = REGIONS[:3], lacking: tuple[str, str] = ("", "")
) -> None:
    """``Socio_Economic_Accounts.xlsx``: a sheet of notes, and DATA with country, variable, description, code, 2000 ...;
    ``lacking``: a country and a variable that is zero there."""
    rng = np.random.default_rng(7)
    rows = []
    growth = np.linspace(0, 0.3, len(years))
    for country, code in product(REGIONS[:3], WIOD2016):
        output = 1e4 * rng.uniform(1, 2) * np.exp(growth * rng.uniform(0.5, 1.5))
        inputs, labor = output * rng.uniform(0.4, 0.6), output * rng.uniform(0.2, 0.3)
        figures = {
            "GO": output, "II": inputs, "VA": output - inputs, "LAB": labor, "COMP": 0.9 * labor,
            "CAP": output - inputs - labor, "K": 3 * output, "EMP": labor / 30, "EMPE": labor / 40,
            "H_EMPE": labor / 20, "GO_QI": 100 * output / output[0], "II_QI": 100 * inputs / inputs[0],
            "VA_QI": 100 * (output - inputs) / (output - inputs)[0], "GO_PI": np.full(len(years), 100.0),
        }  # fmt: skip
        for name, values in figures.items():
            there = np.zeros_like(values) if (country, name) == lacking else values
            rows.append([country, name, f"name of {code}", code, *np.round(there, 6)])
    table = pd.DataFrame(rows, columns=["country", "variable", "description", "code", *years])
    with pd.ExcelWriter(path) as book:
        pd.DataFrame([["Socio Economic Accounts"], ["Acronym"]]).to_excel(book, sheet_name="Notes", index=False)
        table.to_excel(book, sheet_name="DATA", index=False)


FIGARO_AREAS = {"CHN": "CN", "JPN": "JP", "USA": "US", "ROW": "FIGW1"}


def figaro(path: Path, industries: tuple[str, ...], flat: bool = False) -> pd.DataFrame:
    """FIGARO's table industry by industry: the matrix with ``rowLabels``, or the flat file, a cell a row. Returns the
    matrix."""
    uses = ("P3_S13", "P3_S14", "P3_S15", "P51G", "P5M")
    intermediate, final, added = numbers(len(industries), len(uses))
    areas = [FIGARO_AREAS[region] for region in REGIONS]
    labels = [f"{a}_{i}" for a, i in product(areas, industries)]
    columns = [*labels, *(f"{a}_{u}" for a, u in product(areas, uses))]
    frame = pd.DataFrame(np.hstack([intermediate, final.reshape(len(labels), -1)]), index=labels, columns=columns)
    parts = {"D21X31": 0.02, "OP_RES": 0.0, "OP_NRES": 0.0, "D1": 0.5, "D29X39": 0.03, "B2A3G": 0.45}
    for name, part in parts.items():
        frame.loc[f"W2_{name}"] = [*(part * added), *[0.0] * (len(columns) - len(labels))]
    if not flat:
        frame.rename_axis("rowLabels").to_csv(path)
        return frame
    cells = [
        (row, column, *row.split("_", 1), *column.split("_", 1), frame.iloc[i, j])
        for (i, row), (j, column) in product(enumerate(frame.index), enumerate(frame.columns))
    ]
    head = ["icioiRow", "icioiCol", "refArea", "rowIi", "counterpartArea", "colIi", "obsValue"]
    pd.DataFrame(cells, columns=head).to_csv(path, index=False)
    return frame
