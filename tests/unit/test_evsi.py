"""Expected value of sample information against closed forms: normal data, two actions, a panel, an audit."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from scipy.special import ndtr

import reestim as ree
from reestim.errors import InputError
from reestim.reports.sections import information
from tests.economics.test_optimal_tariff import two_countries

DRAWS = 2000
SD = 0.3  # of the log price of Nd
BY = ("chain", "draw")


def run(welfare: np.ndarray, **groups: xr.Dataset) -> xr.DataTree:
    """Two chains with welfare (draw, scenario) of home in hundredths of a per cent; abroad has nothing."""
    by_chain = 1e-4 * welfare.T.reshape(-1, 1, 2, DRAWS, 1) * np.array([1.0, 0.0])
    lead = ("scenario", "technology", *BY)
    coords = {"chain": [0, 1], "draw": np.arange(DRAWS)}
    names = ["one", "other"][: len(by_chain)]
    found = xr.Dataset(
        {"welfare": ((*lead, "country"), by_chain), "solved": (lead, np.ones(by_chain.shape[:-1], bool))},
        coords=coords | {"scenario": names, "technology": ["fixed"], "country": ["home", "abroad"]},
    )
    economy = two_countries(0.6, 0.2)
    empty = xr.Dataset(coords=coords)
    parts = {"posterior": empty, "counterfactual": found, "economy": economy.ds, **groups}
    return xr.DataTree.from_dict(
        {name: ds.assign_coords(coords) if name in ("inputs", "posterior") else ds for name, ds in parts.items()}
    )


def normals(seed: int, count: int) -> np.ndarray:
    """Standard normal numbers (number, draw)."""
    return np.random.default_rng(seed).standard_normal((count, 2 * DRAWS))


def surveyed(slope: float, mean: float = 0.0, seed: int = 0) -> xr.DataTree:
    """Welfare: mean + slope·z + e, z the standardised log of the price that is drawn."""
    z, e = normals(seed, 2)
    price = np.exp(SD * z).reshape(2, DRAWS, 1)
    inputs = xr.Dataset({"element_price": ((*BY, "element"), price)}, coords={"element": ["Nd"]})
    return run((mean + slope * z + e)[:, None], inputs=inputs)


@pytest.mark.parametrize(("error", "respondents"), [(0.3, 1), (0.3, 4), (1.0, 1), (0.05, 1)], ids=str)
def test_a_survey_is_the_closed_form_of_normals(error: float, respondents: int) -> None:
    """Answers know the share τ²/(τ² + s²/n) of the variance of the log price: band·(1 − √(1 − ρ²·share))."""
    survey = ree.InputSurvey("element_price", error, {"element": "Nd"}, respondents)
    worth = ree.evsi(surveyed(2.0), survey, seed=3).sel(scenario="one", technology="fixed", country="home").squeeze()
    band = 2 * 1.6448536 * 1e-2 * np.sqrt(5.0)
    share = SD**2 / (SD**2 + error**2 / respondents)
    assert float(worth["band"]) == pytest.approx(band, rel=0.04)
    for name, part in (("reduction", 0.8 * share), ("reduction_known", 0.8)):
        exact = band * (1 - np.sqrt(1 - part))
        assert abs(float(worth[name]) - exact) < 4 * float(worth[f"{name}_error"]) + 0.02 * band, name
    assert float(worth["reduction"]) <= float(worth["reduction_known"]) <= float(worth["band"])
    assert bool(worth["beyond_chance"])


def test_without_error_it_is_perfect_information_and_with_endless_error_nothing() -> None:
    post = surveyed(2.0)
    designs = [ree.InputSurvey("element_price", error) for error in (0.0, 1e-4, 100.0)]
    worth = ree.evsi(post, designs, seed=1).sel(scenario="one", technology="fixed", country="home")
    perfect = ree.evppi(post).sel(scenario="one", technology="fixed", country="home", component="element_price[Nd]")
    exactly, nearly, never = worth["reduction"].values
    assert exactly == pytest.approx(float(perfect["reduction"]), rel=2e-3)
    assert nearly == pytest.approx(exactly, rel=1e-3)
    assert never < 0.01 * float(worth["band"])
    assert worth["beyond_chance"].values.tolist() == [True, True, False]


@pytest.mark.parametrize("mean", [0.0, 1.0, -3.0], ids=str)
def test_two_actions_are_the_unit_normal_loss(mean: float) -> None:
    """Gain of the policy N(m, σ²) against nothing: σ·√share·(φ(u) − u(1 − Φ(u))), u = |m|/(σ√share)."""
    survey = ree.InputSurvey("element_price", 0.3)
    found = ree.evsi(
        surveyed(2.0, mean), survey, seed=1, objective=ree.Objective("home"), policies=["one", "nothing"]
    ).sel(technology="fixed")
    assert str(found["best_policy"].values) == (
        "one" if mean > 0.5 else "nothing" if mean < 0 else str(found["best_policy"].values)
    )

    def loss(share: float) -> float:
        spread = np.sqrt(5.0 * share)
        u = abs(mean) / spread
        density = np.exp(-(u**2) / 2) / np.sqrt(2 * np.pi)
        return float(0.6e-4 * spread * (density - u * ndtr(-u)))

    worth = found.squeeze("design")
    for name, share in (("value", 0.4), ("value_known", 0.8)):
        assert abs(float(worth[name]) - loss(share)) < 4 * float(worth[f"{name}_error"]) + 0.02 * loss(1.0), name
    assert float(worth["value_all"]) == pytest.approx(loss(1.0), rel=0.15)
    assert 0 <= float(worth["value"]) <= float(worth["value_known"]) <= float(worth["value_all"])


def test_a_panel_knows_sigma_as_its_prices_allow() -> None:
    """Without research y_t = (1−σ)Δq_t + ν·e_t: σ is known but for ν²/ΣΔq², and its prior has the variance τ²."""
    z, e = normals(5, 2)
    spread, noise = 0.1, 0.15
    q = np.array([0.0, 0.3, 1.1, 0.7, 0.2])
    one = np.ones((2, DRAWS))
    sigma = (0.6 + spread * z).reshape(2, DRAWS, 1)
    fixed = {"kappa": 1e-9, "spillover": 0.5, "adjustment_rate": 0.2, "obsolescence": 0.1, "knowledge_growth": 0.02}
    posterior = xr.Dataset(
        {name: (BY, value * one) for name, value in (fixed | {"ree_use_noise": noise}).items()}
        | {"sigma": ((*BY, "sector"), sigma)},
        coords={"sector": ["machinery"]},
    )
    inputs = xr.Dataset(
        {
            "relative_price": (("country", "sector", "price_year"), q[None, None]),
            "ree_share": (("country", "sector"), [[0.01]]),
        },
        coords={"country": ["home"], "sector": ["machinery"], "price_year": range(2006, 2011), "price_lag": [0]},
    )
    post = run((2 * z + e)[:, None], posterior=posterior, constant_data=inputs)
    panels = [
        ree.UsePanel("home", range(first, 2011), error) for first, error in ((2006, 0.0), (2009, 0.0), (2006, 9.0))
    ]
    worth = ree.evsi(post, panels, seed=2).sel(scenario="one", technology="fixed", country="home")
    band = 2 * 1.6448536 * 1e-2 * np.sqrt(5.0)
    for k, changes in enumerate((np.diff(q), np.diff(q)[-1:])):
        share = spread**2 / (spread**2 + noise**2 / (changes**2).sum())
        exact = band * (1 - np.sqrt(1 - 0.8 * share))
        one_design = worth.isel(design=k)
        assert abs(float(one_design["reduction"]) - exact) < 4 * float(one_design["reduction_error"]) + 0.02 * band
        assert float(one_design["reduction_known"]) == pytest.approx(band * (1 - np.sqrt(0.2)), rel=0.05)
    assert float(worth["reduction"][2]) < 0.01 * band, "an error of nine log points says nothing"
    with pytest.raises(InputError) as wrong:
        ree.evsi(post, ree.UsePanel("hom", range(2004, 2009), 0.1, ["machinry"]), seed=1)
    assert [p.message for p in wrong.value.problems] == ["unknown country", "unknown sector", "years without a price"]


def test_an_audit_knows_errors_of_labels_as_its_size_allows() -> None:
    """A frequency among n patents of a label knows Var(p)/(Var(p) + E[p(1−p)]/n) of the share p that is right."""
    z, e = normals(6, 2)
    right = 1 / (1 + np.exp(-(0.8 + 0.5 * z)))
    confusion = np.tile(np.eye(4), (2 * DRAWS, 1, 1))
    confusion[:, 0, 0], confusion[:, 0, 1] = (
        right,
        1 - right,
    )  # of unrelated patents; the other classes are never taken wrongly
    labels = ["unrelated", "using", "enhancing", "substituting"]
    posterior = xr.Dataset(
        {"confusion": ((*BY, "true_label", "machine_label"), confusion.reshape(2, DRAWS, 4, 4))},
        coords={"true_label": labels, "machine_label": labels},
    )
    counts = xr.Dataset(
        {"patent_count": (("country", "label"), [[500, 900, 300, 300]])}, coords={"country": ["x"], "label": labels}
    )
    post = run((2 * z + e)[:, None], posterior=posterior, constant_data=counts)
    sizes = (100_000_000, 200, 4)
    worth = ree.evsi(post, [ree.PatentAudit(n) for n in sizes], seed=1)
    worth = worth.sel(scenario="one", technology="fixed", country="home")
    # Of 2000 patents 500 are labelled unrelated: 500/right are, and the others are among the 900 labelled using.
    p = 500 * (1 - right) / right / 900
    band = 2 * 1.6448536 * 1e-2 * np.sqrt(5.0)
    for k, n in enumerate(sizes):
        share = p.var() / (p.var() + (p * (1 - p)).mean() / (n / 4))
        exact = band * (1 - np.sqrt(1 - 0.8 * share))
        assert float(worth["reduction"][k]) == pytest.approx(exact, abs=0.05 * band)
    assert float(worth["reduction"][0]) == pytest.approx(float(worth["reduction_known"][0]), rel=1e-3)
    assert list(worth["design"].values) == [f"audit of {n} more patents" for n in sizes]


def test_another_design_leaves_the_data_of_the_first_as_they_are() -> None:
    post = surveyed(2.0)
    first, second = ree.InputSurvey("element_price", 0.2), ree.InputSurvey("element_price", 0.4)
    alone, both = (ree.evsi(post, designs, seed=1)["reduction"] for designs in (first, [second, first]))
    xr.testing.assert_equal(alone.sel(design=first.in_words), both.sel(design=first.in_words))
    other = ree.evsi(post, first, seed=2)["reduction"]
    assert not alone.sel(country="home").equals(other.sel(country="home"))


def test_all_that_is_wrong_is_listed() -> None:
    post, survey = surveyed(2.0), ree.InputSurvey("element_price", 0.2)
    with pytest.raises(InputError) as wrong:
        ree.evsi(
            post,
            [ree.PatentAudit(5), ree.UsePanel("home", (2001, 2002), 0.1), ree.InputSurvey("element_use", 1.0)],
            seed=1,
        )
    assert len(wrong.value.problems) == 3
    with pytest.raises(InputError) as wrong:
        ree.evsi(post, [survey, survey], seed=-1, objective=ree.Objective("home", tail=0.1), policies=["on"])
    assert len(wrong.value.problems) == 5
    for kwargs in ({"source": "trade"}, {"where": {"sector": "x"}}, {"error": -1.0}, {"respondents": 0}):
        with pytest.raises(InputError):
            ree.InputSurvey(**({"source": "element_price", "error": 0.1} | kwargs))
    with pytest.raises(InputError, match="consecutive"):
        ree.UsePanel("home", [2001, 2003], 0.1)
    with pytest.raises(InputError, match="unknown element"):
        ree.evsi(post, ree.InputSurvey("element_price", 0.1, {"element": "Dy"}), seed=1)
    few = post.copy()
    few["counterfactual"] = xr.DataTree(post["counterfactual"].to_dataset().isel(chain=[0], draw=slice(9)))
    with pytest.raises(InputError, match="too few draws"):
        ree.evsi(few, survey, seed=1)


def test_a_report_of_few_draws_leaves_out_what_they_cannot_say(monkeypatch: pytest.MonkeyPatch) -> None:
    survey = ree.InputSurvey("element_price", 0.3, {"element": "Nd"})
    monkeypatch.setattr(information, "standard_designs", lambda post: [survey])
    post = surveyed(2.0)
    worth = information.worth_of_designs(post)
    assert worth is not None
    assert worth["design"].values.tolist() == [survey.in_words]
    few = xr.DataTree.from_dict({k: v.isel(draw=slice(10)) if "draw" in v.dims else v for k, v in _groups(post)})
    assert information.worth_of_designs(few) is None
    with pytest.raises(InputError, match="too few draws"):
        ree.evsi(few, survey, seed=1)


def _groups(post: xr.DataTree) -> list[tuple[str, xr.Dataset]]:
    return [(str(name), group.to_dataset()) for name, group in post.children.items()]
