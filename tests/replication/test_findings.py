"""Posterior probabilities of the paper's findings, counted by hand on draws that nobody estimated."""

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
from reestim.reports.section import TableBlock
from reestim.reports.sections.findings import section, tables
from reestim.results.claims import needed_gap
from reestim.results.effects import economy_of
from reestim.results.findings import findings_table, rows_as_text
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
    found = findings_table(post)
    complements = 1 - SUBSTITUTES / 10
    expected = [complements, complements, KNOWN / 10, 1.0, LARGER / 10, LOSS / 10, MILDER / 10, 1 - LOSS / 10]
    assert found["probability"].tolist() == pytest.approx(expected)
    prior = post["prior"].to_dataset()["sigma"]
    assert found["prior_probability"][0] == pytest.approx(float((prior.mean("sector") < 1).mean()), abs=0.3)
    assert found["prior_probability"][2:].isna().all()  # the prior did not go through the equilibrium
    assert (found["low"] <= found["median"]).all()
    assert found["median"][0] == pytest.approx(0.5), "the size is told of σ, the event of σ < 1"
    assert found["sure"][0] == 0  # of each sector, P(σ < 1) is .9
    abroad = len(economy_of(post).countries) - 1
    assert (found["sure"][6], found["members"][6]) == (0, abroad), "in no country is mitigation sure"


def test_before_the_data_the_same_is_asked_of_the_prior(post: xr.DataTree) -> None:
    before = post["counterfactual"].to_dataset()
    before["welfare"] = -before["welfare"]
    post["prior_counterfactual"] = xr.DataTree(before)
    found = findings_table(post).set_index("asked")
    row = found.loc["joint real income abroad falls, fixed technology"]
    assert row["probability"] + row["prior_probability"] == pytest.approx(1)
    assert found["prior_probability"].notna().all()
    post["prior_counterfactual"] = xr.DataTree(before[["welfare", "solved"]])  # as runs kept it before
    known = findings_table(post).set_index("asked")["prior_probability"].notna()
    assert known["joint real income abroad falls, fixed technology"]
    assert not known["REE-enhancing knowledge abroad rises under the restriction"]


def test_the_gap_that_an_expansion_needs_is_one_over_the_passthrough(post: xr.DataTree) -> None:
    economy = economy_of(post)
    draws = post["posterior"].to_dataset()
    m = xr.full_like(draws["innovation_passthrough"], 0.4)
    omega = needed_gap(draws.assign(innovation_passthrough=m), economy)
    assert omega is not None
    assert float(omega.max()) == pytest.approx(2.5, rel=0.2)  # θ is small
    assert float(omega.min()) > 2.5
    assert needed_gap(draws.assign(innovation_passthrough=-m), economy) is None


def test_the_table_says_what_is_synthetic(post: xr.DataTree) -> None:
    text = findings.table(post).markdown()
    assert text.count("SYNTHETIC evidence") == 8
    assert "Simulated, not observed: patent_labels.csv." in text
    assert "not a finding about the world" in text
    real = post.copy()
    about = {"dataset": "real", "synthetic": [], "imputed": ["trade.csv"]}
    RunRecord.of(real).updated({"provenance": about}).attached(real)
    assert findings.table(real).kind == "real"
    text = findings.table(real).markdown()
    assert "SYNTHETIC" not in text
    assert "Imputed cells in the world table: trade.csv." in text
    assert "Simulated" not in text
    assert "not a finding about the world" not in text


def test_a_run_without_equilibria_cannot_be_asked(post: xr.DataTree) -> None:
    alone = xr.DataTree.from_dict({"posterior": post["posterior"].to_dataset()})
    with pytest.raises(InputError, match="counterfactual"):
        findings_table(alone)
    ds = post["counterfactual"].to_dataset().sel(technology=["fixed"])
    with pytest.raises(InputError, match="directed"):
        findings_table(xr.DataTree.from_dict({"posterior": alone["posterior"].to_dataset(), "counterfactual": ds}))


def test_the_command_and_the_report_say_the_same(post: xr.DataTree, tmp_path: Path) -> None:
    ree.save(post, tmp_path / "run")
    done = CliRunner().invoke(app, ["findings", str(tmp_path / "run"), "--json"])
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert [row["probability"] for row in said["findings"]] == findings_table(post)["probability"].tolist()
    printed = CliRunner().invoke(app, ["findings", str(tmp_path / "run")]).output
    assert all(note.split(";")[0] in printed for note in said["notes"])
    made = section(post, tables(post))
    assert made is not None
    assert isinstance(made.blocks[0], TableBlock)
    assert [row[2] for row in made.blocks[0].rows] == [row[2] for row in rows_as_text(findings_table(post))]
