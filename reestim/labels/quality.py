"""How good the labels of a run are: what the audit counted, what it says of all patents, and who labelled them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from reestim.data.label_record import AUDIT, COUNTS
from reestim.dims import LABEL, LABELS, YEAR
from reestim.io.json_text import json_text
from reestim.labels.agreement import HUMAN, MACHINE, Agreement, agreement, drift


def label_quality(
    patent_labels: pd.DataFrame,
    label_audit: pd.DataFrame,
    record: Mapping[str, Any] | None = None,
    synthetic: Sequence[str] = (),
) -> xr.Dataset:
    """The group ``label_quality`` of a run, from the tables of a dataset and what it says of them.

    Returns
    -------
    ``audited`` (human_label, machine_label, year): patents; year is 0 where the audit does not state it.
    ``patents`` (label): all patents by the labeller's label. Attributes ``design``, ``record`` (JSON, who labelled)
    and ``synthetic`` (JSON, files of the two that are simulated or counted from made patents).
    """
    table = label_audit if YEAR in label_audit else label_audit.assign(**{YEAR: 0})
    years = sorted(table[YEAR].unique())
    index = pd.MultiIndex.from_product([LABELS, LABELS, years], names=[HUMAN, MACHINE, YEAR])
    counts: Any = table.astype({HUMAN: "str", MACHINE: "str"}).groupby([HUMAN, MACHINE, YEAR])["count"].sum()
    audited = counts.reindex(index, fill_value=0).to_xarray()
    audited = audited.sel({HUMAN: list(LABELS), MACHINE: list(LABELS)}).astype("int64")
    by_label: Any = patent_labels.astype({LABEL: "str"}).groupby(LABEL)["count"].sum()
    patents = xr.DataArray(by_label.reindex(list(LABELS), fill_value=0).to_numpy(), {LABEL: list(LABELS)}, LABEL)
    return xr.Dataset(
        {
            "audited": audited.assign_attrs(long_name="audited patents", units="patents"),
            "patents": patents.assign_attrs(long_name="patents by the labeller's label", units="patents"),
        },
        attrs={
            "design": str(label_audit["design"].iloc[0]),
            "record": json_text(dict(record or {})),
            "synthetic": json_text([name for name in (COUNTS, AUDIT) if name in synthetic]),
        },
    )


def agreement_of(quality: xr.Dataset) -> Agreement:
    """Agreement of labeller and people among all patents, as the audit's design allows (``agreement``)."""
    counts: Any = quality["audited"].sum(YEAR).to_pandas()
    patents = quality["patents"].sel({LABEL: list(LABELS)}).values
    return agreement(counts, quality.attrs["design"], (patents / patents.sum()).tolist())


def drift_of(quality: xr.Dataset) -> tuple[pd.DataFrame, float]:
    """Agreement by year and the p-value of a trend (``drift``); no rows where the audit does not state the years."""
    years = quality[YEAR].values
    if (years == 0).any():
        empty = pd.DataFrame({name: [] for name in ("year", "audited", "agree", "share", "low", "high")})
        return empty, float("nan")
    cells: Any = quality["audited"].to_series()
    rows = cells[cells > 0].reset_index(name="n")
    rows = rows.loc[np.repeat(rows.index.to_numpy(), rows["n"].to_numpy())]
    stratum = {"by_label": rows[MACHINE], "by_class": rows[HUMAN]}.get(
        quality.attrs["design"], rows[HUMAN].map(lambda _: "")
    )
    agree = (rows[HUMAN] == rows[MACHINE]).tolist()
    return drift(rows[YEAR].tolist(), agree, stratum.tolist())
