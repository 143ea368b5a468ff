"""Posterior probabilities of the paper's findings, counted by hand on draws that nobody estimated."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from reestim.errors import InputError
from reestim.runs.record import RunRecord
from reestim.technology import innovation_passthrough
from replications import findings
from tests.interface.conftest import make_post

#: Of ten draws a chain, these say yes.
LOSS, MILDER, LARGER, KNOWN, SUBSTITUTES = 9, 6, 7, 8, 1


@pytest.fixture
def post() -> xr.DataTree:
    """Two chains of ten draws; every cell abroad moves alike, so that no weight matters."""
    tree = make_post()
    cut = {name: tree[name].to_dataset().isel(draw=slice(10)) for name in ("posterior", "prior", "counterfactual")}
    first = xr.DataArray(np.arange(10), dims="draw", coords={"draw": range(10)})

    def yes(count: int) -> xr.DataArray:
        return xr.where(first < count, 1.0, -1.0)

    ds = cut["counterfactual"]
    directed = xr.DataArray([0.0, 1.0], coords={"technology": ["fixed", "directed"]})
    welfare = -1e-4 * yes(LOSS) + directed * 2e-5 * yes(MILDER)
    exposed = xr.DataArray([0.0, 1.0, 1.0, 0.0, 0.0], coords={"sector": ds["sector"].values})
    grown = 1e-4 * exposed * (yes(LARGER) * directed - (1 - directed))
    home = xr.where(ds["country"] == "CHN", 0.0, 1.0)  # what happens there is not asked
    cut["counterfactual"] = ds.assign(
        solved=xr.ones_like(ds["solved"]),
        welfare=welfare * home + 0 * ds["welfare"].fillna(0),
        output=(grown + 3e-4) * home + 0 * ds["output"],
        unit_cost=3e-4 * home + 0 * ds["output"],
        ree_technology=1e-3 * yes(KNOWN) * home + 0 * ds["output"],
    )
    sigma = cut["posterior"]["sigma"]
    cut["posterior"]["sigma"] = xr.zeros_like(sigma) + xr.where(first < SUBSTITUTES, 1.2, 0.5)
    drawn = cut["posterior"]  # research turns away from rare earths where they are substitutes
    drawn["innovation_passthrough"] = innovation_passthrough(drawn["sigma"], drawn["kappa"], drawn["spillover"])
    made = xr.DataTree.from_dict(cut | {"economy": tree["economy"].to_dataset()})
    made.attrs = tree.attrs
    return made


def test_probabilities_are_shares_of_draws(post: xr.DataTree) -> None:
    found = findings.findings(post)
    complements = 1 - SUBSTITUTES / 10
    expected = [complements, complements, KNOWN / 10, LARGER / 10, 0.0, LOSS / 10, MILDER / 10, LOSS / 10]
    assert [f.probability for f in found] == pytest.approx(expected)
    prior = post["prior"].to_dataset()["sigma"]
    assert 0 < found[0].prior <= 1
    assert found[0].prior == pytest.approx(float((prior.mean("sector") < 1).mean()), abs=0.3)


def test_the_table_says_what_is_synthetic(post: xr.DataTree) -> None:
    text = findings.table(post).markdown()
    assert text.count("SYNTHETIC evidence") == 8
    assert "Simulated, not observed: patent_labels.csv." in text
    assert "no finding about the world" in text
    real = post.copy()
    about = {"dataset": "real", "synthetic": [], "imputed": ["trade.csv"]}
    RunRecord.of(real).updated({"provenance": about}).attached(real)
    assert findings.table(real).kind == "real"
    text = findings.table(real).markdown()
    assert "SYNTHETIC" not in text
    assert "real evidence, stylised economy" in text
    assert "Simulated, not observed: nothing. Cells of the economy made by a rule: trade.csv." in text
    assert "no finding about the world" not in text


def test_a_run_without_equilibria_cannot_be_asked(post: xr.DataTree) -> None:
    alone = xr.DataTree.from_dict({"posterior": post["posterior"].to_dataset()})
    with pytest.raises(InputError, match="counterfactual"):
        findings.findings(alone)
    ds = post["counterfactual"].to_dataset().sel(technology=["fixed"])
    with pytest.raises(InputError, match="directed"):
        findings.findings(xr.DataTree.from_dict({"posterior": alone["posterior"].to_dataset(), "counterfactual": ds}))
