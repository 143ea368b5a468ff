"""The NumPyro twin states the density of the PyMC model: every study switch, at random points, to 1e-8."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import pytest
import xarray as xr
from numpyro.infer.util import log_density

from reestim.estimate import fit as fitting
from reestim.estimate.error_groups import grouped_audit
from reestim.study.prior import Prior
from reestim.study.spec import Evidence, Spec
from tests.recovery.study import default_spec, inputs_of, lagged_inputs

_EXTRA = {
    "lag_weights": {"distribution": "Dirichlet", "a": 1.0},
    "element_elasticity": {"distribution": "LogNormal", "mu": -0.5, "sigma": 0.5},
    "unit_value_error": {"distribution": "HalfNormal", "sigma": 0.15},
    "mu": {"distribution": "StudentT", "nu": 4.0, "mu": 0.2, "sigma": 1.0},
    "tau": {"distribution": "HalfStudentT", "nu": 4.0, "sigma": 0.5},
    "spillover": {"distribution": "TruncatedNormal", "mu": 1.0, "sigma": 1.0, "lower": 0.0, "upper": 4.0},
    "spillover_gap": {"distribution": "HalfNormal", "sigma": 1.0},
}


def _spec(**priors: dict[str, object]) -> Spec:
    spec = default_spec()
    return spec.model_copy(
        update={"priors": spec.priors | {name: Prior.model_validate(table) for name, table in priors.items()}}
    )


def _errors_by_sector() -> xr.Dataset:
    """The default inputs, their audit split over sectors at random."""
    data = inputs_of(seed=0, countries=3)[0]
    counts, sectors = data["label_audit"], [str(s) for s in data["sector"].values]
    rng = np.random.default_rng(1)
    rows = [
        (h, m, s, n, counts.attrs["design"])
        for h in counts["human_label"].values
        for m in counts["machine_label"].values
        for s, n in zip(sectors, rng.multinomial(int(counts.loc[h, m]), [1 / len(sectors)] * len(sectors)), strict=True)
    ]
    audit = pd.DataFrame(rows, columns=["human_label", "machine_label", "sector", "count", "design"])
    cells = data["patent_count"].isel(label=0, drop=True)
    return data.drop_vars("label_audit").merge(grouped_audit(audit, "by_sector", cells))


CASES = {
    "errors of labels by sector": (
        _errors_by_sector,
        _spec(confusion_spread={"distribution": "HalfNormal", "sigma": 0.5}),
    ),
    "default": (lambda: inputs_of(seed=0)[0], _spec()),
    "no label error, patents as levels, other priors": (
        lambda: inputs_of(seed=0, evidence=Evidence(label_error=False, patents_as="levels"), countries=3)[0],
        _spec(**{k: _EXTRA[k] for k in ("mu", "tau", "spillover", "spillover_gap")}),
    ),
    "several lags, elements within the bundle, errors of unit values": (lagged_inputs, _spec(**_EXTRA)),
}


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, marks=pytest.mark.slow) if case.startswith(("several lags", "errors of labels")) else case
        for case in CASES
    ],
)
def test_both_languages_state_the_same_density(case: str) -> None:
    make, spec = CASES[case]
    data = make()
    model: Any = fitting.build(spec, data)
    twin: Any = fitting.build(spec.model_copy(update={"model": "substitution_numpyro.py"}), data)
    assert set(twin.free) == {str(v.name) for v in model.free_RVs}
    assert twin.dims.items() >= {n: tuple(d) for n, d in model.named_vars_to_dims.items() if n in twin.sites}.items()
    terms: Any = [term.sum() for term in model.logp(jacobian=False, sum=False)]
    ours = pm.pytensorf.compile(
        model.value_vars,
        [*terms, *model.replace_rvs_by_values(model.free_RVs)],
        mode="FAST_COMPILE",
    )
    rng = np.random.default_rng(0)
    for _ in range(3):
        start = model.initial_point()
        found = ours(*[start[v.name] + rng.normal(size=start[v.name].shape) for v in model.value_vars])
        density, values = sum(found[: len(terms)]), found[len(terms) :]
        point = {str(v.name): value for v, value in zip(model.free_RVs, values, strict=True)}
        assert np.isfinite(density)
        np.testing.assert_allclose(float(log_density(twin, (), {}, point)[0]), density, rtol=1e-8)
