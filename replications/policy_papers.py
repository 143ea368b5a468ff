"""Published costs of a rare-earth stop beside REEstim's own, against the elasticity of substitution and the horizon.

Each paper's shock is a scenario of ``models/scenarios/today``, solved on ``rare-earths-2023`` with technology as it
was and one σ for all sectors. The papers do not state a σ that could be compared, so what is inferred is the σ at which
this economy loses what they print; nothing is fitted. Losses are changes of real income of a year that the shock lasts;
GDP and output, which the papers print, are near to it and not the same.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import reestim as ree
from reestim.errors import EquilibriumError
from reestim.reports.figures.images import image
from replications.tables import Table, number

DATASET = "rare-earths-2023"
PUBLISHED = Path(__file__).parent / "published_losses.csv"
#: σ of all sectors over a year; those of sectors and years that the literature holds for possible.
SIGMAS = (0.8, 0.5, 0.35, 0.25, 0.18, 0.13, 0.09, 0.06)
#: σ at which the other horizons are solved: the mean of the default study.
MIDDLE = 0.35
RHO = 0.35
COUNTRIES = ("JPN", "USA", "DEU")
#: Shocks of the papers.
SCENARIOS = ("japan-full-stop", "cut-of-80-percent", "eighteen-months")
STEM = "policy-papers"
#: Of ``published_losses.csv``: a loss of so many months, in per cent of a year; no σ within a year is inferred from it.
WITHIN_MONTHS = "3"


def losses() -> pd.DataFrame:
    """Solve every shock at every σ within a year, at the middle σ at the other horizons, on oxides alone at three σ.

    Rows scenario, products (all, oxides), horizon, sigma, country, percent (NaN: no equilibrium was found).
    """
    economy = ree.Economy.from_dataset(ree.load_dataset(DATASET))
    rows: list[dict[str, Any]] = []
    for name in SCENARIOS:
        scenario = ree.read_scenario(f"models/scenarios/today/{name}.toml")
        asked = [("all", scenario, "year", sigma) for sigma in SIGMAS]
        asked += [("all", scenario, horizon, MIDDLE) for horizon in ("months", "long")]
        asked += [("oxides", without_magnets(scenario), "year", sigma) for sigma in (SIGMAS[0], MIDDLE, 0.13)]
        for products, one, horizon, sigma in asked:
            found = solved(economy, replace(one, horizon=horizon), sigma)
            rows += [
                {
                    "scenario": name,
                    "products": products,
                    "horizon": horizon,
                    "sigma": sigma,
                    "country": country,
                    "percent": found[country],
                }
                for country in COUNTRIES
            ]
    return pd.DataFrame(rows)


def without_magnets(scenario: ree.Scenario) -> ree.Scenario:
    """The same shock on oxides alone."""
    kept = []
    for policy in scenario.policies:
        sectors = getattr(policy, "sectors", ())
        if "magnets" not in sectors:
            kept.append(policy)
        elif len(sectors) > 1:
            kept.append(replace(policy, sectors=tuple(s for s in sectors if s != "magnets")))
    return replace(scenario, policies=tuple(kept))


def solved(economy: ree.Economy, scenario: ree.Scenario, sigma: float) -> dict[str, float]:
    """Change of real income by country, per cent; NaN where no equilibrium was found."""
    parameters = ree.Parameters(sigma=sigma, kappa=1.2, spillover=1.6, element_elasticity=RHO)
    try:
        welfare = ree.solve(economy, scenario, parameters, technology="fixed")["welfare"]
    except EquilibriumError:
        return dict.fromkeys(economy.countries, float("nan"))
    return {str(c): 100 * float(np.expm1(w)) for c, w in zip(economy.countries, welfare.values, strict=True)}


def sigma_of(rows: pd.DataFrame, scenario: str, country: str, percent: float) -> tuple[float, str]:
    """σ at which the loss is ``percent`` (log-linear between two points of the grid), or the end of the grid and which
    side of it the figure lies on."""
    here = rows.query("scenario == @scenario and country == @country and products == 'all' and horizon == 'year'")
    here = here.dropna(subset=["percent"]).sort_values("sigma")
    sigma, loss = here["sigma"].to_numpy(float), -here["percent"].to_numpy(float)
    if -percent > loss.max():
        return float(sigma.min()), "below"
    if -percent < loss.min():
        return float(sigma.max()), "above"
    order = np.argsort(loss)
    return float(np.exp(np.interp(np.log(-percent), np.log(loss[order]), np.log(sigma[order])))), "at"


def table(draws: np.ndarray | None = None) -> Table:
    """Published figures beside ours, with the σ at which they meet; ``draws``: posterior draws of mean σ."""
    rows: Any = losses()
    published: Any = pd.read_csv(PUBLISHED)
    lines = []
    for row in published.to_dict("records"):
        scenario, country = str(row["scenario"]), str(row["country"])
        sigma, side = sigma_of(rows, scenario, country, float(row["percent"]))
        if str(row["months"]) == WITHIN_MONTHS:
            side = "months"
        mean = "" if draws is None or side != "at" else f"{100 * float((draws <= sigma).mean()):.0f} %"
        meets = {"at": f"{sigma:.2f}", "below": f"below {sigma:g}", "above": f"above {sigma:g}", "months": ""}[side]
        lines.append(
            [
                str(row["who"]),
                scenario,
                country,
                str(row["months"]),
                number(float(row["percent"]), 2),
                *(_cell(rows, scenario, country, "all", "year", s) for s in (MIDDLE, 0.13)),
                *(_cell(rows, scenario, country, "all", h, MIDDLE) for h in ("months", "long")),
                _cell(rows, scenario, country, "oxides", "year", MIDDLE),
                meets,
                *([mean] if draws is not None else []),
            ]
        )
    header = [
        "who",
        "scenario",
        "country",
        "months",
        "printed",
        f"σ = {MIDDLE}",
        "σ = 0.13",
        "within months",
        "long run",
    ]
    header += ["oxides alone", "σ where the two meet", *(["P(mean σ ≤ it)"] if draws is not None else [])]
    missing = int(rows["percent"].isna().sum()) // len(COUNTRIES)
    notes = [
        f"Change of real income, per cent, technology as it was; σ the same in all sectors, ρ = {RHO}; printed figures "
        "are of GDP or output. Within months and long run at the middle σ. Within months it is the rate of a year, "
        "so that a figure of three months is a quarter of it, and no σ within a year follows from it.",
        f"Equilibria that were not found: {missing} of {len(rows) // len(COUNTRIES)}.",
    ]
    return Table(header, lines, notes, figures={f"{STEM}.png": figure(rows, published, draws)})


def _cell(rows: pd.DataFrame, scenario: str, country: str, products: str, horizon: str, sigma: float) -> str:
    here = rows.query(
        "scenario == @scenario and country == @country and products == @products and horizon == @horizon "
        "and sigma == @sigma"
    )
    value = float(here["percent"].iloc[0])
    return number(value, 2 if abs(value) >= 0.1 else 3 if abs(value) >= 0.01 else 4)


def figure(rows: Any, published: Any, draws: np.ndarray | None) -> bytes:
    """Loss against σ, one panel a scenario, a line a country; printed figures where their line has them, at its edge
    where it does not reach them; on the axis the 90 % interval of the posterior of mean σ."""
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(9.5, 3.6), layout="constrained")
    colour: dict[str, str] = dict(zip(COUNTRIES, ("#005A96", "#B34700", "#00704F"), strict=True))
    for axes, scenario in zip(drawn.subplots(1, len(SCENARIOS), sharey=True), SCENARIOS, strict=True):
        for country in COUNTRIES:
            for products, style in (("all", "-"), ("oxides", ":")):
                here = rows.query(
                    "scenario == @scenario and country == @country and products == @products and horizon == 'year'"
                ).sort_values("sigma")
                loss = -here["percent"].where(here["percent"] < 0)
                label = f"{country}, {'oxides and magnets' if products == 'all' else 'oxides alone'}"
                axes.plot(here["sigma"], loss, style, color=colour[country], label=label)
        shown = published[(published["scenario"] == scenario) & (published["months"].astype(str) != WITHIN_MONTHS)]
        for row in shown.to_dict("records"):
            sigma, side = sigma_of(rows, scenario, str(row["country"]), float(row["percent"]))
            marker = {"at": "o", "below": "<", "above": ">"}[side]
            axes.plot(sigma, -float(row["percent"]), marker, color=colour[str(row["country"])], ms=7, mec="black")
            where = (sigma, -float(row["percent"]))
            axes.annotate(str(row["who"]), where, (7, 2), textcoords="offset points", size=8)
        if draws is not None:
            low, high = np.quantile(draws, [0.05, 0.95])
            axes.axvspan(float(low), float(high), color="#767676", alpha=0.2)
        axes.set(title=scenario, xscale="log", yscale="log", xlabel="σ of all sectors, within a year")
        axes.set_xticks([0.06, 0.1, 0.2, 0.4, 0.8], ["0.06", "0.1", "0.2", "0.4", "0.8"], minor=False)
        axes.set_xticks([], minor=True)
        axes.grid(visible=True, color="#e2e2e2")
    drawn.axes[0].set_ylabel("loss of real income, per cent")
    drawn.axes[-1].legend(fontsize=6, loc="upper right")
    return image(drawn)


def mean_sigma(run: str | Path) -> np.ndarray:
    """Draws of the mean σ of a run, weighted with what the world spends on rare earths; those carried, if any were."""
    from reestim.results.claims import world_mean
    from reestim.results.effects import economy_of, parameter_draws

    post = ree.load(run)
    return np.asarray(world_mean(economy_of(post), parameter_draws(post)["sigma"])).ravel()
