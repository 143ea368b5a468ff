"""Which sampler draws the default posterior fastest, and what the parameterisation is worth: effective draws a second.

    python -m benchmarks.sampling                  # samplers, and the direct transcription, on the bundled dataset
    python -m benchmarks.sampling --large          # 40 countries x 35 sectors x 20 years x 4 labels: memory and rate

One table. *ESS* is the smallest bulk effective sample size over all parameters; *ESS/s* divides it by the wall time of
the whole call, from the model to the draws: what a user waits for. *Short call* is what the same call took just before
with next to no draws, mostly compiling; a sampler that keeps what it compiled on disk (PyMC's, through Numba) spends
less of it the second time, so the two cannot be subtracted. All rows are measured in one run, so their ratios can be
read on a busy machine, their levels not.
"""

from __future__ import annotations

import argparse
import resource
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import arviz
import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr

import reestim as ree
from reestim.dims import COUNTRY, LABEL, SECTOR, YEAR
from reestim.estimate import sampling
from reestim.estimate.elasticity import measured_trade_elasticity, passthrough
from reestim.estimate.event_effects import event_effects, predicted_effects
from reestim.estimate.inputs import coordinates, model_inputs
from reestim.estimate.misclassification import confusion_matrix, label_audit
from reestim.estimate.patent_counts import true_prevalence
from reestim.estimate.priors import variable
from reestim.estimate.ree_use import ree_use
from reestim.estimate.relative_price import (
    clock_of,
    enhancing_response,
    in_years_of_patents,
    knowledge_of,
    relative_price,
)
from reestim.study.prior import Prior
from reestim.study.spec import Sampler, Spec
from reestim.technology import sigma_upper_bound

az: Any = arviz


@dataclass(frozen=True)
class Row:
    """One run: seconds of a call with next to no draws and of the whole call; smallest ESS and largest R-hat."""

    name: str
    parameters: int
    short_seconds: float
    seconds: float
    ess: float
    worst: str
    r_hat: float
    divergences: int
    steps: float

    @property
    def rate(self) -> float:
        return self.ess / self.seconds


def direct(data: xr.Dataset, priors: Mapping[str, Prior], *, marginal: bool) -> pm.Model:
    """Section 4 of the model typed in as it is printed: the prior of each effect around its mean (centred), no
    constraint on effects, no ridge, PyMC's own Dirichlet-multinomial; ``marginal=False`` also keeps the shares of
    labels of each cell as parameters, y ~ Multinomial(n, s), s ~ Dirichlet(φ·pΠ), instead of summing them out.
    """
    coords = coordinates(data)
    with pm.Model(coords=coords) as model:
        kappa = variable(priors, "kappa")
        spillover = variable(priors, "spillover")
        spillover_gap = variable(priors, "spillover_gap")
        epsilon = measured_trade_elasticity(data)
        mu, tau = variable(priors, "mu"), variable(priors, "tau", long_name="τ")
        beta = variable(priors, "beta", dims="property")
        z = data["substitutability"].transpose(SECTOR, "property").values
        logit = pm.Normal("logit_sigma", mu + pt.dot(z, beta), tau, dims=SECTOR)
        bound: Any = sigma_upper_bound(kappa, spillover)
        sigma = pm.Deterministic("sigma", bound * pm.math.sigmoid(logit), dims=SECTOR)
        m = passthrough(sigma, kappa, spillover)

        rho = variable(priors, "element_elasticity")
        clock = clock_of(priors)
        q, lag_weights = relative_price(data, priors, rho)
        knowledge = knowledge_of(data, q, m, clock, lag_weights)
        f = enhancing_response(data, q, m, knowledge, clock, lag_weights)
        counts = data["patent_count"].transpose(COUNTRY, SECTOR, YEAR, LABEL).values.astype(np.int64)
        level = variable(priors, "class_log_odds", dims="class")
        unit_sd = variable(priors, "unit_sd", dims="class")
        year_sd = variable(priors, "year_sd", dims="class")
        unit = pm.Normal("unit_effect", level[:, None], unit_sd[:, None], dims=("class", "unit"))
        year = pm.Normal("year_effect", 0.0, year_sd[:, None], dims=("class", YEAR))
        u = variable(priors, "using_slope")
        v = variable(priors, "substituting_slope")
        price, response = in_years_of_patents(data, q), in_years_of_patents(data, f)
        slopes: Any = pt.stack([u * price, response, v * price])
        eta = unit.reshape((3, *counts.shape[:2]))[..., None] + year[:, None, None, :] + slopes
        odds: Any = pt.concatenate([pt.zeros((1, *counts.shape[:3])), eta])
        p: Any = pm.math.softmax(odds.dimshuffle(1, 2, 3, 0), axis=-1)
        confusion = confusion_matrix(priors)
        phi = variable(priors, "concentration")
        weight = phi * pt.dot(p.reshape((-1, 4)), confusion)
        flat = counts.reshape((-1, 4))
        if marginal:
            pm.DirichletMultinomial("patent_count", n=flat.sum(axis=1), a=weight, observed=flat)
        else:
            share = pm.Dirichlet("label_share", weight, shape=flat.shape)
            pm.Multinomial("patent_count", n=flat.sum(axis=1), p=share, observed=flat)
        label_audit(data["label_audit"], confusion, true_prevalence(data["patent_count"], p))
        event_effects(data, predicted_effects(data, q, knowledge, f, kappa, spillover, spillover_gap, epsilon))
        ree_use(data, sigma, m, spillover, clock, lag_weights, priors)
    return model


