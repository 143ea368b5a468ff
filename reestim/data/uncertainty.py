"""The table ``[uncertainty]`` of ``dataset.toml``: how far figures may be off, by where they come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from reestim.numerics.lognormal import log_sd_of_cv

if TYPE_CHECKING:
    from reestim.data.dataset import Dataset

READ, RECALLED, IMPUTED, UPDATED = "read", "recalled", "imputed", "updated"
PROVENANCE = (READ, RECALLED, IMPUTED, UPDATED)
#: Standard deviation of the log of a figure. Beyond 2, 90 % of the values span three orders of magnitude.
LogSd = Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True, strict=True)


class FileErrors(_Strict):
    """The same for one file, where it differs from what holds for all."""

    read: LogSd | None = None
    recalled: LogSd | None = None
    imputed: LogSd | None = None
    updated: LogSd | None = None


class Uncertainty(_Strict):
    """Log-normal errors of figures by provenance, for ``ree.counterfactual(..., inputs="drawn")``.

    Attributes
    ----------
    reason : str
        Why they are what they are.
    read, recalled, imputed, updated : float
        Standard deviation of the log of a figure that was seen in its source, that is from memory of it, that a rule
        made from other figures, and that is of an older year, balanced to newer totals. The defaults are conventions of
        this project: a published statistic is within a tenth nine times out of ten, a figure from memory within a
        quarter, an imputed one within a factor of 1.6; what was updated counts as recalled.
    element_use, application_sector, country_use, element_prices, element_output, trade : FileErrors
        The same for one file. 0 takes its figures as known.
    """

    reason: str = Field(min_length=1)
    read: LogSd = 0.05
    recalled: LogSd = 0.15
    imputed: LogSd = 0.3
    updated: LogSd = 0.15
    element_use: FileErrors = FileErrors()
    application_sector: FileErrors = FileErrors()
    country_use: FileErrors = FileErrors()
    element_prices: FileErrors = FileErrors()
    element_output: FileErrors = FileErrors()
    trade: FileErrors = FileErrors()

    def of(self, stem: str, provenance: str) -> float:
        """Standard deviation of the log of a figure of this file and provenance."""
        own: float | None = getattr(getattr(self, stem), provenance)
        return getattr(self, provenance) if own is None else own


#: Files whose figures may carry an error.
FILES = tuple(name for name in Uncertainty.model_fields if name not in ("reason", *PROVENANCE))


def states_errors(data: Dataset) -> bool:
    """Whether the dataset says of any of its figures how far it may be off."""
    return data.meta.uncertainty is not None or bool(_stated_cv(data["element_use"]).notna().any())


def log_sd(data: Dataset, stem: str) -> pd.Series:
    """Standard deviation of the log of each row's figure; 0 where none is stated.

    The provenance of a row is the first word of its ``source``: recalled, imputed or updated, else it was read. A file
    without that column is imputed where ``dataset.toml`` lists it as imputed or synthetic. In ``element_use.csv`` the
    column ``cv`` goes first: √ln(1+cv²) of a log-normal figure.
    """
    table, stated = data[stem], data.meta.uncertainty
    sd = pd.Series(0.0, index=table.index)
    if stated is not None:
        sd = _provenance(data, stem).map(lambda kind: stated.of(stem, kind)).astype(float)
    if stem == "element_use":
        own: Any = log_sd_of_cv(_stated_cv(table))
        sd = own.where(own.notna(), sd)
    return sd


def imputed_sd(data: Dataset, stem: str) -> float:
    """The same of what the file does not say and a rule puts in its place."""
    return data.meta.uncertainty.of(stem, IMPUTED) if data.meta.uncertainty else 0.0


def _stated_cv(table: pd.DataFrame) -> pd.Series:
    cv: Any = table["cv"] if "cv" in table else pd.Series(np.nan, index=table.index)
    return cv


def _provenance(data: Dataset, stem: str) -> pd.Series:
    table: Any = data[stem]
    if "source" not in table:
        listed = f"{stem}.csv" in (*data.meta.imputed, *data.meta.synthetic)
        return pd.Series(IMPUTED if listed else READ, index=table.index)
    first = table["source"].astype(str).str.extract(r"^(\w+)", expand=False).str.lower()
    return first.where(first.isin(PROVENANCE), READ)
