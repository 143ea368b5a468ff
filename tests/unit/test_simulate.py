"""Simulated evidence: reproducible, in the file formats, and with the moments that its stated parameters imply."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from reestim import technology
from reestim.dims import LABELS
from reestim.errors import InputError, ParameterError
from reestim.evidence.simulate import simulate_evidence, true_sigma
from reestim.evidence.truth import Truth
from tests.recovery.world import USERS, small_world

TRUTH = Truth(beta=(-0.4, 0.2))


def test_the_same_seed_gives_the_same_files_and_a_further_file_changes_none() -> None:
    world = small_world()
    first = simulate_evidence(*world, TRUTH, seed=3)
    again = simulate_evidence(*world, TRUTH, seed=3, ree_use_panel=True)
    other = simulate_evidence(*world, TRUTH, seed=4)
    assert set(first) == {"patent_labels", "label_audit", "outcomes"}
    for stem, frame in first.items():
        pd.testing.assert_frame_equal(frame, again[stem])
    assert not first["patent_labels"].equals(other["patent_labels"])
    counts = first["patent_labels"]["count"]
    assert counts.dtype.kind == "i"
    assert (counts >= 0).all()


def test_enhancing_patents_follow_the_pass_through_when_all_else_is_switched_off() -> None:
    """With a clean labeller and many patents read as levels, ln(enhancing/unrelated) is α + m·q to within sampling
    error; as flows: tests/economics/test_one_clock.py."""
    io, price, z = small_world()
    truth = Truth(
        beta=(-0.4, 0.2),
        unit_sd=0.0,
        year_sd=0.0,
        concentration=1e7,
        patents_per_cell=2e5,
        patents_as="levels",
        confusion=tuple(tuple(float(i == j) for j in range(4)) for i in range(4)),
    )
    table = simulate_evidence(io, price, z, truth, seed=0)["patent_labels"]
    wide = table.pivot_table(index=["country", "sector", "year"], columns="label", values="count")
    log_odds = np.log(wide["enhancing"] / wide["unrelated"]).to_xarray().sel(country=price.country, sector=price.sector)
    sigma = true_sigma(z, truth, np.random.default_rng(np.random.SeedSequence(0).spawn(5)[0]))
    deviation = price - price.mean("year")
    slope = (log_odds * deviation).sum(["country", "year"]) / (deviation**2).sum(["country", "year"])
    np.testing.assert_allclose(slope, technology.innovation_passthrough(sigma, truth.kappa, truth.spillover), atol=0.02)


@pytest.mark.parametrize("design", ["by_label", "by_class", "random"])
def test_an_audit_fixes_what_its_design_fixes(design: str) -> None:
    truth = Truth(beta=(-0.4, 0.2), audit_design=design, audit_size=4000)
    audit = simulate_evidence(*small_world(), truth, seed=1, outcomes=False)["label_audit"]
    table = audit.pivot_table(index="human_label", columns="machine_label", values="count").loc[
        list(LABELS), list(LABELS)
    ]
    assert table.to_numpy().sum() == 4000
    if design == "by_label":
        assert (table.sum(axis=0) == 1000).all()
    elif design == "by_class":
        assert (table.sum(axis=1) == 1000).all()
        np.testing.assert_allclose(table.to_numpy() / 1000, np.asarray(truth.confusion), atol=0.05)


def test_the_cost_share_moves_by_one_minus_sigma_on_impact() -> None:
    """λ = 0 (fixed technology) and no noise: Δ ln odds of the cost share = (1−σ)·Δq, equation (15)."""
    io, price, z = small_world()
    truth = Truth(beta=(-0.4, 0.2), sigma={s: 0.4 for s in USERS}, ree_use_noise=0.0, adjustment_rate=0.0)
    panel = simulate_evidence(io, price, z, truth, seed=0, ree_use_panel=True)["ree_use_panel"]
    data = panel.set_index(["country", "sector", "year"]).to_xarray().sel(country=price.country, sector=price.sector)
    share = data["value"] / data["output"]
    change = np.log(share / (1 - share)).diff("year")
    np.testing.assert_allclose(change, 0.6 * price.diff("year"), atol=1e-6)


def test_truth_survives_toml_types() -> None:
    plain = TRUTH.to_dict()
    plain["kappa"] = 1  # TOML may hold a whole number
    plain.pop("tau")
    assert Truth.from_dict(TRUTH.to_dict()) == TRUTH
    assert Truth.from_dict(plain).kappa == 1.0
    with pytest.raises(InputError, match="kapa"):
        Truth.from_dict({"kapa": 1.0})


def test_bad_arguments_are_listed_together() -> None:
    io, price, z = small_world()
    with pytest.raises(InputError) as caught:
        simulate_evidence(
            io.drop_vars("trade_elasticity"), price, z, Truth(beta=(1.0,), audit_design="by_hand"), seed=0
        )
    assert len(caught.value.problems) == 3
    with pytest.raises(ParameterError, match="inside"):
        simulate_evidence(io, price, z, Truth(beta=(0.0, 0.0), sigma={"glass": 2.5}), seed=0)


def test_numbers_of_patents_follow_the_totals_of_all_patents() -> None:
    io, price, z = small_world()
    truth = replace(TRUTH, patents_per_cell=400.0, patent_growth=None)
    cells = price.to_series().index.to_frame(index=False)
    totals = cells.assign(total=np.random.default_rng(2).gamma(0.5, size=len(cells)) * 1e4)
    keys = ["country", "sector", "year"]
    table = simulate_evidence(io, price, z, truth, seed=0, outcomes=False, patent_totals=totals)["patent_labels"]
    counts = table.groupby(keys)["count"].sum()
    size = totals.set_index(keys)["total"]
    expected = 400.0 * size / size.groupby("sector").transform("mean")
    assert np.abs((counts - expected.reindex(counts.index)) / np.sqrt(expected + 1)).max() < 5
    np.testing.assert_allclose(counts.groupby("sector").mean(), 400.0, rtol=0.03)
    with pytest.raises(InputError, match="no total of all patents"):
        simulate_evidence(io, price, z, truth, seed=0, patent_totals=totals.iloc[1:])
    with pytest.raises(ParameterError, match="patent_growth"):
        simulate_evidence(io, price, z, truth, seed=0)
