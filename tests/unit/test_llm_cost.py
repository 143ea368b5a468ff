"""What a language model costs, its limit, and settings that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from reestim.errors import InputError
from reestim.labels.answer_cache import AnswerCache
from reestim.labels.endpoint import KEY as KEY_VARIABLE
from reestim.labels.endpoint import Endpoint, Prices, endpoint_from, prices_of
from reestim.labels.labelling import label_patents
from reestim.labels.llm_settings import settings_from
from reestim.labels.spending import CostLimitError
from tests.llm_server import KEY, LanguageModel
from tests.unit.llm_fixtures import Make, some


def test_the_bill_and_its_limit(make: Make, model: LanguageModel) -> None:
    prices = Prices(1.0, 10.0, "test")  # the server reports 1,000 tokens in and 100 out: 0.002 US$ a request
    about = label_patents(some(), make(prices=prices)).about["this_run"]
    assert about["cost_usd"] == pytest.approx(0.006)
    assert about["requests"] == 3
    model.requests.clear()
    labeller = make(name="dear", prices=prices, max_cost=1e-6)
    with pytest.raises(InputError, match="above --max-cost"):
        label_patents(some(), labeller)
    assert model.requests == []
    with pytest.raises(InputError, match="needs prices"):
        label_patents(some(), make(name="dear", max_cost=1.0))
    # The estimate of all is below the limit, but each request turns out to cost more: it stops before passing it.
    dear, model.tokens = Prices(30.0, 100.0, "test"), (5000, 100)
    expected = make(name="dear", prices=dear).plan(some(30)).expected.cost
    assert expected is not None
    labeller = make(name="dear", prices=dear, max_cost=expected, requests_at_once=1)
    with pytest.raises(CostLimitError, match="raise --max-cost"):
        label_patents(some(30), labeller)
    assert 0 < 0.16 * len(model.requests) <= expected
    n = len(model.requests)
    label_patents(some(30), make(name="dear", prices=dear))
    assert len(model.requests) == 10  # what was paid for before the limit was not asked again
    assert n < 10


def test_tokens_are_estimated_where_the_endpoint_reports_none(make: Make, model: LanguageModel) -> None:
    model.usage = False
    labeller = make(prices=Prices(1.0, 1.0, "test"))
    expected = labeller.plan(some()).expected
    bill = label_patents(some(), labeller).about["this_run"]
    assert bill["cost_usd"] == pytest.approx(expected.cost, rel=1e-3)
    assert "estimated" in bill["tokens"]


def test_an_answer_that_never_came_may_have_been_charged(make: Make, model: LanguageModel) -> None:
    model.faults = ["cut", 500]
    labeller = make(prices=Prices(1.0, 1.0, "test"))
    expected = labeller.plan(some(3)).expected.cost
    bill = label_patents(some(3), labeller).about["this_run"]
    assert bill["requests"] == 3
    assert bill["cost_usd"] == pytest.approx(0.0011)
    assert bill["maybe_charged_usd"] == pytest.approx(expected, rel=1e-3)  # of the cut one; an error 500 is free


def test_endpoint_from_the_environment() -> None:
    with pytest.raises(InputError) as caught:
        endpoint_from({})
    assert len(caught.value.problems) == 2
    for url in ("localhost:8000", f"https://user:{KEY}@host/v1", f"https://host/v1?key={KEY}"):
        with pytest.raises(InputError) as caught:
            endpoint_from({"REESTIM_LLM_BASE_URL": url, "REESTIM_LLM_MODEL": "m"})
        assert KEY not in str(caught.value)
    found = endpoint_from(
        {"REESTIM_LLM_BASE_URL": "http://h/v1/", "REESTIM_LLM_MODEL": "m", KEY_VARIABLE: KEY, "OPENAI_API_KEY": "other"}
    )
    assert found.base_url == "http://h/v1"
    assert KEY not in repr(found)


def test_prices_belong_to_an_address() -> None:
    known = prices_of(Endpoint("https://api.openai.com/v1", "gpt-4o-mini"), None, None)
    assert known is not None
    assert known.input > 0
    assert prices_of(Endpoint("http://localhost:1/v1", "gpt-4o-mini"), None, None) is None
    with pytest.raises(InputError, match="only one"):
        prices_of(Endpoint("http://localhost:1/v1", "m"), 1.0, None)


def test_bad_settings_are_listed() -> None:
    with pytest.raises(InputError) as caught:
        settings_from(patents_per_request=0, answers="shout", timeout=None)
    assert {p.column for p in caught.value.problems} == {"patents_per_request", "answers"}


def test_a_cache_that_is_none_is_said(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("this is not a database, and longer than a hundred bytes" * 5)
    with pytest.raises(InputError, match="--cache"):
        AnswerCache(tmp_path / "notes.txt")
    import sqlite3

    with sqlite3.connect(tmp_path / "other.sqlite") as other:
        other.execute("CREATE TABLE mine (x)")
    with pytest.raises(InputError, match="not a cache"):
        AnswerCache(tmp_path / "other.sqlite")
