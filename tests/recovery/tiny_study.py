"""A study of a few parameters, whose posterior is quick to sample: the response of patents to q, with noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

import reestim as ree
from reestim.estimate.inputs import unused_files
from reestim.runs.parts import DataRecord, StudyRecord
from reestim.runs.record import RunRecord
from reestim.study.prior import Prior
from reestim.study.spec import Evidence, Sampler, Spec

_MODEL = """
import pymc as pm
from reestim.estimate.elasticity import passthrough
from reestim.estimate.priors import variable
from reestim.technology import sigma_upper_bound


def build(data, priors):
    with pm.Model(coords={"sector": data["sector"].values, "price_year": data["price_year"].values}) as model:
        kappa = variable(priors, "kappa")
        mu = variable(priors, "mu", dims="sector")
        sigma = pm.Deterministic("sigma", sigma_upper_bound(kappa, 0.0) * pm.math.sigmoid(mu), dims="sector")
        m = passthrough(sigma, kappa, 0.0)
        q = data["relative_price"].isel(country=0).transpose("sector", "price_year").values
        pm.Normal("answer", m[:, None] * q, 0.3, observed=0 * q, dims=("sector", "price_year"))
    return model
"""


def tiny_study(folder: Path, evidence: Evidence | None = None) -> Spec:
    """The study, its model written into ``folder``."""
    path = folder / "tiny.py"
    path.write_text(_MODEL, encoding="utf-8")
    priors = {
        "kappa": {"distribution": "LogNormal", "mu": 0.2, "sigma": 0.3},
        "mu": {"distribution": "Normal", "mu": 0.0, "sigma": 1.0},
    }
    return Spec(
        name="tiny",
        model=str(path),
        dataset="none",
        evidence=evidence or Evidence(),
        priors={k: Prior.model_validate(v) for k, v in priors.items()},
        sampler=Sampler(name="nutpie", draws=80, tune=150, chains=1),
    )


def tiny_inputs(economy: ree.Economy) -> xr.Dataset:
    """What the study's model needs of the data, on the sectors of a small economy."""
    rng, sectors = np.random.default_rng(0), [str(s) for s in economy.sectors]
    return xr.Dataset(
        {
            "relative_price": (("country", "sector", "price_year"), rng.normal(size=(3, 2, 3))),
            "substitutability": (("sector", "property"), np.zeros((2, 1))),
            "ree_share": (("country", "sector"), np.full((3, 2), 0.01)),
            "trade_elasticity_mean": ("traded_sector", np.full(5, 5.0)),
            "trade_elasticity_sd": ("traded_sector", np.full(5, 1.0)),
        },
        coords={
            "country": list(economy.countries),
            "sector": sectors[1:3],
            "price_year": [2009, 2010, 2011],
            "property": ["z"],
            "traded_sector": sectors,
        },
    )


_TOML = """
name = "tiny"
model = "tiny.py"
dataset = "rare-earths-2010"
[evidence]
patents = false
event_outcomes = ["tfp"]
published_outcomes = []
[priors]
kappa = { distribution = "LogNormal", mu = 0.2, sigma = 0.3 }
mu = { distribution = "Normal", mu = 0.0, sigma = 1.0 }
[sampler]
draws = 40
tune = 100
chains = 2
[gates]
max_r_hat = 2.0
min_ess = 1.0
"""


def tiny_run(folder: Path) -> Path:
    """A run of the same study as a file, on the bundled dataset."""
    (folder / "tiny.py").write_text(_MODEL, encoding="utf-8")
    (folder / "tiny.toml").write_text(_TOML, encoding="utf-8")
    spec = ree.read_spec(folder / "tiny.toml")
    data = ree.load_dataset(spec.dataset)
    post = ree.fit(ree.build(spec, data), spec.sampler, seed=1, progress=False, gates=spec.gates)
    unused = unused_files(spec.evidence.settled(data.tables))
    record = RunRecord.of(post).but(spec=StudyRecord.of(spec), provenance=DataRecord.of(data, unused))
    return ree.save(record.attached(post), folder / "run")
