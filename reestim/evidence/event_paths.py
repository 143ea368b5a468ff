"""What happened to exposed sectors after the policy: ``event_study``, by outcome, countries and estimator.

Its checks say how far to believe it: tests of pre-trends, placebo years.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
import xarray as xr

from reestim.data.country_groups import ALL, country_group
from reestim.data.published_effects import EFFECTS
from reestim.dims import COUNTRY, ELEMENT, OUTCOMES, SECTOR, YEAR
from reestim.errors import InputError, Problem
from reestim.evidence.estimators import ESTIMATORS, UNEXPOSED
from reestim.evidence.event_design import COUNTRY_SECTOR, UNITS
from reestim.evidence.event_options import (
    PATENT_OUTCOME,
    TOTAL,
    EventStudyOptions,
    check_options,
    outcome_panel,
    outcomes_there,
)
from reestim.evidence.event_rows import Rows
from reestim.evidence.path_posterior import RANDOM_WALK, SCALE
from reestim.intervals import INTERVAL, LEVEL

if TYPE_CHECKING:
    from reestim.data.dataset import Dataset


def event_study(
    data: Dataset,
    *,
    outcomes: Sequence[str] | None = None,
    countries: Sequence[str] | None = None,
    policy_year: int | None = None,
    years: Sequence[int] | None = None,
    exposure: str = TOTAL,
    estimators: Sequence[str] = ESTIMATORS,
    cluster: str = COUNTRY_SECTOR,
    reference: int = -1,
    prior: str = RANDOM_WALK,
    prior_scale: float = SCALE,
    placebo: bool = True,
    seed: int = 1,
    io: xr.Dataset | None = None,
) -> xr.Dataset:
    """Estimate what happened to exposed sectors after the policy: exports, TFP and patents, with checks.

    The regression of docs/model.md section 4. Exports and TFP come from ``outcomes.csv`` in logs; patents from there,
    else from ``patent_labels.csv`` (label ``enhancing``), as counts by Poisson regression; effects of
    ``event_study.csv`` are shown beside them.

    Parameters
    ----------
    data : Dataset
        With ``outcomes.csv``, ``patent_labels.csv`` or ``event_study.csv``.
    outcomes : sequence of str, optional
        Those to study, of ``exports``, ``tfp``, ``patents``. Default: all there are.
    countries : sequence of str, optional
        Groups, as ``all``, ``JPN KOR``, ``all but CHN``. Default: all, and all but CHN.
    policy_year : int, optional
        Default: that of the dataset.
    years : sequence of int, optional
        Years of the panel. Default: all.
    exposure : str
        ``total`` (through all suppliers, Leontief) or ``direct`` (cost share θ). Its standard deviation over the
        country-sectors of the panel, all countries, is the unit of every effect.
    estimators : sequence of str
        Of ``two_way``, ``country_mean``, ``exposed_against_unexposed`` (``reestim/evidence/estimators.py``).
    cluster : str
        ``country-sector`` or ``sector``.
    reference : int
        Event time, in years, that effects are measured against.
    prior : str
        Of the Bayesian path (``reestim/evidence/path_posterior.py``): ``random_walk`` or ``independent``.
    prior_scale : float
        Scale of that prior, log points a year.
    placebo : bool
        Whether pretended policy years before the true one are estimated too.
    seed : int
        Of the wild cluster bootstrap, which stands beside the p-value where clusters are fewer than 50.
    io : xarray.Dataset, optional
        The economy of ``ree_input_output``, where it is known already.

    Returns
    -------
    xarray.Dataset
        Three long tables (``event_tables`` makes frames). Along ``effect`` (event_time, last_event_time): estimate,
        std_error, low, high, posterior_median, posterior_low, posterior_high, probability_positive; the reference is
        there as 0. Along ``study``: the same of the mean over all years from the policy on, with pretrend_p_value,
        placebo_p_value, robust_low, robust_high and breakdown_ratio (bounds of Rambachan and Roth:
        ``reestim/evidence/honest_bounds.py``), wild_p_value, and the numbers of observations, clusters, countries.
        Along ``placebo``: estimate, std_error, low, high for each pretended year. Log points for one standard deviation
        of exposure; 90 % equal-tailed intervals. attrs: exposure_sd (fraction of cost), notes (what could not be
        estimated, and why), simulated (files).

    Raises
    ------
    InputError
        All problems together. A study of several that cannot be estimated is a note.

    Examples
    --------
    >>> import reestim as ree
    >>> data = ree.load_dataset("rare-earths-2010")
    >>> found = ree.event_study(data, outcomes=["tfp"], countries=["all"], estimators=["two_way"], placebo=False)
    >>> found.sizes["study"], found.attrs["simulated"]
    (2, [])
    """
    frame = outcome_panel(data)
    check_options(data, frame, outcomes, countries, exposure, estimators, cluster, prior)
    economy = _economy(data) if io is None else io
    dose = exposure_of(economy, exposure)
    names = list(outcomes) if outcomes is not None else [o for o in OUTCOMES if o in outcomes_there(data, frame)]
    usual = [ALL, *(["all but CHN"] if "CHN" in data.countries and len(data.countries) > 1 else [])]
    policy = data.meta.policy_year if policy_year is None else policy_year
    chosen = EventStudyOptions(policy, reference, cluster, prior, prior_scale, _deviation(frame, dose), seed)
    rows = Rows()
    if exposure == TOTAL and UNEXPOSED in estimators:  # everything holds rare earths somewhere in its supply chain
        estimators = [e for e in estimators if e != UNEXPOSED]
        rows.notes.append(f"{UNEXPOSED} is left out: through all suppliers no sector that produces is unexposed")
    if years is not None:
        frame = frame[frame[YEAR].isin(list(years))]
    for name in names:
        for group in list(countries) if countries is not None else usual:
            inside = frame[(frame["outcome"] == name) & frame[COUNTRY].isin(country_group(group, data.countries))]
            if not inside.empty:
                rows.add_panel(name, group, inside, dose, chosen, estimators, placebo)
    if EFFECTS in data:
        rows.add_published(data, names, chosen)
    if not rows.studies:
        raise InputError(rows.problems, "the event study cannot be estimated")
    return rows.dataset().assign_attrs(
        policy_year=policy,
        reference_event_time=reference,
        exposure=exposure,
        exposure_sd=chosen.exposure_sd,
        cluster=cluster,
        prior=f"{prior}, half-normal({prior_scale:g}) per year",
        interval=f"{100 * LEVEL:.0f} % {INTERVAL['kind']}",
        units=UNITS,
        notes=rows.notes,
        simulated=synthetic_outcome_files(data, names),
    )


def exposure_of(io: xr.Dataset, kind: str = TOTAL) -> xr.DataArray:
    """Exposure of the sectors of goods.

    Parameters
    ----------
    io
        Arrays of docs/model.md section 3.
    kind
        ``"total"`` (through all suppliers) or ``"direct"``.

    Returns
    -------
    xarray.DataArray
        (country, sector), fraction of cost.
    """
    from reestim.supply_chain.exposure import exposure

    goods = [s for s in io[SECTOR].values if s not in set(io[ELEMENT].values)]
    share = exposure(io)[kind].transpose(COUNTRY, SECTOR).sel({SECTOR: goods})
    return share.reset_coords(drop=True)


def synthetic_outcome_files(data: Dataset, names: Sequence[str]) -> list[str]:
    """Files of outcomes in use that are simulated.

    Parameters
    ----------
    data
        The dataset.
    names
        Outcomes in use.

    Returns
    -------
    list of str
        Names of files.
    """
    used = {"outcomes.csv", *(["patent_labels.csv"] if PATENT_OUTCOME in names else [])}
    return [file for file in data.meta.synthetic if file in used]


def _deviation(frame: pd.DataFrame, dose: xr.DataArray) -> float:
    """One standard deviation of exposure over the country-sectors of the panel (all cells where there is no panel)."""
    exposed: Any = dose.rename("exposure").to_series().reset_index()
    units: Any = frame[[COUNTRY, SECTOR]].drop_duplicates().merge(exposed) if len(frame) else exposed
    deviation = float(units["exposure"].std()) if len(units) > 1 else 0.0
    if not deviation > 0:
        raise InputError(Problem("exposure does not vary", "Check the uses of rare earths", file="element_use.csv"))
    return deviation


def _economy(data: Dataset) -> xr.Dataset:
    from reestim.supply_chain.ree_rows import ree_input_output

    return ree_input_output(data)


def event_tables(study: xr.Dataset) -> dict[str, pd.DataFrame]:
    """Make the tables of an event study.

    Parameters
    ----------
    study
        From `reestim.event_study`.

    Returns
    -------
    dict of pandas.DataFrame
        event_study_effects, event_study_summary, event_study_placebos.
    """
    names = {"effect": "effects", "study": "summary", "placebo": "placebos"}
    return {
        f"event_study_{title}": pd.DataFrame(
            {str(v).removeprefix(f"{dim}_"): study[v].values for v in study.data_vars if study[v].dims == (dim,)}
        )
        for dim, title in names.items()
    }
