"""Published costs of a stop beside ours: what is inferred from a figure, and what a shock without magnets is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import reestim as ree
from replications import policy_papers
from replications.policy_papers import COUNTRIES, MIDDLE, SCENARIOS, SIGMAS, sigma_of, without_magnets

PNG = b"\x89PNG"


def made_up() -> pd.DataFrame:
    """Losses that are 0.05/σ per cent, and a hundredth of it on oxides alone."""
    asked = [("all", "year", s) for s in SIGMAS] + [("all", h, MIDDLE) for h in ("months", "long")]
    asked += [("oxides", "year", s) for s in (SIGMAS[0], MIDDLE, 0.13)]
    return pd.DataFrame(
        [
            (name, products, horizon, sigma, country, -0.05 / sigma * (1 if products == "all" else 0.01))
            for name in SCENARIOS
            for products, horizon, sigma in asked
            for country in COUNTRIES
        ],
        columns=["scenario", "products", "horizon", "sigma", "country", "percent"],
    )


def test_the_elasticity_that_a_figure_implies() -> None:
    rows = made_up()
    for percent in (-0.1, -0.3, -0.6):
        sigma, side = sigma_of(rows, SCENARIOS[0], "JPN", percent)
        assert (sigma, side) == (pytest.approx(-0.05 / percent, rel=1e-9), "at")
    assert sigma_of(rows, SCENARIOS[0], "JPN", -5.0) == (min(SIGMAS), "below")
    assert sigma_of(rows, SCENARIOS[0], "JPN", -0.01) == (max(SIGMAS), "above")


def test_an_equilibrium_that_was_not_found_is_left_out_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = made_up()
    rows.loc[(rows["scenario"] == SCENARIOS[1]) & (rows["sigma"] == SIGMAS[-1]), "percent"] = np.nan
    monkeypatch.setattr(policy_papers, "losses", lambda: rows)
    table = policy_papers.table(np.linspace(0.18, 0.56, 101))
    assert len(table.rows) == len(pd.read_csv(policy_papers.PUBLISHED))
    assert "1 of" in table.notes[-1]
    by_who = {(row[0], row[2], row[4]): row for row in table.rows}
    assert by_who["Nomura", "JPN", "−0.43"][-2:] == ["0.12", "0 %"]
    assert by_who["Nomura", "JPN", "−0.11"][-2:] == ["", ""]  # of three months
    assert by_who["ECB", "USA", "−0.30"][-2:] == ["0.17", "0 %"]
    assert by_who["IMF", "JPN", "−1.80"][-2:] == [f"below {SIGMAS[-2]:g}", ""]
    assert table.figures["policy-papers.png"].startswith(PNG)


def test_a_shock_without_magnets_has_the_same_oxides() -> None:
    for name in SCENARIOS:
        whole = ree.read_scenario(f"models/scenarios/today/{name}.toml")
        rest = without_magnets(whole)
        assert rest.policies
        for policy in rest.policies:
            assert "magnets" not in getattr(policy, "sectors", ())
        assert any("magnets" in getattr(policy, "sectors", ()) for policy in whole.policies)
