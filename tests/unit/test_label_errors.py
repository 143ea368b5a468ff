"""Errors of labels that vary: several people, and slopes by design where one confusion for all is wrong."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from reestim.dims import LABELS
from reestim.errors import InputError
from reestim.labels.audit import compare
from reestim.labels.audit_sample import judge
from reestim.labels.dawid_skene import MISSING, consensus
from reestim.labels.design_based import BELIEVED, BY_DESIGN, ONE_CONFUSION, class_slopes, projection_weights
from reestim.labels.labelling import Labelled

_PI = np.array(((0.90, 0.06, 0.02, 0.02), (0.10, 0.80, 0.06, 0.04), (0.05, 0.10, 0.82, 0.03), (0.08, 0.06, 0.04, 0.82)))


def drawn(p: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One class a row of probabilities (item, class)."""
    return (rng.random((len(p), 1)) > np.cumsum(p, axis=1)).sum(axis=1).clip(max=3)


def judgements(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """True classes, and what three people say: two careful, one careless, each leaving out a tenth."""
    rng = np.random.default_rng(seed)
    true = rng.choice(4, size=n, p=[0.4, 0.3, 0.2, 0.1])
    careful, careless = 0.85 * np.eye(4) + 0.0375, 0.5 * np.eye(4) + 0.125
    said = np.stack([drawn(pi[true], rng) for pi in (careful, careful, careless)], axis=1)
    absent = rng.random(said.shape) < 0.1
    absent[np.arange(n), rng.integers(0, 3, n)] = False  # each is judged by one at least
    return true, np.where(absent, MISSING, said)


def test_several_people_are_better_than_their_majority_and_their_errors_are_found() -> None:
    true, said = judgements(1500, 1)
    found = consensus(said)
    right = (found.probability.argmax(axis=1) == true).mean()
    votes = np.stack([(said == k).sum(axis=1) for k in range(4)], axis=1)
    assert right > (votes.argmax(axis=1) == true).mean()
    assert 1 - found.doubt == pytest.approx(right, abs=0.03), "the doubt that is stated is the doubt there is"
    careful, careless = 0.85 + 0.0375, 0.5 + 0.125
    assert found.right == pytest.approx([careful, careful, careless], abs=0.04)
    assert found.prevalence == pytest.approx([0.4, 0.3, 0.2, 0.1], abs=0.04)
    assert (found.judged == (said != MISSING).sum(axis=0)).all()


def test_what_is_said_of_a_person_does_not_lean_on_the_prior_in_a_small_sample() -> None:
    right = np.array(
        [
            [consensus(said).right, (said == true[:, None]).sum(axis=0) / (said != MISSING).sum(axis=0)]
            for true, said in (judgements(60, seed) for seed in range(20))
        ]
    ).mean(axis=0)
    np.testing.assert_allclose(right[0], right[1], atol=0.05)


def labelled_patents(n: int, seed: int) -> tuple[Labelled, pd.DataFrame, np.ndarray]:
    true, said = judgements(n, seed)
    machine = drawn(_PI[true], np.random.default_rng(seed + 100))
    keys = {"patent_id": [f"p{i}" for i in range(n)], "country": "JPN", "sector": "metals", "year": 2010}
    labels = np.array(LABELS)
    table = pd.DataFrame({**keys, "label": labels[machine], "probability": np.nan, "reason": ""})
    sample = pd.DataFrame({**keys, "machine_label": labels[machine]})
    for k in range(3):
        sample[f"human_label{f'_{k + 1}' if k else ''}"] = np.where(said[:, k] < 0, "", labels[said[:, k]])
    return Labelled(table, {}), sample, true


def test_an_audit_by_several_people_finds_the_confusion_of_the_machine() -> None:
    """One careless person makes the machine look worse than it is; all of them together do not."""
    labelled, sample, true = labelled_patents(3000, 2)
    together = compare(judge(sample, "random", labelled), labelled)
    alone = sample[["patent_id", "country", "sector", "year", "machine_label"]].assign(
        human_label=sample["human_label_3"]
    )
    one = compare(judge(alone[alone["human_label"] != ""], "random", labelled), labelled)
    assert together.people is not None
    assert one.people is None
    accuracy = (np.array(LABELS)[true] == labelled.table["label"]).mean()
    assert together.agreement.accuracy.median == pytest.approx(accuracy, abs=0.02)
    assert one.agreement.accuracy.median < accuracy - 0.2
    cells = together.rows()
    assert cells["count"].sum() == 3000, "expected numbers, as whole counts"
    assert cells.groupby("machine_label")["count"].sum().to_dict() == labelled.table["label"].value_counts().to_dict()


def patents_with_prices(seed: int, lean: float) -> tuple[np.ndarray, pd.DataFrame, np.ndarray, np.ndarray, np.ndarray]:
    """Patents in 40 country-sectors over ten years, their labels, an audit of 400 by label, and the true slopes.

    ``lean``: how much more often a label is `enhancing` by mistake where the price is high (log odds a log point).
    """
    rng = np.random.default_rng(seed)
    q = np.cumsum(rng.normal(0, 0.25, (40, 10)), axis=1)
    level = np.array([0, -0.6, -1.2, -1.8]) + rng.normal(0, 0.4, (40, 1, 4))
    apart = q - q.mean(axis=1, keepdims=True)
    odds = np.exp(level + np.array([0, -0.1, 0.6, 0.3]) * apart[..., None])
    p = odds / odds.sum(axis=-1, keepdims=True)
    cell = np.repeat(np.arange(q.size), 25)
    true = drawn(p.reshape(-1, 4)[cell], rng)
    errors = _PI[true] * np.exp(lean * np.outer(apart.ravel()[cell], np.arange(4) == 2) * (true != 2)[:, None])
    machine = drawn(errors / errors.sum(axis=1, keepdims=True), rng)
    truth, chance = np.zeros((len(cell), 4)), np.zeros(len(cell))
    for label in range(4):
        there = np.flatnonzero(machine == label)
        audited = rng.permutation(there)[:100]
        truth[audited] = np.eye(4)[true[audited]]
        chance[there] = len(audited) / len(there)
    unit, year = np.divmod(cell, 10)
    cells = pd.DataFrame({"country": "JPN", "sector": unit.astype(str), "year": year})
    a = projection_weights(q.ravel()[cell], ("JPN " + cells["sector"]).to_numpy(), year)
    return q.ravel()[cell], cells, machine, truth, chance, a @ p.reshape(-1, 4)[cell]


@pytest.mark.parametrize("lean", [0.0, 1.5])
def test_slopes_by_design_are_right_whatever_the_errors(lean: float) -> None:
    """Over worlds: one confusion is right and sharper where errors are alike, and wrong where they follow the price."""
    worlds = [patents_with_prices(seed, lean) for seed in range(16)]
    errors: dict[str, list[float]] = {BELIEVED: [], ONE_CONFUSION: [], BY_DESIGN: []}
    spread: dict[str, list[float]] = {name: [] for name in errors}
    for *given, true in worlds:
        found = class_slopes(*given)
        enhancing = found.table[found.table["class"] == "enhancing"].set_index("estimate")
        for name, row in enhancing.iterrows():
            errors[str(name)].append(row["slope"] - true[2])
            spread[str(name)].append(row["std_error"])
        assert found.audited == 400
    bias = {name: np.mean(values) / (np.std(values, ddof=1) / 4) for name, values in errors.items()}
    assert abs(bias[BY_DESIGN]) < 3
    assert abs(bias[BELIEVED]) > 4, "labels that are believed are wrong either way"
    assert abs(bias[ONE_CONFUSION]) < 3 if lean == 0 else abs(bias[ONE_CONFUSION]) > 6
    assert np.mean(spread[ONE_CONFUSION]) < np.mean(spread[BY_DESIGN])
    for name in (ONE_CONFUSION, BY_DESIGN):
        assert np.std(errors[name]) == pytest.approx(np.mean(spread[name]), rel=0.5)


def test_slopes_are_those_of_the_classes_where_all_are_audited() -> None:
    q, cells, machine, _, _, _ = patents_with_prices(1, 1.0)
    rng = np.random.default_rng(2)
    truth = np.eye(4)[rng.integers(0, 4, len(machine))]
    found = class_slopes(q, cells, machine, truth, np.ones(len(machine)))
    design = found.table[found.table["estimate"] == BY_DESIGN]["slope"].to_numpy()
    a = projection_weights(q, (cells["country"] + " " + cells["sector"]).to_numpy(), cells["year"].to_numpy())
    assert design == pytest.approx((a @ truth)[1:], abs=1e-12)


def test_slopes_that_cannot_be_estimated_are_refused() -> None:
    q, cells, machine, truth, chance, _ = patents_with_prices(1, 0.0)
    with pytest.raises(InputError, match="prices do not vary"):
        class_slopes(np.ones_like(q), cells, machine, truth, chance)
    truth[truth[:, 3] > 0] = 0
    with pytest.raises(InputError, match="no audited patent of this class"):
        class_slopes(q, cells, machine, truth, chance)
