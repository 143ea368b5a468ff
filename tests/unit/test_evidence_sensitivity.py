"""Which evidence speaks about what: power-scaling by kind, against a posterior whose answer is known."""

from __future__ import annotations

import numpy as np
import xarray as xr

from reestim.checks.evidence_sensitivity import EVIDENCE_SENSITIVITY, evidence_sensitivity
from reestim.checks.prior_sensitivity import SENSITIVE
from reestim.reports.sections import evidence


def _run() -> xr.DataTree:
    """κ is learnt from patents (a normal likelihood), ξ from nothing: its draws are those of its prior."""
    rng, shape, dims = np.random.default_rng(0), (4, 1000), ("chain", "draw")
    coords = {"chain": range(4), "draw": range(1000)}
    kappa, spillover = rng.normal(1.0, 0.1, shape), rng.normal(0.0, 1.0, shape)
    draws = {"kappa": (dims, kappa), "spillover": (dims, spillover)}
    likelihood = {
        "patent_count": (dims, -0.5 * ((kappa - 1.0) / 0.1) ** 2),
        "use_share_change": (dims, 1e-3 * kappa),
    }
    prior = {"kappa": (dims, 0.0 * kappa), "spillover": (dims, -0.5 * spillover**2)}
    groups = {"posterior": draws, "log_likelihood": likelihood, "log_prior": prior}
    return xr.DataTree.from_dict({name: xr.Dataset(values, coords) for name, values in groups.items()})


def test_each_parameter_reacts_to_the_evidence_that_it_is_learnt_from() -> None:
    post = _run()
    found = evidence_sensitivity(post)
    assert found is not None
    assert found["evidence"].values.tolist() == ["patents", "ree_use", "priors"]
    by = {
        p: dict(zip(found["evidence"].values.tolist(), found["sensitivity"].sel(parameter=p).values, strict=True))
        for p in ("kappa", "spillover")
    }
    assert by["kappa"]["patents"] > SENSITIVE > by["kappa"]["ree_use"]
    assert by["spillover"]["priors"] > SENSITIVE > max(by["spillover"]["patents"], by["spillover"]["ree_use"])


def test_the_report_says_what_no_evidence_speaks_about() -> None:
    post = _run()
    post[EVIDENCE_SENSITIVITY] = xr.DataTree(evidence_sensitivity(post))
    tables = evidence.tables(post)
    shown = evidence.section(post, tables)
    assert shown is not None
    table, notes = shown.blocks
    assert table.heads == ["Parameter", "patents", "ree use", "priors"]
    assert notes.lines == ["No kind of evidence speaks about ξ."]
    assert evidence.section(post, {}) is None


def test_a_run_without_log_densities_has_no_answer() -> None:
    assert evidence_sensitivity(xr.DataTree.from_dict({"posterior": _run()["posterior"].to_dataset()})) is None
