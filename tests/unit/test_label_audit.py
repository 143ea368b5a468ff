"""Audits by confidence and the planner of audits: what they say is right on average, and no surer than it may be."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from reestim.dims import LABELS
from reestim.errors import InputError
from reestim.labels.agreement import audit_cells
from reestim.labels.audit import BY_CONFIDENCE, compare, draw_audit
from reestim.labels.audit_plan import plan_audit, plan_run
from reestim.labels.audit_sample import judge
from reestim.labels.confidence import draw_by_confidence, effective_counts, strata
from reestim.labels.labelling import Labelled


def world(n: int = 4000, seed: int = 1) -> tuple[Labelled, pd.DataFrame, np.ndarray]:
    """Labels whose errors sit where the labeller is unsure, the patents, and what people would say."""
    rng = np.random.default_rng(seed)
    label = rng.choice(LABELS, size=n, p=[0.6, 0.25, 0.1, 0.05])
    probability = rng.beta(4, 1, size=n)
    wrong = rng.random(n) < np.where(probability < np.quantile(probability, 0.25), 0.35, 0.03)
    human = np.where(wrong, rng.choice(LABELS, size=n), label)
    keys = {"patent_id": [f"p{i}" for i in range(n)], "country": "JPN", "sector": "metals", "year": 2010}
    table = pd.DataFrame({**keys, "label": label, "probability": probability, "reason": "model"})
    patents = pd.DataFrame({**keys, "title": "t", "abstract": "a"})
    return Labelled(table, {}), patents, human


def audited(labelled: Labelled, patents: pd.DataFrame, human: np.ndarray, design: str, seed: int):
    said = dict(zip(patents["patent_id"], human, strict=True))
    sample = draw_audit(labelled, patents, design=design, size=200, seed=seed)
    machine = labelled.by_patent()
    rows = sample.assign(
        human_label=[said[p] for p in sample["patent_id"]], machine_label=[machine[p] for p in sample["patent_id"]]
    )
    return rows, compare(judge(rows, design, labelled), labelled)


def test_half_of_each_label_comes_from_its_least_sure_quarter() -> None:
    labelled, patents, human = world()
    rows, audit = audited(labelled, patents, human, BY_CONFIDENCE, 1)
    of = labelled.strata()
    counts = pd.Series([of[p] for p in rows["patent_id"]]).value_counts()
    assert {name: counts[name] for name in counts.index} == {f"{x}/{k}": 25 for x in LABELS for k in ("sure", "unsure")}
    assert "probability" not in rows
    assert "stratum" not in rows
    assert audit.counts.to_numpy().sum() == 200
    assert set(audit.rows()["design"]) == {"by_label"}
    assert audit.rows()["count"].sum() <= 200


def test_weights_undo_the_oversampling_and_the_estimate_is_sharper() -> None:
    """Over many audits the share of right labels is unbiased, and varies less than in a sample by label."""
    labelled, _, human = world(1500)
    label, of = labelled.table["label"].to_numpy(), np.array(list(labelled.strata().values()))
    right, share = human == label, labelled.share()
    size = pd.Series(of).value_counts()
    plain, weighed, raw, worth = [], [], [], []
    for seed in range(250):
        rng = np.random.default_rng(seed)
        drawn = draw_by_confidence(of, 160, rng)
        equal = np.concatenate([rng.permutation(np.flatnonzero(label == one))[:40] for one in LABELS])
        plain.append(sum(share[one] * right[equal][label[equal] == one].mean() for one in LABELS))
        raw.append(sum(share[one] * right[drawn][label[drawn] == one].mean() for one in LABELS))
        weight = {name: size[name] / (of[drawn] == name).sum() for name in set(of[drawn])}
        weighed.append(sum(weight[name] for name in of[drawn][right[drawn]]) / len(of))
        if seed < 25:
            rows = {"human_label": human[drawn], "machine_label": label[drawn], "stratum": of[drawn], "weight": 1.0}
            cells = audit_cells(effective_counts(pd.DataFrame(rows), size), "by_label")
            good = cells.loc[cells["human_label"] == cells["machine_label"]].set_index("machine_label")["count"]
            worth.append(float((good / cells.groupby("machine_label")["count"].sum() * share).sum()))
    assert np.mean(weighed) == pytest.approx(right.mean(), abs=0.005)
    assert worth == pytest.approx(weighed[:25], abs=0.015)  # whole counts round
    assert np.mean(raw) < right.mean() - 0.03  # unweighted, the sample would slander the labeller
    assert np.std(weighed) < 0.95 * np.std(plain)


def test_worth_is_never_more_than_was_audited() -> None:
    rows = pd.DataFrame({"human_label": ["using"] * 30 + ["enhancing"] * 10, "machine_label": "using", "weight": 1.0})
    rows["stratum"] = ["using/sure"] * 20 + ["using/unsure"] * 20
    size = pd.Series({"using/sure": 300, "using/unsure": 100})
    cells = audit_cells(effective_counts(rows, size), "by_label")
    assert 1 <= cells["count"].sum() <= 40
    share = cells.groupby("human_label")["count"].sum() / cells["count"].sum()
    assert share["enhancing"] == pytest.approx(0.25 * 0.5, abs=0.03)  # 10 of 20 wrong in the quarter, none elsewhere


def test_labels_without_confidence_are_drawn_by_label() -> None:
    labelled, _, _ = world(50)
    with pytest.raises(InputError, match="state no confidence"):
        strata(labelled.table.assign(probability=np.nan))


def test_the_planner_finds_the_share_of_the_labels_and_the_number() -> None:
    rng = np.random.default_rng(3)
    pi = rng.dirichlet(np.ones(4), size=(4000, 4)).reshape(4000, -1)
    signal = (pi[:, 0] - pi[:, 0].mean()) / pi[:, 0].std()
    plan = plan_audit(2 * signal + rng.normal(size=4000), pi, audited=100, width=4.2)
    assert plan.from_labels == pytest.approx(0.8, abs=0.03)
    assert plan.floor == pytest.approx(plan.width * np.sqrt(0.2), rel=0.08)
    assert plan.needed is not None
    reached = plan.width * np.sqrt(1 - plan.from_labels * (1 - 100 / plan.needed))
    assert reached == pytest.approx(4.2, rel=0.01)
    assert plan_audit(rng.normal(size=4000), pi, audited=100).from_labels < 0.02  # noise is not taken for labels
    assert plan_audit(2 * signal + rng.normal(size=4000), pi, audited=100, width=0.9 * plan.floor).needed is None
    assert plan_audit(signal, pi, audited=100, width=99.0).needed == 100
    with pytest.raises(ValueError, match="too few"):
        plan_audit(signal[:40], pi[:40], audited=100)


def test_welfare_is_planned_where_a_counterfactual_solved_some_of_the_draws() -> None:
    """Each draw of welfare goes with Π of the same draw, by label: here welfare is an entry of Π."""
    rng = np.random.default_rng(4)
    pi = xr.DataArray(
        rng.dirichlet(np.ones(4), size=(2, 1500, 4)),
        dims=("chain", "draw", "true_class", "label"),
        coords={"chain": [0, 1], "draw": range(1500)},
    )
    some = pi.sel(draw=range(2, 1500, 3))
    welfare = some[..., 0, 0].expand_dims(scenario=["quota"], technology=["fixed"], country=["JPN"])
    post = xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset({"confusion": pi}),
            "counterfactual": xr.Dataset({"welfare": welfare}),
            "label_quality": xr.Dataset({"audited": ("label", [25, 25, 25, 25])}),
        }
    )
    (plan,) = plan_run(post, "welfare").values()
    assert plan.from_labels > 0.98
