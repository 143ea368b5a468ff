"""The pseudo-forecast: scores in closed form, what is forecast from known equilibria, and the page."""

from __future__ import annotations

import math

import numpy as np
import pytest
import xarray as xr

import reestim as ree
from replications import forecast
from replications.scores import crps, crps_of_normal, interval_score
from replications.tables import number
from tests.replication.page import printed

SCENARIO = "april-2025-lasting"


def test_crps_is_that_of_the_closed_forms() -> None:
    assert crps(np.array([2.0]), -1.0) == 3.0, "of one draw the absolute error"
    # X on {0, 1}: E|X - y| - E|X - X'|/2 = 1/2 - 1/4 for y between them
    assert crps(np.array([1.0, 0.0]), 0.3) == pytest.approx(0.25)
    assert crps(np.array([0.0, 0.0, 3.0]), 0.0) == pytest.approx(1.0 - 0.5 * 12 / 9)
    draws = 1.5 + 0.7 * np.random.default_rng(1).standard_normal(200_000)
    for seen in (-1.0, 1.5, 3.0):
        assert crps(draws, seen) == pytest.approx(crps_of_normal(1.5, 0.7, seen), abs=5e-3)
    assert crps_of_normal(0.0, 1.0, 0.0) == pytest.approx((math.sqrt(2) - 1) / math.sqrt(math.pi))
    assert crps_of_normal(0.5, 0.0, 0.2) == pytest.approx(0.3)


def test_both_scores_are_proper() -> None:
    """In expectation nobody scores better than who forecasts what the truth is drawn from."""
    random = np.random.default_rng(2)
    truth, drawn = random.standard_normal(2_000), random.standard_normal(4_000)

    def mean(shift: float, spread: float) -> tuple[float, float]:
        low, high = np.quantile(shift + spread * drawn, [0.05, 0.95])
        each = [(crps(shift + spread * drawn[:400], y), interval_score(low, high, y)) for y in truth]
        a, b = np.mean(each, axis=0)
        return float(a), float(b)

    honest = mean(0.0, 1.0)
    for other in (mean(1.0, 1.0), mean(0.0, 0.4), mean(0.0, 2.5)):
        assert other[0] > honest[0]
        assert other[1] > honest[1]


def test_interval_score_is_width_and_ten_or_twenty_times_what_is_missed() -> None:
    assert interval_score(-1.0, 2.0, 0.0) == 3.0
    assert interval_score(-1.0, 2.0, 2.5) == pytest.approx(3.0 + 20 * 0.5)
    assert interval_score(-1.0, 2.0, -1.1, level=0.8) == pytest.approx(3.0 + 10 * 0.1)


@pytest.fixture(scope="module")
def economy() -> ree.Economy:
    return ree.Economy.from_dataset(ree.load_dataset(forecast.DATASET))


def equilibria(economy: ree.Economy) -> xr.Dataset:
    """Two draws, the second unsolved: nothing changes but what a test sets."""
    shape = (1, 1, 2, len(economy.countries), len(economy.sectors))
    coords = {"scenario": [SCENARIO], "chain": [0], "draw": [0, 1]}
    coords |= {"country": list(economy.countries), "sector": list(economy.sectors)}
    names = ("price", "exports", "unit_cost", "quota_rent")
    ds = xr.Dataset({name: (tuple(coords), np.zeros(shape)) for name in names}, coords=coords)
    return ds.assign(solved=(("scenario", "chain", "draw"), np.array([[[True, False]]])))


def test_a_forecast_reads_prices_abroad_against_others_and_tonnes_without_the_rent(economy: ree.Economy) -> None:
    ds = equilibria(economy)
    abroad = ds["country"].isin(forecast.EU)
    heavy, light = ds["sector"].isin(["Gd", "Tb", "Dy"]), ds["sector"].isin(["La", "Ce"])
    ds["price"] = ds["price"] + 1.0 * (abroad & heavy) + 0.25 * (abroad & light)
    row = {"scenario": SCENARIO, "quantity": "import price", "where": "EU", "products": "Gd Tb Dy", "against": "La Ce"}
    assert forecast.predicted(row, ds, economy) == pytest.approx([0.75]), "the unsolved draw is left out"
    assert forecast.predicted({**row, "against": ""}, ds, economy) == pytest.approx([1.0])
    assert forecast.predicted({**row, "where": "CHN"}, ds, economy) == pytest.approx([0.0])
    tonnes = {"quantity": "export tonnes", "where": "CHN", "products": "Dy", "against": "", "scenario": SCENARIO}
    assert forecast.predicted(tonnes, ds, economy) == pytest.approx([0.0], abs=1e-12)
    # half the tonnes at a price at home 20 % lower, and a rent on top: value = tonnes · price + rent
    from reestim.supply_chain.flows import exports

    before = float(exports(economy.ds).sel(country="CHN", sector="Dy"))
    at = (ds["country"] == "CHN") & (ds["sector"] == "Dy")
    ds["unit_cost"] = ds["unit_cost"] + math.log(0.8) * at
    ds["quota_rent"] = ds["quota_rent"] + 7.0 * at
    ds["exports"] = ds["exports"] + math.log(0.5 * 0.8 + 7.0 / before) * at
    assert forecast.predicted(tonnes, ds, economy) == pytest.approx([math.log(0.5)])


def test_the_error_of_what_was_seen_is_in_both_forecasts() -> None:
    exact, noisy = (forecast.scores(np.zeros(4_000), 0.3, se) for se in (0.0, 0.2))
    assert exact["crps"] == pytest.approx(0.3)
    assert exact["naive_crps"] == pytest.approx(0.3)
    assert not exact["inside"]
    assert noisy["inside"]
    assert noisy["crps"] == pytest.approx(noisy["naive_crps"], abs=0.01)


def test_every_figure_of_the_log_has_a_source_and_a_flag() -> None:
    rows = forecast.observed()
    assert rows["source"].notna().all()
    assert rows["verified"].all(), "only figures that were read, or follow from such"
    assert rows["log_change"].notna().all()
    for row in rows.to_dict("records"):
        assert ree.read_scenario(f"{forecast.SCENARIOS}/{row['scenario']}.toml").name == row["scenario"]


def test_the_page_prints_what_was_observed_and_the_scores_of_its_own_intervals() -> None:
    lines = [line.strip("| ").split(" | ") for line in printed("forecast", "forecasts.md").splitlines()]
    cells = [line for line in lines if len(line) == 10][2:]
    rows = forecast.observed().to_dict("records")
    assert len(cells) == len(rows)
    for line, row in zip(cells, rows, strict=True):
        change, se = float(row["log_change"]), float(row["se"])
        assert line[3].split(" ")[0] == number(change, 2)
        low, high = (float(end) for end in line[4].replace("\N{MINUS SIGN}", "-").split("[")[1].strip("]").split(","))
        assert (line[5] == "yes") == (low <= change <= high)
        naive = forecast.scores(np.zeros(1), change, se)
        assert line[7] == number(naive["naive_crps"], 2)
        assert line[9] == number(naive["naive_interval_score"], 1)
        assert float(line[8]) == pytest.approx(interval_score(low, high, change), abs=0.3), "ends are rounded"