def measured(name: str, model: Any, sampler: Sampler, seed: int) -> Row:
    """One sampler on one model, called twice: with next to no draws, and as it is."""
    short = sampler.model_copy(update={"draws": 2, "tune": 2, "max_tree_depth": 1})
    start = time.perf_counter()
    sampling.SAMPLERS[sampler.name](model, short, seed, False)
    middle = time.perf_counter()
    tree = sampling.SAMPLERS[sampler.name](model, sampler, seed, False)
    end = time.perf_counter()
    posterior = tree["posterior"].to_dataset()
    stats = sampling.statistics(tree["sample_stats"].to_dataset(), sampler.max_tree_depth)
    moving = posterior[[n for n, v in posterior.data_vars.items() if float(v.std()) > 0]]
    ess, r_hat = az.ess(moving), az.rhat(moving)
    worst = min(ess.data_vars, key=lambda n: float(ess[n].min()))
    return Row(
        name=name,
        parameters=sum(int(np.prod(v.shape[2:])) for v in posterior.data_vars.values()),
        short_seconds=middle - start,
        seconds=end - middle,
        ess=float(ess[worst].min()),
        worst=str(worst),
        r_hat=max(float(v.max()) for v in r_hat.data_vars.values()),
        divergences=int(stats["diverging"].sum()),
        steps=float(stats["n_steps"].mean()),
    )


def table(rows: list[Row]) -> str:
    """Markdown, the first row the one that ratios are taken to."""
    lines = [
        "| run | short call, s | whole call, s | steps a draw | smallest ESS (of) | R-hat | divergences | ESS/s "
        "| ratio |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        lines.append(
            f"| {row.name} | {row.short_seconds:.0f} | {row.seconds:.0f} | {row.steps:.0f} | "
            f"{row.ess:.0f} ({row.worst}) | {row.r_hat:.3f} | {row.divergences} | {row.rate:.2f} | "
            f"{row.rate / rows[0].rate:.3f} |"
        )
    return "\n".join(lines)


def covariates(
    rng: np.random.Generator,
    countries: Sequence[str],
    sectors: Sequence[str],
    years: np.ndarray,
    exposure: np.ndarray,
    properties: Sequence[str],
) -> tuple[xr.DataArray, xr.DataArray]:
    """q (country, sector, year): a rise of prices from 2009 to 2011 times ``exposure``, and a random walk; z (sector,
    property), standardised."""
    spike = np.interp(years, [years[0], 2006, 2009, 2011, 2014], [0.0, 0.0, -0.2, 2.0, 0.4])
    walk = rng.standard_normal((len(countries), len(sectors), len(years))).cumsum(2)
    price = xr.DataArray(
        spike * exposure + 0.05 * walk,
        name="relative_price",
        dims=("country", "sector", "year"),
        coords={"country": countries, "sector": sectors, "year": years},
    )
    z = rng.standard_normal((len(sectors), len(properties)))
    like = xr.DataArray(
        (z - z.mean(0)) / z.std(0), coords={"sector": sectors, "property": properties}, dims=("sector", "property")
    )
    return price, like


