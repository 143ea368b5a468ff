"""Rows of a dataset in the regions and sectors of a mapping, and what a row that adds up several rests on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from reestim.data.schemas import SCHEMAS
from reestim.data.uncertainty import IMPUTED, READ, RECALLED, UPDATED
from reestim.dims import COUNTRY, EXPORTER, IMPORTER, INPUT, SECTOR

#: Kinds of figures, from the one that says least.
_WEAKEST_FIRST = (IMPUTED, RECALLED, UPDATED, READ)
#: Sources that a sum names; of more it says how many.
_NAMED = 3


@dataclass(frozen=True)
class Codes:
    """Region of every country and sector of every good, in the order of the dataset; labels without a row stay."""

    regions: Mapping[str, str]
    sectors: Mapping[str, str]

    @property
    def new_regions(self) -> list[str]:
        return list(dict.fromkeys(self.regions.values()))

    @property
    def new_sectors(self) -> list[str]:
        return list(dict.fromkeys(self.sectors.values()))

    @property
    def nothing_merged(self) -> bool:
        """Whether the mapping only renames."""
        return len(self.new_regions) == len(self.regions) and len(self.new_sectors) == len(self.sectors)

    def alone(self, label: str) -> bool:
        """Whether a country is its region's only one, or a good its sector's; what is neither stays as it is."""
        for mapping in (self.regions, self.sectors):
            if label in mapping:
                return Counter(mapping.values())[mapping[label]] == 1
        return True

    def members(self, mapping: Mapping[str, str], labels: Sequence[str]) -> Float[np.ndarray, "new old"]:
        """1 where the old label belongs to the new one."""
        new = list(dict.fromkeys(mapping.values()))
        return np.array([[mapping[label] == name for label in labels] for name in new], dtype=float)

    def renamed(self, table: pd.DataFrame) -> pd.DataFrame:
        """The table with new labels; rows are not added up."""
        new = table.copy()
        for columns, mapping in (((COUNTRY, IMPORTER, EXPORTER), self.regions), ((SECTOR, INPUT), self.sectors)):
            for column in new.columns.intersection(list(columns)):
                new[column] = [mapping.get(label, label) for label in new[column]]
        return new

    def words(self) -> str:
        """Which labels were merged or renamed."""
        sentences = []
        for mapping in (self.regions, self.sectors):
            for name in dict.fromkeys(mapping.values()):
                labels = [label for label, to in mapping.items() if to == name]
                sentences += [f"{name} = {' '.join(labels)}"] if labels != [name] else []
        return "; ".join(sentences) or "all labels as they were"


_PROVENANCE = ("source", "verified")


def add_up(stem: str, table: pd.DataFrame, codes: Codes, sums: Sequence[str]) -> pd.DataFrame:
    """The table with new labels and one row a key, in the order of first mention; ``sums`` are added up."""
    new: Any = codes.renamed(table)
    keys = [name for name in SCHEMAS[stem].key if name in new]
    added = new.groupby(keys, sort=False, dropna=False)[list(sums)].sum().reset_index()
    return with_provenance(stem, added, table, codes)


def with_provenance(stem: str, rows: pd.DataFrame, table: pd.DataFrame, codes: Codes) -> pd.DataFrame:
    """``rows`` with the columns ``source`` and ``verified`` where ``table``, whose rows they add up, has them."""
    rows = rows.drop(columns=[name for name in _PROVENANCE if name in rows])
    if "source" not in table:
        return rows
    keys = [name for name in SCHEMAS[stem].key if name in rows]
    grouped = codes.renamed(table).groupby(keys, sort=False, dropna=False)
    provenance = pd.DataFrame({"source": grouped["source"].agg(lambda texts: combined_source(list(texts)))})
    if "verified" in table:
        provenance["verified"] = grouped["verified"].all()
    joined = rows.merge(provenance.reset_index(), on=keys, how="left", validate="one_to_one")
    nothing = joined["source"].isna()  # a cell of zeros that no row of the dataset names
    return joined.assign(source=joined["source"].mask(nothing, f"{IMPUTED}: nothing is stated")).fillna(
        {"verified": False}
    )


def combined_source(sources: Sequence[str]) -> str:
    """What a sum rests on: one source as it is; of several the weakest kind first, then all."""
    distinct = list(dict.fromkeys(str(source) for source in sources))
    if len(distinct) == 1:
        return distinct[0]
    kinds = {source.split(":")[0].split(" ")[0].lower() for source in distinct}
    weakest = next((kind for kind in _WEAKEST_FIRST if kind in kinds), READ)
    named, more = distinct[:_NAMED], len(distinct) - _NAMED
    return f"{weakest}: added up: {' | '.join(named)}" + (f" | and {more} more" if more > 0 else "")
