"""Does an answer rest on the data or on its prior: power-scaling (Kallioinen et al. 2024), for κ, ξ, χ, mean σ.

A parameter is sensitive to the prior (the likelihood) when raising all stated priors (the likelihood) to a power a
little above or below one moves its posterior; the posterior is reweighted, not sampled again.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from reestim.checks.protocol import Check
from reestim.dims import CHAIN, DRAW, SECTOR
from reestim.reports.effects import quantiles
from reestim.reports.format import with_interval

GROUP = "prior_sensitivity"
PARAMETERS = {"kappa": "κ", "spillover": "ξ", "crowding_out": "χ", "mean_sigma": "mean σ"}
#: Sensitivity from which on a posterior is said to react (Kallioinen et al. 2024, as in ArviZ).
SENSITIVE = 0.05


def prior_sensitivity(post: xr.DataTree) -> xr.Dataset | None:
    """Sensitivities ``prior`` and ``likelihood`` (parameter), pure numbers; None where the run keeps no log densities.

    Parameters are κ, ξ, χ and σ averaged over sectors, as far as the run samples them.
    """
    if not {"log_prior", "log_likelihood"} <= set(post.children):
        return None
    import arviz

    az: Any = arviz  # its names come at run time
    draws = _draws(post["posterior"].to_dataset())
    if not draws.data_vars:
        return None
    log = {name: post[name].to_dataset() for name in ("log_prior", "log_likelihood")}
    tree = xr.DataTree.from_dict({"posterior": draws, **log})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = {part: az.psense(tree, group=part) for part in ("prior", "likelihood")}
    names = [str(name) for name in draws.data_vars]
    about = {"long_name": "power-scaling sensitivity", "units": "1"}
    return xr.Dataset(
        {part: ("parameter", [float(ds[name]) for name in names], about) for part, ds in found.items()},
        coords={"parameter": names},
    )


def sensitivity_table(post: xr.DataTree) -> pd.DataFrame:
    """One row per parameter: prior, likelihood (sensitivities), verdict, and posterior beside prior: median, low, high
    (90 % equal-tailed), from the group ``prior_sensitivity`` of a run."""
    found = post[GROUP].to_dataset()
    after = _draws(post["posterior"].to_dataset())
    before = _draws(post["prior"].to_dataset()) if "prior" in post.children else xr.Dataset()
    rows = []
    for name in found["parameter"].values.tolist():
        one = found.sel(parameter=name)
        prior, likelihood = float(one["prior"]), float(one["likelihood"])
        row: dict[str, Any] = {"parameter": name, "prior": prior, "likelihood": likelihood}
        row["verdict"] = verdict(prior, likelihood)
        for draws, start in ((after, ""), (before, "prior_")):
            if name in draws:
                row |= {f"{start}{k}": float(v) for k, v in quantiles(draws[name]).data_vars.items()}
        rows.append(row)
    return pd.DataFrame(rows)


def verdict(prior: float, likelihood: float) -> str:
    """``data``, ``prior`` (rests on it), ``both`` (either moves it: they may disagree), ``neither``, ``unknown``."""
    if not (np.isfinite(prior) and np.isfinite(likelihood)):
        return "unknown"
    reacts = (prior >= SENSITIVE, likelihood >= SENSITIVE)
    return {(False, True): "data", (True, False): "prior", (True, True): "both", (False, False): "neither"}[reacts]


_WORDS = {
    "data": "is learnt from the data: their weight moves it, that of the priors does not",
    "prior": "RESTS ON ITS PRIOR: the weight of the priors moves it, that of the data does not; it is "
    "not identified by these data",
    "both": "depends on priors and data alike: the priors are strong, or disagree with the data; report it with other "
    "priors too",
    "neither": "moves with the weight of neither: the data add little to what the rest of the model implies",
    "unknown": "cannot be judged: the draws are too few or too uneven to be reweighted",
}


def sentences(table: pd.DataFrame) -> list[str]:
    """One sentence a parameter, with both sensitivities and posterior beside prior."""
    out = []
    for row in table.to_dict("records"):
        beside = with_interval(row["median"], row["low"], row["high"])
        if np.isfinite(row.get("prior_median", np.nan)):
            beside += f", prior {with_interval(row['prior_median'], row['prior_low'], row['prior_high'])}"
        numbers = f"sensitivity to priors {row['prior']:.2f}, to data {row['likelihood']:.2f}; posterior {beside}"
        out.append(f"{PARAMETERS[row['parameter']]} {_WORDS[row['verdict']]} ({numbers}).")
    return out


def check(post: xr.DataTree) -> Check:
    """The check as `reestim check` prints it; computed anew where the run does not hold it."""
    name = "prior sensitivity"
    if GROUP not in post.children:
        found = prior_sensitivity(post)
        if found is None:
            words = "This run keeps no log densities of its draws: fit it again with this version to judge its priors."
            return Check(name, "informational", (words,))
        post = post.copy()
        post[GROUP] = xr.DataTree(found)
    table = sensitivity_table(post)
    good = bool((table["verdict"] == "data").all())
    return Check(name, "pass" if good else "informational", tuple(sentences(table)), table)


def _draws(ds: xr.Dataset) -> xr.Dataset:
    """κ, ξ, χ and mean σ, those that move."""
    if "sigma" in ds:
        ds = ds.assign(mean_sigma=ds["sigma"].mean(SECTOR))
    known = [name for name in PARAMETERS if name in ds and set(ds[name].dims) == {CHAIN, DRAW}]
    return ds[[name for name in known if bool((ds[name] != ds[name][0, 0]).any())]]
