"""Errors of labels by group: the likelihood by hand, partial pooling, and an audit that must state the groups."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pymc as pm
import pytest
import xarray as xr
from scipy import stats

from reestim.dims import LABELS
from reestim.errors import InputError
from reestim.estimate.error_groups import grouped_audit
from reestim.estimate.misclassification import confusion_matrix, label_audit, varied_confusion
from reestim.estimate.patent_counts import label_probabilities, true_prevalence
from reestim.study.prior import Prior

CELLS = xr.DataArray(
    np.zeros((2, 3, 8)),
    coords={"country": ["CHN", "JPN"], "sector": ["a", "b", "c"], "year": range(2001, 2009)},
    dims=("country", "sector", "year"),
)


def audit_rows(design: str, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    keys = pd.MultiIndex.from_product(
        [LABELS, LABELS, ["CHN", "JPN", "USA"], ["a", "b", "c"], [2001, 2007, 2008]],
        names=["human_label", "machine_label", "country", "sector", "year"],
    ).to_frame(index=False)
    return keys.assign(count=rng.integers(0, 5, len(keys)), design=design)


def counted(audit: xr.Dataset, seed: int = 1) -> xr.DataArray:
    n = np.random.default_rng(seed).integers(0, 30, (2, 3, 8, 4))
    group = audit.coords["error_group_of_cell"]
    coords = {**CELLS.coords, "label": list(LABELS), "error_group_of_cell": group}
    return xr.DataArray(n, coords=coords, dims=("country", "sector", "year", "label"))


@pytest.mark.parametrize(
    ("by", "groups"),
    [("by_country", ["CHN", "JPN"]), ("by_sector", ["a", "b", "c"]), ("by_period", ["2001-2005", "2006-2008"])],
)
def test_audits_are_put_in_their_groups(by: str, groups: list[str]) -> None:
    rows = audit_rows("by_label")
    found = grouped_audit(rows, by, CELLS)
    assert found["error_group"].values.tolist() == groups
    of = found["error_group_of_cell"]
    for k, group in enumerate(groups):
        here = rows
        if by == "by_period":
            here = rows[rows["year"].between(*map(int, group.split("-")))]
            assert (of.sel(year=here["year"].unique().tolist()) == k).all()
        else:
            here = rows[rows[by.removeprefix("by_")] == group]
            assert (of.sel({by.removeprefix("by_"): group}) == k).all()
        table = here.pivot_table(index="human_label", columns="machine_label", values="count", aggfunc="sum")
        expected = table.reindex(index=LABELS, columns=LABELS).to_numpy()
        assert (found["label_audit"].sel(error_group=group).values == expected).all()


@pytest.mark.parametrize("design", ["by_class", "by_label", "random"])
def test_the_likelihood_of_an_audit_by_group_is_that_of_its_design(design: str) -> None:
    audit = grouped_audit(audit_rows(design), "by_sector", CELLS)
    counts, patents = audit["label_audit"].values, counted(audit)
    rng = np.random.default_rng(2)
    pi, p = rng.dirichlet(np.ones(4), (3, 4)), rng.dirichlet(np.ones(4), (2, 3, 8))
    prevalence = true_prevalence(patents, p)
    shares = label_probabilities(patents, p, pi)
    n = patents.values.sum(axis=-1)
    expected = 0.0
    for g in range(3):
        weight = n[:, g] / n[:, g].sum()
        np.testing.assert_allclose(prevalence[g], np.einsum("ct,ctk->k", weight, p[:, g]), rtol=1e-12)
        np.testing.assert_allclose(shares[:, g], p[:, g] @ pi[g], rtol=1e-12)
        joint = prevalence[g][:, None] * pi[g]
        if design == "by_class":
            samples = list(zip(counts[g], pi[g], strict=True))
        elif design == "by_label":
            samples = list(zip(counts[g].T, (joint / joint.sum(axis=0)).T, strict=True))
        else:
            samples = [(counts[g].ravel(), joint.ravel())]
        expected += sum(float(stats.multinomial.logpmf(c, c.sum(), q)) for c, q in samples)
    coords = {"error_group": ["a", "b", "c"], "human_and_machine_label": list(range(16))}
    coords |= {d: list(LABELS) for d in ("human_label", "machine_label", "true_label")}
    with pm.Model(coords=coords) as model:
        label_audit(audit["label_audit"], pm.math.constant(pi), pm.math.constant(prevalence))
    np.testing.assert_allclose(float(model.compile_logp(mode="FAST_COMPILE")({})), expected, rtol=1e-10)


@pytest.mark.slow
def test_groups_are_pooled_as_far_as_their_audits_are_silent() -> None:
    """Two groups with audits of their own, one without: it takes the common confusion, and is less sure."""
    truth = np.stack([0.9 * np.eye(4) + 0.025, 0.6 * np.eye(4) + 0.1])
    counts = np.zeros((3, 4, 4), int)
    counts[:2] = np.round(400 * truth).astype(int)
    audit = xr.DataArray(counts, dims=("error_group", "human_label", "machine_label"), attrs={"design": "by_class"})
    priors = {
        "confusion": Prior.model_validate({"distribution": "Dirichlet", "a": 1.0, "diagonal": 8.0}),
        "confusion_spread": Prior.model_validate({"distribution": "HalfNormal", "sigma": 0.5}),
    }
    coords = {"error_group": ["good", "bad", "silent"], **{d: list(LABELS) for d in ("true_label", "machine_label")}}
    with pm.Model(coords={**coords, "human_label": list(LABELS)}):
        pi = confusion_matrix(priors)
        label_audit(audit, pi, np.full((3, 4), 0.25))
        post = pm.sample(300, tune=400, chains=2, cores=1, random_seed=1, progressbar=False)["posterior"]
    right = post["confusion_by_group"].values[..., range(4), range(4)].mean(axis=-1).reshape(-1, 3)
    mean, sd = right.mean(axis=0), right.std(axis=0)
    assert mean[:2] == pytest.approx([0.925, 0.7], abs=0.03)
    assert mean[1] < mean[2] < mean[0]
    assert sd[2] > 3 * max(sd[:2])
    assert float(post["confusion_spread"].mean()) > 0.3


def test_no_spread_is_one_confusion() -> None:
    pi = np.random.default_rng(0).dirichlet(np.ones(4), 4)
    found = varied_confusion(pi, np.zeros((3, 4, 4)), np)
    np.testing.assert_allclose(found, np.broadcast_to(pi, (3, 4, 4)), rtol=1e-14)


@pytest.mark.parametrize(("by", "column"), [("by_country", "country"), ("by_sector", "sector"), ("by_period", "year")])
def test_an_audit_that_does_not_state_the_groups_is_refused(by: str, column: str) -> None:
    with pytest.raises(InputError, match=f"does not state the {column}"):
        grouped_audit(audit_rows("by_label").drop(columns=column), by, CELLS)
    elsewhere = audit_rows("by_label").assign(**{column: 1950 if column == "year" else "elsewhere"})
    with pytest.raises(InputError, match=f"no audited patent is of a {column}"):
        grouped_audit(elsewhere, by, CELLS)
