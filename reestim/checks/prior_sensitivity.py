"""Does an answer rest on the data or on its prior: one verdict for κ, ξ, λ, ω, mean σ and σ of each sector.

Two measures go into it. Power-scaling (Kallioinen et al. 2024): a parameter is sensitive to the prior (the likelihood)
when raising all stated priors (the likelihood) to a power a little above or below one moves its posterior; the draws
are reweighted, not made again. And the width of the posterior's interval over that of the prior's.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from reestim.checks.power_scaling import SYMBOLS, moving_draws, power_scaled, symbol
from reestim.checks.protocol import Check
from reestim.results.effects import quantiles
from reestim.results.format import number, with_interval

GROUP = "prior_sensitivity"
#: Sensitivity from which on a posterior is said to react (Kallioinen et al. 2024, as in ArviZ).
SENSITIVE = 0.05
#: A posterior at least this share as wide as its prior is not narrowed to speak of.
AS_WIDE = 0.8


def prior_sensitivity(post: xr.DataTree) -> xr.Dataset | None:
    """Measure how the posterior reacts when its prior or its likelihood is given more or less weight (power scaling).

    Parameters
    ----------
    post
        A run with its log densities (groups ``log_prior`` and ``log_likelihood``).

    Returns
    -------
    xarray.Dataset or None
        ``prior`` and ``likelihood`` (parameter), pure numbers: above 0.05 the posterior reacts. Parameters are those
        that the run samples of κ, ξ, λ, ω, σ averaged over sectors (``mean_sigma``) and of each
        sector (``sigma[sector]``). None where the run keeps no log densities.

    Examples
    --------
    >>> print(ree.prior_sensitivity(fitted))  # draws without log densities
    None
    """
    sensitivity = power_scaled(post, {"prior": {"group": "prior"}, "likelihood": {"group": "likelihood"}})
    if sensitivity is None:
        return None
    about = {"long_name": "power-scaling sensitivity", "units": "1"}
    names, values = sensitivity
    data = {part: ("parameter", column, about) for part, column in values.items()}
    return xr.Dataset(data, coords={"parameter": names})


def prior_posterior_table(post: xr.DataTree) -> pd.DataFrame:
    """Set prior against posterior, one row a parameter.

    Parameters
    ----------
    post
        A run.

    Returns
    -------
    pandas.DataFrame
        parameter, symbol (``σ electronics``), median, low, high and those of the prior (90 % equal-tailed), width_ratio
        (posterior over prior), prior and likelihood (power-scaling sensitivities, of the group ``prior_sensitivity``),
        verdict, rests_on_prior. What the run lacks is NaN.
    """
    after = moving_draws(post["posterior"].to_dataset())
    before = moving_draws(post["prior"].to_dataset()) if "prior" in post.children else {}
    sensitivity = post[GROUP].to_dataset() if GROUP in post.children else None
    parameters = sensitivity["parameter"].values.tolist() if sensitivity is not None else []
    rows = []
    for name, draws in after.items():
        row: dict[str, Any] = {"parameter": name, "symbol": symbol(name)}
        for values, start in ((draws, ""), (before.get(name), "prior_")):
            summary = {} if values is None else {k: float(v) for k, v in quantiles(values).data_vars.items()}
            row |= {f"{start}{k}": summary.get(k, np.nan) for k in ("median", "low", "high")}
        width = row["prior_high"] - row["prior_low"]
        row["width_ratio"] = (row["high"] - row["low"]) / width if width > 0 else np.nan
        for part in ("prior", "likelihood"):
            row[part] = (
                float(sensitivity[part].sel(parameter=name))
                if sensitivity is not None and name in parameters
                else np.nan
            )
        row["verdict"] = verdict(row["prior"], row["likelihood"], row["width_ratio"])
        row["rests_on_prior"] = row["verdict"] in _RESTING
        rows.append(row)
    columns = [
        "parameter",
        "symbol",
        "median",
        "low",
        "high",
        "prior_median",
        "prior_low",
        "prior_high",
        "width_ratio",
        "prior",
        "likelihood",
        "verdict",
        "rests_on_prior",
    ]
    return pd.DataFrame(rows, columns=columns)


def verdict(prior: float, likelihood: float, width_ratio: float) -> str:
    """Say where an answer comes from: its prior or the data.

    Parameters
    ----------
    prior, likelihood
        Power-scaling sensitivities; NaN where they are not known: then widths alone decide.
    width_ratio
        Width of the posterior's interval over that of the prior's.

    Returns
    -------
    str
        ``data``, ``prior`` (it rests on the prior), ``both`` (either moves it: they may disagree), ``shifted`` (the
        data move it and do not make it narrower), ``neither``, ``unknown``.

    Examples
    --------
    >>> from reestim.checks.prior_sensitivity import verdict
    >>> verdict(0.01, 0.3, 0.4), verdict(0.2, 0.01, 0.99)
    ('data', 'prior')
    """
    wide = width_ratio >= AS_WIDE
    if not (np.isfinite(prior) and np.isfinite(likelihood)):
        return "unknown" if not np.isfinite(width_ratio) else "prior" if wide else "data"
    reacts = (prior >= SENSITIVE, likelihood >= SENSITIVE)
    if wide:
        return "shifted" if reacts[1] else "prior"
    return {(False, True): "data", (True, False): "prior", (True, True): "both", (False, False): "neither"}[reacts]


_RESTING = ("prior", "shifted")
#: What a verdict means, the worst first.
_WORDS = {
    "prior": "rests on its prior: it is not identified by these data",
    "shifted": "is moved by the data but hardly narrowed: its spread rests on its prior",
    "both": "depends on priors and data alike: the priors are strong, or disagree with the data; report it with other "
    "priors too",
    "unknown": "cannot be judged: the run keeps no prior draws and no log densities, or too few draws to reweight them",
    "neither": "is narrower than its prior and moves with the weight of neither: other parameters pin it down",
    "data": "is learnt from the data",
}


def sentences(table: pd.DataFrame) -> list[str]:
    """One sentence a shared parameter, with all that the verdict rests on; one for the sectors.

    Parameters
    ----------
    table
        From `prior_posterior_table`.

    Returns
    -------
    list of str
        Shared parameters first, the worst of them first.
    """
    of_sectors = ~table["parameter"].isin(list(SYMBOLS))
    shared = sorted(table.loc[~of_sectors].to_dict("records"), key=lambda row: list(_WORDS).index(row["verdict"]))
    out = [f"{row['symbol']} {_WORDS[row['verdict']]} ({_numbers(row)})." for row in shared]
    sectors = table.loc[of_sectors]
    if len(sectors):
        named = resting(sectors)
        words = f"{len(named)} of {len(sectors)} sectors"
        ratios = (
            [number(float(end(sectors["width_ratio"]))) for end in (np.nanmin, np.nanmax)]
            if (sectors["width_ratio"].notna().any())
            else []
        )
        widths = f"; intervals are {' to '.join(ratios)} times as wide as the prior's" if ratios else ""
        which = f": {', '.join(name.removeprefix('σ ') for name in named)}" if named else ""
        out.append(
            f"σ rests on its prior in {words}{which}{widths}."
            if named
            else f"σ rests on its prior in none of {len(sectors)} sectors{widths}."
        )
    return out


def resting(table: pd.DataFrame) -> list[str]:
    """Symbols of what rests on its prior.

    Parameters
    ----------
    table
        From `prior_posterior_table`.

    Returns
    -------
    list of str
        In the order of the table.
    """
    return table.loc[table["rests_on_prior"].astype(bool), "symbol"].tolist()


def _numbers(row: dict[Any, Any]) -> str:
    parts = [f"posterior {with_interval(row['median'], row['low'], row['high'])}"]
    if np.isfinite(row["prior_median"]):
        parts[0] += f", prior {with_interval(row['prior_median'], row['prior_low'], row['prior_high'])}"
    if np.isfinite(row["width_ratio"]):
        parts[0] += f", {number(row['width_ratio'])} times as wide"
    if np.isfinite(row["prior"]):
        parts.append(f"sensitivity to priors {row['prior']:.2f}, to data {row['likelihood']:.2f}")
    return "; ".join(parts)


def check(post: xr.DataTree) -> Check:
    """The check as `reestim check` prints it; sensitivities are computed anew where the run does not hold them.

    Parameters
    ----------
    post
        A run.

    Returns
    -------
    Check
        Passes where every answer comes from the data.
    """
    name, words = "prior sensitivity", []
    if GROUP not in post.children:
        sensitivity = prior_sensitivity(post)
        if sensitivity is None:
            advice = "fit it again with this version to judge its priors by more than widths."
            words = [f"This run keeps no log densities of its draws: {advice}"]
        else:
            post = post.copy()
            post[GROUP] = xr.DataTree(sensitivity)
    table = prior_posterior_table(post)
    good = len(table) > 0 and bool((table["verdict"] == "data").all()) and not words
    return Check(name, "pass" if good else "informational", tuple(words + sentences(table)), table)
