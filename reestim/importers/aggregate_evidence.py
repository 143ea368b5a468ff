"""The evidence of a dataset in fewer regions or sectors: what adds up, and in words what does not and is left out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from reestim.data.country_groups import country_group
from reestim.data.dataset import Dataset
from reestim.dims import COUNTRY, SECTOR, YEAR
from reestim.importers.aggregate_rows import Codes, add_up, with_provenance

#: Indices and shares: there is no sum of them, and what would weight them is not in the dataset.
NO_SUM = {
    "growth_accounts": "volumes and shares of several cells need an index; add the accounts up before `reestim tfp`",
    "input_costs": "an index of costs has no sum",
}


def evidence_tables(data: Dataset, codes: Codes) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Evidence by stem, and in words what was left out."""
    tables: dict[str, pd.DataFrame] = {}
    notes: list[str] = []
    for stem in ("patent_labels", "label_audit"):
        if stem in data:
            tables[stem] = add_up(stem, data[stem], codes, ["count"])
    if "label_audit" in tables:
        tables["label_audit"]["design"] = data["label_audit"]["design"].iloc[0]
    for stem, why in NO_SUM.items():
        if stem in data:
            single = [codes.alone(c) and codes.alone(s) for c, s in data[stem][[COUNTRY, SECTOR]].to_numpy()]
            _keep(stem, data[stem], np.array(single), codes, why, tables, notes)
    if "outcomes" in data:
        tables["outcomes"] = outcomes(data, codes, notes)
    if "ree_use_panel" in data:
        tables["ree_use_panel"] = ree_use_panel(data, codes, notes)
    if "published_moments" in data:
        table = data["published_moments"]
        single = np.array([codes.alone(sector) for sector in table[SECTOR]])
        _keep("published_moments", table, single, codes, "an elasticity is that of its own sector", tables, notes)
    for stem in ("event_study", "event_study_covariance"):
        if stem in data:
            _effects(stem, data, codes, tables, notes)
    return {stem: table for stem, table in tables.items() if len(table)}, notes


def outcomes(data: Dataset, codes: Codes, notes: list[str]) -> pd.DataFrame:
    """Exports of countries that stay alone and patents of all add up over sectors; what does not is left out."""
    table: Any = data["outcomes"]
    merged = np.array([not codes.alone(c) for c in table[COUNTRY]])
    joined = np.array([not codes.alone(s) for s in table[SECTOR]])
    kind = table["outcome"]
    lost = ((kind == "exports") & merged) | ((kind == "tfp") & (merged | joined))
    for name, why in (
        ("exports", "what the countries of a region sell each other is in their exports, and by year it is not known"),
        ("tfp", "an index of productivity has no sum"),
    ):
        _say("outcomes", f"{name} of ", table[lost & (kind == name)], codes, why, notes)
    return _complete_sums("outcomes", table[~lost], codes, ["value"], notes)


def ree_use_panel(data: Dataset, codes: Codes, notes: list[str]) -> pd.DataFrame:
    """Series of countries that stay alone; those of sectors that are merged add up where all have the year."""
    table: Any = data["ree_use_panel"]
    single = np.array([codes.alone(c) for c in table[COUNTRY]])
    _say("ree_use_panel", "series of ", table[~single], codes, "other countries of the region have none", notes)
    series: Any = table[single]
    if not len(series) or all(codes.alone(s) for s in series[SECTOR]):
        return codes.renamed(series)
    sums = [name for name in ("tonnes", "value", "output") if name in series]
    size = series[next(name for name in sums if series[name].notna().any())]
    new = _complete_sums("ree_use_panel", series, codes, sums, notes)
    if "error" in series:
        keys = [name for name in (COUNTRY, SECTOR, "series", YEAR) if name in series]
        noise: Any = codes.renamed(series.assign(error=(series["error"] * size) ** 2, size=size))
        by_cell = noise.groupby(keys, sort=False, dropna=False)[["error", "size"]].sum().reset_index()
        by_cell["error"] = np.sqrt(by_cell["error"]) / by_cell["size"]  # errors of sectors are independent
        new = new.merge(by_cell[[*keys, "error"]], on=keys, how="left")
    return new


