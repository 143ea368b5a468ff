"""P(A better than B): counted by hand on draws, for countries and the world."""

from __future__ import annotations

import pytest
import xarray as xr

import reestim as ree
from reestim.errors import InputError
from reestim.results.effects import economy_of, income
from reestim.results.policies import pairs_as_text, policy_pairs
from tests.interface.conftest import make_post

#: Of ten draws a chain, B hurts Japan more than A in these.
WORSE = 7


@pytest.fixture(scope="module")
def post() -> xr.DataTree:
    """Two chains of ten draws, policies A and B: under A nothing happens, under B Japan loses in some draws."""
    tree = make_post()
    ds = tree["counterfactual"].to_dataset().isel(draw=slice(10))
    none = xr.zeros_like(ds["welfare"])
    loses = xr.where((ds["draw"] < WORSE) & (ds["country"] == "JPN"), -1e-4, 0.0)
    gains = xr.where((ds["draw"] >= WORSE) & (ds["country"] == "JPN"), 1e-5, 0.0)
    named = [
        ds.assign(
            welfare=(none + change).transpose(*ds["welfare"].dims), solved=xr.ones_like(ds["solved"])
        ).assign_coords(scenario=[name])
        for name, change in (("A", 0.0), ("B", loses + gains))
    ]
    out = tree.copy()
    out["counterfactual"] = xr.DataTree(xr.concat(named, "scenario", combine_attrs="override"))
    return out


def test_the_probability_is_the_share_of_draws(post: xr.DataTree) -> None:
    table = ree.compare_policies(post, "A", "B").set_index(["whom", "technology"])
    for whom in ("JPN", "world"):
        assert table.loc[(whom, "fixed"), "probability_better"] == pytest.approx(WORSE / 10)
    worth = float(income(economy_of(post)).sel(country="JPN"))
    assert table.loc[("JPN", "fixed"), "median"] == pytest.approx(1e-4 * worth, rel=1e-3)
    assert table.loc[("JPN", "fixed"), "median"] == pytest.approx(table.loc[("world", "fixed"), "median"])
    other = next(c for c in economy_of(post).countries if c != "JPN")
    assert table.loc[(other, "fixed"), "probability_better"] == 0, "who is as well off is not better off"
    assert table.loc[(other, "fixed"), "probability_equal"] == 1
    assert table.loc[("JPN", "fixed"), "probability_equal"] == 0
    swapped = ree.compare_policies(post, "B", "A").set_index(["whom", "technology"])
    assert swapped.loc[("JPN", "fixed"), "probability_better"] == pytest.approx(1 - WORSE / 10)
    assert swapped.loc[("JPN", "fixed"), "high"] == pytest.approx(-table.loc[("JPN", "fixed"), "low"])


def test_a_draw_that_one_policy_lacks_is_not_counted(post: xr.DataTree) -> None:
    ds = post["counterfactual"].to_dataset()
    cut = post.copy()
    lost = (ds["scenario"] == "B") & (ds["draw"] < 2)
    cut["counterfactual"] = xr.DataTree(ds.assign(solved=ds["solved"] & ~lost))
    row = ree.compare_policies(cut, "A", "B").set_index(["whom", "technology"]).loc[("JPN", "fixed")]
    assert row["probability_better"] == pytest.approx((WORSE - 2) / 8)
    assert row["draws"] == 8 * ds.sizes["chain"]


def test_every_pair_once_with_the_prior_where_it_was_solved(post: xr.DataTree) -> None:
    assert "prior_probability_better" not in policy_pairs(post)
    both = post.copy()
    both["prior_counterfactual"] = post["counterfactual"]
    pairs = policy_pairs(both)
    assert pairs["prior_probability_better"].tolist() == pairs["probability_better"].tolist()
    heads, rows = pairs_as_text(pairs)
    assert heads[:2] == ["", "world"]
    other = next(k for k, name in enumerate(heads) if name not in ("", "world", "JPN"))
    assert rows[0][other] == "equal", "not 0 %, which would read as worse"
    assert [row[0] for row in rows] == ["A better than B, fixed", "A better than B, directed"]


def test_names_that_are_not_there(post: xr.DataTree) -> None:
    with pytest.raises(InputError, match="not in the run"):
        ree.compare_policies(post, "A", "C")
    with pytest.raises(InputError, match="with itself"):
        ree.compare_policies(post, "A", "A")
    with pytest.raises(InputError, match="counterfactual"):
        ree.compare_policies(xr.DataTree(), "A", "B")
