"""The quota of 2010 as it was written, one number of tonnes, explains prices that a quota for each element does not."""

from __future__ import annotations

import pytest

from replications import prices_2010
from replications.prices_2010 import LICENCE_READ, Comparison, fit


@pytest.fixture(scope="module")
def found() -> Comparison:
    return prices_2010.compare()


@pytest.mark.slow  # a replication, half a minute
def test_one_licence_price_fits_what_was_paid_and_nothing_was_tuned(found: Comparison) -> None:
    abroad = found.elements.loc[(found.elements["market"] == "abroad") & ~found.elements["imputed"]]
    assert len(abroad) == 8
    assert fit(abroad, "pooled")[1] > 0.85
    assert fit(abroad, "separate")[1] < 0.7
    assert fit(found.sectors, "pooled")[0] < 0.1
    assert fit(found.sectors, "separate")[0] > 0.4
    assert LICENCE_READ[0] <= found.licence_price <= LICENCE_READ[1]


@pytest.mark.slow  # a replication, half a minute
def test_the_misses_are_said(found: Comparison, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = found.elements.loc[found.elements["market"] == "inside"]
    assert inside["pooled"].mean() < 0 < inside["observed"].mean()
    monkeypatch.setattr(prices_2010, "compare", lambda: found)
    text = prices_2010.table().markdown()
    assert "Misses: prices inside China fall in the model" in text
    assert "Gd (imputed)" in text
