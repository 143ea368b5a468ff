"""Which priors the answer of a scenario hangs on, in a sentence: shares of variance beside what rests on a prior.

Nothing is computed here: shares are those of the group ``welfare_variance``, verdicts those of power-scaling and of
widths (`reestim.checks.prior_sensitivity`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from reestim.counterfactuals.variance import SOURCE
from reestim.dims import COUNTRY, SCENARIO, TECHNOLOGY
from reestim.reports.sections import priors, uncertainty
from reestim.results.effects import DIRECTED, FIXED
from reestim.results.format import joined, percent

#: Share of the variance of welfare from which on a source is named, and from which on an answer hangs on priors.
_NAMED, _HANGS = 0.1, 0.25
#: Sources that one sentence names.
_MOST = 3
_WORDS = {
    "sigma": "how well other inputs replace rare earths",
    "kappa": "how strongly research follows prices",
    "spillover": "what research is worth to others",
    "element_elasticity": "how well elements replace each other",
    "trade_elasticity": "trade elasticities",
    "supply_elasticity": "how mines answer prices",
}
#: The row of the table ``prior_posterior`` that speaks of a source of variance, where its name is another one.
_ROWS = {"sigma": "mean_sigma"}
_WITH = {FIXED: "with technology as it was", DIRECTED: "with directed technology"}
_PRIOR, _BOTH = "prior alone", "prior and data alike"
#: Verdicts of a parameter whose prior counts.
_RESTING = {"prior", "shifted", "both"}
_SHARED = ("mean_sigma", "kappa", "spillover", "spillover_gap")


class UncertaintySource(NamedTuple):
    """A source of the variance of welfare, its share, and what its value comes from."""

    name: str
    share: float
    comes_from: str


def prior_dependence(
    tables: Mapping[str, pd.DataFrame], scenario: str, abroad: Sequence[str], technology: str
) -> Iterator[str]:
    """The sentence on what carries the answer with this technology, for the countries ``abroad``."""
    table = tables.get(priors.TABLE, pd.DataFrame())
    verdicts = dict(zip(table["parameter"], table["verdict"], strict=True)) if len(table) else {}
    shares = tables.get(uncertainty.GROUP, pd.DataFrame())
    if len(shares):
        chosen = (shares[SCENARIO] == scenario) & (shares[TECHNOLOGY] == technology) & shares[COUNTRY].isin(abroad)
        mean = shares.loc[chosen].groupby(SOURCE)["share"].mean().sort_values(ascending=False)
        sources = [
            UncertaintySource(str(name), float(share), _comes_from(str(name), verdicts)) for name, share in mean.items()
        ]
        if sources:
            yield from _by_share(sources, technology)
            return
    if technology == DIRECTED:
        yield from _by_verdict(table)


def _by_share(sources: Sequence[UncertaintySource], technology: str) -> Iterator[str]:
    leaning = [s for s in sources if s.comes_from in (_PRIOR, _BOTH) and s.share >= _NAMED][:_MOST]
    if sum(s.share for s in leaning) >= _HANGS:
        named = joined([_with_share(s) for s in leaning])
        how = "hangs on priors" if any(s.comes_from == _PRIOR for s in leaning) else "depends on priors and data alike"
        yield (
            f"The answer {_WITH[technology]} {how}: its variance abroad comes from {named}. Another prior gives "
            "another answer: change one (docs/priors.md), then `reestim compare`."
        )
        return
    yield f"What is uncertain in the answer {_WITH[technology]} comes most from {_with_share(sources[0])}."


def _with_share(source: UncertaintySource) -> str:
    """``trade elasticities (ε: 24 % of it, prior alone)``."""
    part = f"{percent(source.share)} of it, {source.comes_from}"
    symbol = uncertainty.named(source.name)
    return f"{_WORDS[source.name]} ({symbol}: {part})" if source.name in _WORDS else f"{symbol} ({part})"


def _by_verdict(table: pd.DataFrame) -> Iterator[str]:
    """Without shares of variance: which shared parameters rest on their priors."""
    if table.empty:
        return
    resting = table.loc[table["parameter"].isin(_SHARED) & table["verdict"].isin(list(_RESTING)), "symbol"].tolist()
    if resting:
        rest, its = ("rests", "its prior") if len(resting) == 1 else ("rest", "their priors")
        yield (
            f"The answer {_WITH[DIRECTED]} hangs on priors: {joined(resting)} {rest} on {its}. How much of it they "
            "carry was not computed; another prior gives another answer (docs/priors.md, `reestim compare`)."
        )


def _comes_from(source: str, verdicts: Mapping[str, str]) -> str:
    if source in uncertainty.INPUTS:
        return "a figure of the dataset with its error"
    verdict = verdicts.get(_ROWS.get(source, source))
    if verdict is None:  # no data speak about it: its stated prior is what is drawn
        return _PRIOR
    return _BOTH if verdict == "both" else _PRIOR if verdict in _RESTING else "the data speak about it"