def large_inputs(seed: int) -> xr.Dataset:
    """40 countries, 35 sectors, 20 years, 4 labels, simulated (112,000 counts), and an audit; no other evidence."""
    from reestim.estimate.inputs import assemble
    from reestim.evidence.simulate import simulate_evidence
    from reestim.evidence.truth import Truth
    from reestim.study.spec import Evidence

    rng = np.random.default_rng(seed)
    countries, sectors = [f"C{k:02d}" for k in range(40)], [f"s{k:02d}" for k in range(35)]
    years = np.arange(1995, 2015)
    n, s = len(countries), len(sectors)
    flow = rng.lognormal(0, 1, (n, n, s)) + 12 * np.eye(n)[:, :, None]
    io = xr.Dataset(
        {
            "trade_share": (("importer", "exporter", "sector"), flow / flow.sum(1, keepdims=True)),
            "expenditure": (("country", "sector"), rng.lognormal(10, 0.8, (n, s))),
            "ree_share": (("country", "sector"), rng.lognormal(-7, 0.6, (n, s))),
            "trade_elasticity": ("sector", rng.uniform(3, 9, s)),
            "trade_elasticity_sd": ("sector", rng.uniform(0.5, 2, s)),
        },
        coords={
            "country": countries,
            "importer": countries,
            "exporter": countries,
            "sector": sectors,
            "element": np.array([], dtype=str),
        },
    )
    price, like = covariates(rng, countries, sectors, years, rng.uniform(0.5, 1.3, (1, s, 1)), ["a", "b"])
    truth = replace(Truth(beta=(-0.4, 0.2)), patents_per_cell=60.0)
    tables = simulate_evidence(io, price, like, truth, seed, outcomes=False)
    return assemble(io, price, like, tables, Evidence(event_study=False, ree_use=False), policy_year=2010)


def sampler_of(spec: Spec, given: argparse.Namespace, name: str) -> Sampler:
    """The study's sampler settings with what the command line says, under this sampler's name."""
    stated = {k: getattr(given, k) for k in ("draws", "tune", "chains") if getattr(given, k) is not None}
    return spec.sampler.model_copy(update=stated | {"name": name})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--draws", type=int, help="absent: as the default study says")
    parser.add_argument("--tune", type=int, help="absent: as the default study says")
    parser.add_argument("--chains", type=int, help="absent: as the default study says")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--samplers", nargs="*", default=list(sampling.SAMPLERS))
    parser.add_argument("--large", action="store_true", help="the 40 x 35 x 20 x 4 panel instead")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    spec = ree.read_spec("models/substitution.toml")
    if given.large:
        model = ree.build(spec, large_inputs(given.seed))
        chosen = sampler_of(spec, given, "nutpie")
        row = measured("nutpie, 112,000 counts", model, chosen, given.seed)
        print(table([row]))
        draws = chosen.chains * (chosen.draws + chosen.tune)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(f"{draws / row.seconds:.1f} draws a second over all chains, {peak:.1f} GiB at the peak")
        return
    data = model_inputs(spec, ree.load_dataset("simulated-2010"))
    model = ree.build(spec, data)
    rows = []
    for name in given.samplers:
        rows.append(measured(name, model, sampler_of(spec, given, name), given.seed))
        print(table(rows[-1:]).splitlines()[-1], flush=True)
    for words, marginal in (("direct transcription, centred", True), ("the same, labels not summed out", False)):
        typed = direct(data, spec.priors, marginal=marginal)
        chosen = sampler_of(spec, given, "nutpie")
        rows.append(measured(f"{words} (nutpie)", typed, chosen, given.seed))
        print(table(rows[-1:]).splitlines()[-1], flush=True)
    print("\n" + table(rows))


if __name__ == "__main__":
    main()
