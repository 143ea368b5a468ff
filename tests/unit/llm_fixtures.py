"""A language-model labeller with a server of its own, and patents for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pydantic import SecretStr

from reestim.dims import LABELS
from reestim.labels.answer_cache import AnswerCache
from reestim.labels.endpoint import Endpoint, Prices
from reestim.labels.labelling import Labelled
from reestim.labels.llm import LLMLabeller
from reestim.labels.llm_settings import LLMSettings
from reestim.labels.taxonomy import read_prompt
from tests.llm_server import KEY, LanguageModel, serving

Make = Callable[..., LLMLabeller]


@pytest.fixture
def model() -> Iterator[LanguageModel]:
    with serving(LanguageModel()) as model:
        yield model


@pytest.fixture
def make(model: LanguageModel, tmp_path: Path) -> Make:
    """A labeller of that server, with waits of milliseconds."""

    def made(*, name: str = "tiny", prices: Prices | None = None, **given: Any) -> LLMLabeller:
        mine = {key: given.pop(key) for key in ("max_cost", "ask_again") if key in given}
        quick = {"first_wait": 0.002, "longest_wait": 5.0, "timeout": 5.0, "patents_per_request": 3}
        settings = LLMSettings.model_validate(quick | given)
        cache = AnswerCache(tmp_path / "cache.sqlite")
        return LLMLabeller(Endpoint(model.url, name, SecretStr(KEY)), read_prompt(), cache, settings, prices, **mine)

    return made


def patents(*abstracts: str) -> pd.DataFrame:
    rows = [(f"p{i}", "JPN", "electronics", 2010, f"title {i}", text) for i, text in enumerate(abstracts)]
    return pd.DataFrame(rows, columns=["patent_id", "country", "sector", "year", "title", "abstract"])


def some(n: int = 8) -> pd.DataFrame:
    return patents(*(f"A thing, KIND={LABELS[i % 4]}, of kind {i}." for i in range(n)))


def truth(n: int = 8) -> list[str]:
    return [LABELS[i % 4] for i in range(n)]


def labels_of(labelled: Labelled) -> list[str]:
    return labelled.table["label"].tolist()
