"""What each kind of evidence says about σ, κ, ξ and λ, singly and together: the expected information at the truth.

    python -m benchmarks.identification --out build/identification    # table, and the figure of docs/statistician.md

Data are simulated from the model at the stated truth of the bundled dataset. Minus the Hessian of their log likelihood
there, averaged over simulations (its negative eigenvalues, chance alone, set to zero), is the information of a kind of
evidence about all unknowns, effects of countries and years, labels and noise among them. With the curvature of the
priors it gives posterior standard deviations to the accuracy of Laplace. The table shows them over those of the prior:
1 says nothing, 0 everything. Two worlds: the evidence as it is bundled (one aggregate series of use), and with a series
of use for each sector of the United States.
"""

from __future__ import annotations

import argparse
import itertools
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import xarray as xr
from jax.flatten_util import ravel_pytree
from numpyro import handlers
from numpyro.distributions import biject_to

import reestim as ree
from reestim.calibration.label_noise import world_of
from reestim.dims import CHAIN, COUNTRY, DRAW, SECTOR
from reestim.estimate import kinds
from reestim.estimate.inputs import assemble, model_inputs
from reestim.estimate.numpyro_model import NumpyroModel
from reestim.evidence.simulate import simulate_evidence
from reestim.evidence.truth import Truth
from reestim.reports.figures.images import write_figure

#: What is looked at: functions of the unknowns on the scale on which priors are normal, or nearly so.
TARGETS = ("mean σ", "ln κ", "ln ξ", "logit λ")
_WORLDS = ("one aggregate series of use", "a series of use for each sector")
_BATCH = 24
#: Spreads of effects are taken as known: with their effects they have no curvature of one sign (a funnel).
_KNOWN = ("unit_sd", "year_sd", "tau")


def inputs_of_worlds(spec: ree.Spec, seed: int) -> dict[str, xr.Dataset]:
    """Inputs of the default study on the bundled dataset, and with a panel of use by sector for the United States."""
    data = ree.load_dataset("simulated-2010")
    world = world_of(data)
    made: Any = simulate_evidence(
        world.io, world.price, world.substitutability, world.truth, seed, outcomes=False, ree_use_panel=True
    )["ree_use_panel"]
    tables = dict(data.tables) | {"ree_use_panel": made[made[COUNTRY] == "USA"]}
    by_sector = assemble(
        world.io, world.price, world.substitutability, tables, spec.evidence, policy_year=world.policy_year
    )
    return dict(zip(_WORLDS, (model_inputs(spec, data), by_sector), strict=True))


def at_truth(model: NumpyroModel, truth: Truth, inputs: xr.Dataset, seed: int) -> dict[str, Any]:
    """Values of everything that is sampled: the stated truth, effects drawn from their spreads there."""
    clock = truth.clock
    stated: dict[str, Any] = {
        "kappa": truth.kappa,
        "spillover": truth.spillover,
        "beta": np.array(truth.beta),
        "tau": truth.tau,
        "unit_sd": np.full(3, truth.unit_sd),
        "year_sd": np.full(3, truth.year_sd),
        "using_slope": truth.using_slope,
        "substituting_slope": truth.substituting_slope,
        "concentration": truth.concentration,
        "confusion": np.array(truth.confusion),
        "ree_use_noise": truth.ree_use_noise,
        "unit_value_error": 0.1,
        "unit_value_spread": 0.4,
        **clock._asdict(),
    }
    stated = {name: jnp.asarray(value, float) for name, value in stated.items() if name in model.free}
    with handlers.seed(rng_seed=seed):
        trace = handlers.trace(handlers.substitute(handlers.uncondition(model), stated)).get_trace()
    # the levels of classes are sampled less what Π moves them by
    moved = trace["class_log_odds"]["value"] - trace["class_log_odds_along_ridge"]["value"]
    stated["class_log_odds_along_ridge"] = jnp.asarray(truth.class_log_odds) - moved
    # σ is what is sampled for it, moved to the truth: the map from one to the other is increasing, sector by sector.
    wanted = jnp.asarray([(truth.sigma or {})[str(s)] for s in inputs[SECTOR].values])
    stated |= {name: trace[name]["value"] for name in model.free if name not in stated}
    bound = 1 + 1 / (truth.kappa * (1 + truth.spillover))

    def sigma(sampled: Any) -> Any:
        return _trace(model, stated | {"sigma_sampled": sampled}, {})["sigma"]["value"]

    sampled = stated["sigma_sampled"]
    for _ in range(50):  # Newton's method on the logit, which is linear in what is sampled
        now = sigma(sampled)
        slope = jax.jacobian(lambda z: jax.scipy.special.logit(sigma(z) / bound))(sampled).diagonal()
        sampled = sampled + (jax.scipy.special.logit(wanted / bound) - jax.scipy.special.logit(now / bound)) / slope
        if float(jnp.abs(now - wanted).max()) < 1e-10:
            break
    return stated | {"sigma_sampled": sampled}


def _trace(model: NumpyroModel, values: dict[str, Any], observed: dict[str, Any]) -> dict[str, Any]:
    with handlers.seed(rng_seed=0):
        return handlers.trace(handlers.substitute(handlers.uncondition(model), values | observed)).get_trace()