def _complete_sums(stem: str, table: Any, codes: Codes, sums: list[str], notes: list[str]) -> pd.DataFrame:
    """Sums of the cells of a row, in the years in which every member that ever has a figure has one."""
    keys = [name for name in (COUNTRY, SECTOR, "outcome", "series") if name in table]
    new = codes.renamed(table)
    cell = [new[name] for name in keys]
    members = table[[COUNTRY, SECTOR]].astype(str).agg(" ".join, axis=1)
    ever = members.groupby(cell, dropna=False, sort=False).transform("nunique")
    now = members.groupby([*cell, new[YEAR]], dropna=False, sort=False).transform("nunique")
    short = (now < ever).to_numpy()
    if short.any():
        notes.append(
            f"{stem}.csv is without {int(short.sum())} rows: in those years a part of the merged cell has none."
        )
    complete = table[~short]
    filled = complete.assign(**{name: complete[name].astype(float) for name in sums})
    renamed: Any = codes.renamed(filled)
    grown = renamed.groupby([*keys, YEAR], sort=False, dropna=False)[sums]
    added = grown.sum(min_count=1).reset_index()
    holes: Any = codes.renamed(filled.assign(**{name: filled[name].isna() for name in sums}))
    partly = holes.groupby([*keys, YEAR], sort=False, dropna=False)[sums].any().reset_index()
    added[sums] = added[sums].mask(partly[sums])
    return with_provenance(stem, added.dropna(subset=sums, how="all"), complete, codes)


def _effects(stem: str, data: Dataset, codes: Codes, tables: dict[str, pd.DataFrame], notes: list[str]) -> None:
    """Published effects of groups of countries that the regions do not cut."""
    table = data[stem]
    columns = [name for name in ("countries", "other_countries") if name in table]
    new: Any = table.copy()
    whole = np.ones(len(table), dtype=bool)
    for column in columns:
        groups = [_regions(str(text), data, codes) if pd.notna(text) and text else "" for text in table[column]]
        whole &= np.array([group is not None for group in groups])
        new[column] = [group or "" for group in groups]
    tables[stem] = new[whole].reset_index(drop=True)
    if not whole.all():
        gone = sorted({str(text) for column in columns for text in table.loc[~whole, column]})
        notes.append(f"{stem}.csv is without {', '.join(gone)}: the regions cut these groups of countries.")


def _regions(text: str, data: Dataset, codes: Codes) -> str | None:
    """The same countries in the names of regions; None where a region holds others too."""
    if text == "all":
        return text
    group = country_group(text, data.countries)
    names = list(dict.fromkeys(codes.regions[country] for country in group))
    if len(group) != sum(to in names for to in codes.regions.values()):
        return None
    others = [name for name in codes.new_regions if name not in names]
    return f"all but {' '.join(others)}" if text.startswith("all but") else " ".join(names)


def _keep(
    stem: str,
    table: Any,
    keep: np.ndarray,
    codes: Codes,
    why: str,
    tables: dict[str, pd.DataFrame],
    notes: list[str],
) -> None:
    tables[stem] = codes.renamed(table[keep]).reset_index(drop=True)
    _say(stem, "", table[~keep], codes, why, notes)


def _say(stem: str, what: str, gone: pd.DataFrame, codes: Codes, why: str, notes: list[str]) -> None:
    """A note on rows that are left out, with the merged regions and sectors that they were of."""
    if len(gone):
        new = codes.renamed(gone)
        merged = [
            list(dict.fromkeys(to for label, to in zip(gone[name], new[name], strict=True) if not codes.alone(label)))
            for name in (COUNTRY, SECTOR)
            if name in new
        ]
        names = "; ".join(", ".join(labels) for labels in merged if labels)
        notes.append(f"{stem}.csv is without {what}{names} ({len(gone)} rows): {why}.")
