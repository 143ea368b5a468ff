"""``reestim compare``: the run that predicts better wins, other data are not ranked, and words say what moved."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

import reestim as ree
from reestim.cli.app import app
from reestim.errors import InputError
from tests.interface.conftest import CHAINS, DRAWS


def with_observations(post: xr.DataTree, offset: float, counts: np.ndarray | None = None) -> xr.DataTree:
    """Normal observations predicted with an error of ``offset``: 200 log likelihoods of two kinds of evidence."""
    post = post.copy(deep=True)
    rng = np.random.default_rng(3)
    observed = rng.normal(size=200) if counts is None else counts
    mean = offset + 0.05 * rng.normal(size=(CHAINS, DRAWS, 1))
    log = -0.5 * (observed - mean) ** 2 - 0.5 * np.log(2 * np.pi)
    terms = {"a": (("chain", "draw", "i"), log[..., :150]), "b": (("chain", "draw", "k"), log[..., 150:])}
    post["log_likelihood"] = xr.DataTree(xr.Dataset(terms, attrs={"pointwise": 1}))
    post["observed_data"] = xr.DataTree(xr.Dataset({"a": ("i", observed[:150]), "b": ("k", observed[150:])}))
    return post


def test_the_run_that_predicts_better_comes_first_and_by_the_right_amount(post: xr.DataTree) -> None:
    good, bad = with_observations(post, 0.0), with_observations(post, 1.0)
    found = ree.compare({"bad": bad, "good": good})
    assert found.loo is not None
    assert list(found.loo.index) == ["good", "bad"]
    y = np.random.default_rng(3).normal(size=200)
    expected = float((0.5 * (y - 1) ** 2 - 0.5 * y**2).sum())
    assert abs(found.loo.loc["bad", "elpd_diff"]) == pytest.approx(expected, abs=3)
    assert any("good predicts better than bad" in words and "more than chance" in words for words in found.sentences)


def test_runs_that_saw_other_data_are_not_ranked_and_it_says_why(post: xr.DataTree) -> None:
    one = with_observations(post, 0.0)
    other = with_observations(post, 0.0, counts=np.zeros(200))
    other["observed_data"] = xr.DataTree(other["observed_data"].to_dataset().drop_vars("b"))
    found = ree.compare({"one": one, "other": other})
    assert found.loo is None
    assert "Only one conditions on b. one and other saw other values of a." in found.sentences[0]
    assert "does not keep the log likelihood" in ree.compare({"one": one, "old": post}).sentences[0]


def test_words_and_table_say_what_moved(post: xr.DataTree) -> None:
    other = post.copy(deep=True)
    moved = other["posterior"].to_dataset()
    moved["kappa"] = 1.5 * moved["kappa"]
    moved["sigma"] = moved["sigma"] + xr.DataArray([0.0, 0.4], {"sector": moved["sector"]})
    other["posterior"] = xr.DataTree(moved)
    found = ree.compare({"A": post, "B": other})
    row = found.changes.query("quantity == 'κ' and run == 'B'").iloc[0]
    low, high = np.quantile(moved["kappa"], [0.05, 0.95])
    assert (row["low"], row["high"]) == (pytest.approx(low), pytest.approx(high))
    words = "\n".join(found.sentences)
    assert "σ, A → B: 1 of 2 medians move" in words
    assert "most for electronics" in words
    assert "κ, A → B: the median moves" in words
    assert "intervals are 1.50 times as wide" in words
    assert "ξ, A → B: the median does not move" in words
    assert "welfare, A → B: no median moves" in words
    assert "90 % equal-tailed" in words


def test_the_command_prints_tables_words_and_json(post: xr.DataTree, tmp_path: Path) -> None:
    for name, offset in (("first", 0.0), ("second", 1.0)):
        ree.save(with_observations(post, offset), tmp_path / name)
    paths = [str(tmp_path / "first"), str(tmp_path / "second")]
    done = CliRunner().invoke(app, ["compare", *paths])
    assert done.exit_code == 0, done.output
    for part in ("Leave-one-out", "machinery", "first predicts better than second", "equal-tailed"):
        assert part in done.output
    result = json.loads(CliRunner().invoke(app, ["compare", *paths, "--json"]).stdout)
    assert [row["run"] for row in result["loo"]] == ["first", "second"]
    assert {row["quantity"] for row in result["changes"]} == {"σ", "κ", "ξ", "ω", "welfare"}
    alone = CliRunner().invoke(app, ["compare", paths[0]])
    assert alone.exit_code == 1
    assert "two runs or more" in alone.output
    missing = CliRunner().invoke(app, ["compare", "nothing", "nowhere"])
    assert missing.exit_code == 1
    assert "2 problems" in missing.output
    with pytest.raises(InputError):
        ree.compare({"one": post})
