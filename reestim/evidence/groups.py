"""The evidence of a dataset as groups of a run, so that its report can show it without the dataset."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

import xarray as xr

from reestim.data.published_effects import EFFECTS
from reestim.dims import OUTCOMES
from reestim.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from reestim.data.dataset import Dataset
    from reestim.study.spec import Evidence

_log = logging.getLogger(__name__)
GROWTH, EVENTS, ELEMENTS, IDENTITIES = "growth_accounting", "event_study", "element_similarity", "split_identities"
LABEL_QUALITY = "label_quality"


def evidence_groups(data: Dataset, evidence: Evidence, *, quick: bool = False) -> dict[str, xr.Dataset]:
    """The evidence of a dataset as groups of a run.

    What cannot be estimated is left out with a warning in the log: the fit does not need it.

    Parameters
    ----------
    data
        The dataset.
    evidence
        Of the study, as it states it.
    quick
        The event study of all countries, two_way, without placebo years.

    Returns
    -------
    dict of xarray.Dataset
        growth_accounting, event_study, element_similarity (with substitutability), split_identities and label_quality,
        as far as the dataset has what they need and the study uses it.
    """
    from reestim.evidence.productivity import growth_accounting
    from reestim.labels.quality import label_quality
    from reestim.supply_chain.element_similarity import element_similarity
    from reestim.supply_chain.ree_rows import ree_input_output
    from reestim.supply_chain.split_checks import split_identities
    from reestim.supply_chain.substitutability import substitutability

    io, evidence = ree_input_output(data), evidence.settled(data.tables)
    groups = {
        IDENTITIES: xr.Dataset(
            {name: (IDENTITIES, column.to_numpy()) for name, column in split_identities(data).items()}
        )
    }
    if "growth_accounts" in data:
        groups[GROWTH] = growth_accounting(data["growth_accounts"])
    if evidence.patents and "label_audit" in data:
        tables = data["patent_labels"], data["label_audit"]
        groups[LABEL_QUALITY] = label_quality(*tables, data.label_record, data.meta.synthetic)
    makers: dict[str, Callable[[], xr.Dataset]] = {
        # other properties than those of the map: a dim of its own, or xarray would align the two and leave NaN
        ELEMENTS: lambda: element_similarity(data).assign(
            substitutability=substitutability(data, io).rename(property="predictor")
        ),
    }
    if names := studied(data, evidence):
        makers[EVENTS] = lambda: _events(data, io, names, evidence.exposure, quick)
    for name, make in makers.items():
        try:
            groups[name] = make()
        except InputError as error:
            _log.warning("    %s left out of the report: %s", name.replace("_", " "), error.problems[0])
    return groups


def studied(data: Dataset, evidence: Evidence) -> list[str]:
    """Outcomes whose event study belongs to a study: those of its likelihood, and the patents that it counts.

    ``evidence`` as `Evidence.settled` gives it for the dataset.
    """
    from reestim.evidence.outcome_choice import event_outcomes

    names: set[str] = set()
    if evidence.event_study and ("outcomes" in data or EFFECTS in data):
        panel, published = event_outcomes(data.tables, evidence)
        names = {*panel, *published}
    if evidence.patents and "patent_labels" in data:
        names.add("patents")
    return [name for name in OUTCOMES if name in names]


def _events(data: Dataset, io: xr.Dataset, names: list[str], exposure: str, quick: bool) -> xr.Dataset:
    from reestim.evidence.estimators import ESTIMATORS, TWO_WAY
    from reestim.evidence.event_paths import event_study

    study = partial(event_study, data, outcomes=names, exposure=exposure, io=io)
    if quick:
        return study(countries=["all"], estimators=[TWO_WAY], placebo=False)
    return study(estimators=ESTIMATORS)