def information(
    model: NumpyroModel, values: dict[str, Any], simulations: int, seed: int
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Information matrices on the unconstrained scale, of the priors and of each kind of evidence; and the slopes of
    the targets (target, unknown)."""
    trace = _trace(model, values, {})
    moving = [name for name in model.free if name not in _KNOWN]
    to = {name: biject_to(trace[name]["fn"].support) for name in moving}
    x, unravel = ravel_pytree({name: to[name].inv(jnp.asarray(values[name])) for name in moving})

    def named(x: Any) -> dict[str, Any]:
        return values | {name: to[name](value) for name, value in unravel(x).items()}

    def log_prior(x: Any, observed: dict[str, Any]) -> Any:
        free, found = unravel(x), _trace(model, named(x), observed)
        jacobian = sum(jnp.sum(to[n].log_abs_det_jacobian(free[n], found[n]["value"])) for n in moving)
        return sum(jnp.sum(found[n]["fn"].log_prob(found[n]["value"])) for n in moving) + jacobian

    def log_likelihood(names: Sequence[str]) -> Any:
        def value(x: Any, observed: dict[str, Any]) -> Any:
            found = _trace(model, named(x), observed)
            return sum(jnp.sum(found[n]["fn"].log_prob(found[n]["value"])) for n in names)

        return value

    def targets(x: Any) -> Any:
        found = _trace(model, named(x), {})
        rate = found["adjustment_rate"]["value"]
        kappa, spillover = found["kappa"]["value"], found["spillover"]["value"]
        return jnp.stack(
            [found["sigma"]["value"].mean(), jnp.log(kappa), jnp.log(spillover), jax.scipy.special.logit(rate)]
        )

    def negative_hessian(function: Any) -> Any:
        def matrix(x: Any, observed: dict[str, Any]) -> Any:
            gradient = jax.grad(function)
            return -jax.lax.map(
                lambda v: jax.jvp(lambda y: gradient(y, observed), (x,), (v,))[1], jnp.eye(x.size), batch_size=_BATCH
            )

        return jax.jit(matrix)

    given = xr.Dataset({n: ((CHAIN, DRAW, *model.dims[n]), np.asarray(values[n])[None, None]) for n in model.free})
    data = []
    for k in range(simulations):
        made = model.simulated(given, seed + k).isel({CHAIN: 0, DRAW: 0})
        data.append({str(n): jnp.asarray(made[n].values) for n in made.data_vars})
    parts = {kind.name: [n for n in kind.observed if n in model.observed] for kind in kinds.KINDS}
    out = {"priors": np.asarray(negative_hessian(log_prior)(x, data[0]))}
    for name, arrays in parts.items():
        matrix = negative_hessian(log_likelihood(arrays))
        out[name] = _positive(np.mean([np.asarray(matrix(x, one)) for one in data], axis=0))
    return out, np.asarray(jax.jacobian(targets)(x))


def _positive(matrix: np.ndarray) -> np.ndarray:
    """The nearest matrix without negative curvature: expected information has none, a mean over few datasets may."""
    values, vectors = np.linalg.eigh(0.5 * (matrix + matrix.T))
    return (vectors * np.maximum(values, 0.0)) @ vectors.T


def ratios(parts: dict[str, np.ndarray], slopes: np.ndarray) -> pd.DataFrame:
    """Posterior over prior standard deviation of each target for every set of kinds of evidence."""

    def deviation(matrix: np.ndarray) -> np.ndarray:
        values, vectors = np.linalg.eigh(matrix)
        if values[0] <= 0:
            raise ValueError(f"the priors leave a direction without information: {values[0]:.2g}")
        return np.sqrt((((slopes @ vectors) ** 2) / values).sum(axis=1))

    names = [name for name in parts if name != "priors"]
    prior, rows = deviation(parts["priors"]), []
    for size in range(1, len(names) + 1):
        for chosen in itertools.combinations(names, size):
            found = deviation(parts["priors"] + sum(parts[name] for name in chosen)) / prior
            rows.append({"evidence": " + ".join(chosen), **dict(zip(TARGETS, found, strict=True))})
    return pd.DataFrame(rows)


def figure(tables: dict[str, pd.DataFrame]) -> Any:
    """Ratios by set of evidence, a panel for each world."""
    drawn, axes = plt.subplots(1, len(tables), figsize=(9, 3.6), sharey=True, layout="constrained")
    colors = ("#005A96", "#E0B050", "#00704F", "#B34700")
    for axis, (world, table) in zip(np.atleast_1d(axes), tables.items(), strict=True):
        place = np.arange(len(table))[::-1]
        for target, color, marker in zip(TARGETS, colors, "osD^", strict=True):
            axis.plot(table[target], place, marker, color=color, label=target, ls="none")
        axis.set_yticks(place, [e.replace("_", " ") for e in table["evidence"]])
        axis.set_xlim(0, 1.05)
        axis.set_title(world, loc="left", fontsize=9)
        axis.set_xlabel("posterior over prior standard deviation")
        axis.grid(axis="x", alpha=0.3)
    np.atleast_1d(axes)[0].legend(fontsize=8, loc="lower left")
    return drawn


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--simulations", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    spec = ree.read_spec("models/substitution_numpyro.toml")
    truth = world_of(ree.load_dataset("simulated-2010")).truth
    tables = {}
    for world, inputs in inputs_of_worlds(spec, given.seed).items():
        model: Any = ree.build(spec, inputs)
        parts, slopes = information(model, at_truth(model, truth, inputs, given.seed), given.simulations, given.seed)
        tables[world] = ratios(parts, slopes)
        print(f"\n{world}\n\n{tables[world].round(2).to_markdown(index=False)}", flush=True)
    given.out.mkdir(parents=True, exist_ok=True)
    long = pd.concat([table.assign(world=world) for world, table in tables.items()])
    long.to_csv(given.out / "identification.csv", index=False, lineterminator="\n")
    write_figure(figure(tables), given.out, "identification")


if __name__ == "__main__":
    main()
