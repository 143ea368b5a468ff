"""Which evidence speaks about what: one row a parameter, one column a kind of evidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from reestim.checks.evidence_sensitivity import EVIDENCE, EVIDENCE_SENSITIVITY
from reestim.checks.power_scaling import symbol
from reestim.checks.prior_sensitivity import SENSITIVE, resting
from reestim.reports.section import POSTERIOR, Notes, Section, TableBlock
from reestim.results.format import number

if TYPE_CHECKING:
    import xarray as xr

TABLE = "evidence_sensitivity"


def tables(post: xr.DataTree) -> dict[str, pd.DataFrame]:
    """The table ``evidence_sensitivity``: parameter, symbol, and the sensitivity to each kind of evidence and to the
    priors (pure numbers), where the run keeps log densities."""
    if EVIDENCE_SENSITIVITY not in post.children:
        return {}
    sensitivity = post[EVIDENCE_SENSITIVITY]["sensitivity"].transpose("parameter", EVIDENCE)
    names = [str(name) for name in sensitivity["parameter"].values]
    columns = dict(zip(map(str, sensitivity[EVIDENCE].values), sensitivity.values.T, strict=True))
    return {TABLE: pd.DataFrame({"parameter": names, "symbol": [symbol(name) for name in names], **columns})}


def section(post: xr.DataTree, tables: Mapping[str, pd.DataFrame]) -> Section | None:
    """The table, and in a sentence what no evidence speaks about, and what rests on its prior all the same."""
    del post
    if TABLE not in tables:
        return None
    table = tables[TABLE]
    kinds = [name for name in table.columns if name not in ("parameter", "symbol")]
    rows = [[row["symbol"], *(number(row[k]) for k in kinds)] for row in table.to_dict("records")]
    caption = (
        "How far the posterior of a parameter moves when one kind of evidence, or all priors, get a little more or "
        f"less weight (power-scaling; {SENSITIVE} and above counts as sensitive). Use of rare earths speaks of σ at "
        "once and of its long run slowly, patents of how far and how fast knowledge follows prices."
    )
    of_evidence = table[[k for k in kinds if k != "priors"]]
    silent = table.loc[(of_evidence < SENSITIVE).all(axis=1), "symbol"].tolist()
    sentence = (
        f"No kind of evidence speaks about {', '.join(silent)}."
        if silent
        else "Each of these parameters moves with the weight of some evidence."
    )
    judged = tables.get("prior_posterior")
    named = [] if judged is None else [one for one in resting(judged) if one in set(table["symbol"]) - set(silent)]
    if named:
        sentence += (
            f" Moving is not narrowing: {', '.join(named)} {'moves' if len(named) == 1 else 'move'} with the evidence, "
            "but not by enough to be learnt from it, and rest on priors (the section above)."
        )
    heads = ["Parameter", *(k.replace("_", " ") for k in kinds)]
    blocks = [TableBlock(TABLE, caption, heads, rows), Notes([sentence])]
    return Section("evidence", "Which evidence speaks about what", blocks, POSTERIOR)
