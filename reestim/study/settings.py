"""The tables of a study that are neither data nor priors: evidence, sampler, gates, counterfactual."""

from __future__ import annotations

from collections.abc import Container
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from reestim.editions import OLD_SWITCH

#: Longest lag of a price, years.
MAX_LAG = 10

STRICT = ConfigDict(extra="forbid", frozen=True, strict=True)


class Evidence(BaseModel):
    """The table ``[evidence]``: which kinds of evidence are used (docs/model.md section 4), and how."""

    model_config = STRICT

    #: Labelled patents, equations (12)–(13). Absent: where the dataset has them. Stated true, and they are missing: an
    #: error.
    patents: bool | None = None
    #: Errors of labels are learnt from the audit, alike everywhere or by group (prior ``confusion_spread``). False:
    #: labels are taken for the true classes, the audit is left aside.
    label_error: bool | Literal["by_country", "by_sector", "by_period"] = True
    event_study: bool = True
    ree_use: bool = True  # equation (15)
    published_moments: bool = False  # elasticities that others have published, with their standard errors
    #: Years between a price and research on it, beyond the pace of the clock (2b); of several, the weights are
    #: estimated (prior ``lag_weights``).
    price_lag: int | list[int] = 0
    #: What patents are taken for: the flow into knowledge (12), or its level, which reads m off them directly.
    patents_as: Literal["flows", "levels"] = "flows"
    #: The bundle of elements is CES with ρ estimated (prior ``element_elasticity``), not Cobb–Douglas.
    element_elasticity: bool = False
    #: The event study is predicted by the equilibrium, not in closed form: models/equilibrium_in_the_loop.toml.
    equilibrium: bool = False
    #: From the panel. Absent: exports and tfp, as far as the dataset has them (patents come in through their own block,
    #: and here they would count twice). Stated: exactly these ([]: none), and a missing one is an error.
    event_outcomes: list[Literal["exports", "tfp", "patents"]] | None = None
    #: The same for published effects (event_study.csv); absent: all there, patents only where ``patents`` is off.
    published_outcomes: list[Literal["exports", "tfp", "patents"]] | None = None
    #: Exposure of the event study: through all suppliers (Leontief), or the sector's own cost share.
    exposure: Literal["total", "direct"] = "total"
    #: M̄ (Rambachan and Roth 2023): where exposed sectors moved apart before the policy, the covariance of the effects
    #: gets what a difference in trends of M̄ times that size adds; 0: never.
    trend_ratio: float = Field(default=1.0, ge=0)

    @field_validator("price_lag")
    @classmethod
    def _lags(cls, lag: int | list[int]) -> int | list[int]:
        lags = [lag] if isinstance(lag, int) else lag
        if not lags or len(set(lags)) < len(lags) or not all(0 <= k <= MAX_LAG for k in lags):
            raise ValueError(f"lags are whole years from 0 to {MAX_LAG}, each once")
        return lag

    @model_validator(mode="before")
    @classmethod
    def _of_the_first_edition(cls, table: object) -> object:
        if isinstance(table, dict) and "transition" in table:
            raise ValueError(OLD_SWITCH)
        return table

    @model_validator(mode="after")
    def _equilibrium_alone(self) -> Evidence:
        if self.equilibrium and not self.event_study:
            raise ValueError("the equilibrium predicts the event study: set event_study = true")
        if self.equilibrium and self.element_elasticity:
            raise ValueError(
                "with equilibrium = true the bundle of elements is Cobb-Douglas: set element_elasticity = false"
            )
        return self

    def settled(self, stems: Container[str]) -> Evidence:
        """The same for a dataset with these files (their stems): patents are on or off.

        To be called where a study meets its dataset, once; what is called from there takes the result.
        """
        if self.patents is not None:
            return self
        return self.model_copy(update={"patents": "patent_labels" in stems})

    @property
    def price_lags(self) -> list[int]:
        """The lags as a list, ascending."""
        return [self.price_lag] if isinstance(self.price_lag, int) else sorted(self.price_lag)


class Sampler(BaseModel):
    """The table ``[sampler]``: how the posterior is drawn. ``draws`` and ``tune`` are per chain."""

    model_config = STRICT

    name: Literal["nutpie", "numpyro", "blackjax", "pymc"] = "nutpie"
    draws: int = Field(default=500, ge=1, le=1_000_000)
    tune: int = Field(default=1000, ge=1, le=1_000_000)
    chains: int = Field(default=4, ge=1, le=1_000)
    target_accept: float = Field(default=0.9, gt=0, lt=1)
    max_tree_depth: int = Field(default=10, ge=1, le=20)  # a trajectory takes up to 2^depth - 1 steps


class Gates(BaseModel):
    """The table ``[gates]``: what the draws must pass before they count as a posterior."""

    model_config = STRICT

    max_divergences: int = Field(default=0, ge=0)
    max_r_hat: float = Field(default=1.01, gt=1)
    min_ess: float = Field(default=400.0, gt=0)  # bulk and tail, the smallest over all parameters
    min_e_bfmi: float = Field(default=0.3, ge=0)  # of the worst chain
    max_saturated: float = Field(default=0.01, ge=0, le=1)  # share of draws that ended at the largest tree depth


class CounterfactualSpec(BaseModel):
    """The table ``[counterfactual]``: scenario files beside the study, technologies, draws that are solved."""

    model_config = STRICT

    scenarios: list[str] = []
    technology: list[Literal["fixed", "directed", "frontier", "transition"]] = Field(
        default=["fixed", "directed"], min_length=1
    )
    from_year: int | None = Field(default=None, ge=1900, le=2100)  # first and last year of the transition
    to_year: int | None = Field(default=None, ge=1900, le=2100)
    draws: int | None = Field(default=None, ge=1)  # absent: all
    #: "drawn": what the dataset says of the errors of its figures is drawn beside the parameters (docs/inputs.md).
    inputs: Literal["fixed", "drawn"] = "fixed"

    @model_validator(mode="after")
    def _years_of_a_transition(self) -> CounterfactualSpec:
        asked, years_stated = "transition" in self.technology, self.from_year is not None or self.to_year is not None
        if len(set(self.technology)) < len(self.technology):
            raise ValueError("name each technology once")
        if self.technology == ["transition"]:
            raise ValueError('a transition needs "directed" (the long run) or "fixed" beside it')
        if asked and (self.from_year is None or self.to_year is None or self.from_year > self.to_year):
            raise ValueError("a transition needs from_year and to_year, the first not after the last")
        if years_stated and not asked:
            raise ValueError('from_year and to_year are for a transition: add "transition" to technology')
        return self

    @property
    def years(self) -> range | None:
        """The consecutive years of the transition, if there is one."""
        return None if self.from_year is None or self.to_year is None else range(self.from_year, self.to_year + 1)
