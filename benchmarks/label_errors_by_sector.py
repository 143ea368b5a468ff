"""Labels that err differently from sector to sector: what one confusion for all makes of it, and one for each sector.

    python -m benchmarks.label_errors_by_sector --worlds 12 --spread 0.7

Patents of four countries and six sectors over ten years, simulated by equations (12) and (13) with a confusion of
each sector's own, and an audit of 1,600 drawn by label. Each world is fitted three times: labels believed, one
confusion, a confusion by sector. Prints bias, root mean square error, width and coverage of the 90 % equal-tailed
interval of the slopes m of `enhancing`.
"""

from __future__ import annotations

import argparse
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from numpyro.infer import MCMC, NUTS

from reestim import technology  # switches JAX to float64  # noqa: F401
from reestim.dims import LABELS
from reestim.estimate.misclassification import confusion_weights, varied_confusion
from reestim.estimate.numpyro_blocks import DirichletMultinomial
from reestim.estimate.priors import Priors
from reestim.evidence.truth import Truth
from reestim.study.prior import Prior

COUNTRIES, SECTORS, YEARS, PATENTS, AUDIT = 4, 6, 10, 400, 1600
TREATMENTS = ("believed", "one confusion", "by sector")


PRIORS: Priors = {"confusion": Prior.model_validate({"distribution": "Dirichlet", "a": 1.0, "diagonal": 8.0})}


def world(seed: int, spread: float) -> dict[str, Any]:
    """Relative price, counts by label, the audit with sectors, and m."""
    rng = np.random.default_rng(seed)
    shape = (COUNTRIES, SECTORS, YEARS)
    q = np.cumsum(rng.normal(0, 0.2, shape), axis=2)
    q = q - q.mean(axis=2, keepdims=True)
    m = rng.normal(0.5, 0.3, SECTORS)
    slope = np.stack([np.zeros(SECTORS), np.full(SECTORS, -0.1), m, np.full(SECTORS, 0.3)], axis=1)
    level = np.array([0, -0.6, -1.2, -1.8]) + rng.normal(0, 0.4, (COUNTRIES, SECTORS, 1, 4))
    odds = np.exp(level + slope[None, :, None, :] * q[..., None])
    p = odds / odds.sum(axis=-1, keepdims=True)
    pi = np.array(Truth().confusion) * np.exp(spread * rng.normal(size=(SECTORS, 4, 4)))
    pi = pi / pi.sum(axis=-1, keepdims=True)
    n = rng.poisson(PATENTS, shape)
    joint = np.einsum("cst,cstk,skl->cstkl", n, p, pi)  # expected patents by cell, class and label
    weights = rng.gamma(60 * np.einsum("cstk,skl->cstl", p, pi))
    counts = rng.multinomial(n, weights / weights.sum(axis=-1, keepdims=True))
    by_sector = joint.sum(axis=(0, 2))  # (sector, class, label)
    audit = np.empty((SECTORS, len(LABELS), len(LABELS)))
    for k in range(len(LABELS)):
        chance = by_sector[:, :, k] / by_sector[:, :, k].sum()
        audit[:, :, k] = rng.multinomial(AUDIT // len(LABELS), chance.ravel()).reshape(chance.shape)
    return {"q": q, "counts": counts, "audit": audit, "m": m}


def model(treatment: str, q: Any, counts: Any, audit: Any) -> None:
    """Equations (12) and (13); audit (sector, class, label), drawn by label."""
    m: Any = numpyro.sample("m", dist.Normal(0, 1).expand((SECTORS,)).to_event(1))
    others: Any = numpyro.sample("others", dist.Normal(0, 0.5).expand((2,)).to_event(1))
    level: Any = numpyro.sample("level", dist.Normal(-1, 1.5).expand((3,)).to_event(1))
    unit: Any = numpyro.sample("unit", dist.Normal(0, 0.6).expand((3, COUNTRIES, SECTORS)).to_event(3))
    slopes = jnp.stack([others[0] * q, m[:, None] * q, others[1] * q])
    logit = (level[:, None, None] + unit)[..., None] + slopes
    p = jax.nn.softmax(jnp.moveaxis(jnp.concatenate([jnp.zeros((1, *q.shape)), logit]), 0, -1), axis=-1)
    n = counts.sum(axis=-1)
    share = p
    if treatment != "believed":
        pi = numpyro.sample("confusion", dist.Dirichlet(confusion_weights(PRIORS)).to_event(1))
        by_sector = jnp.broadcast_to(pi, (SECTORS, 4, 4))
        prevalence = jnp.einsum("cst,cstk->sk", n, p)
        if treatment == "by sector":
            spread = numpyro.sample("confusion_spread", dist.HalfNormal(0.5))
            z = numpyro.sample("confusion_deviation", dist.Normal().expand((SECTORS, 4, 4)).to_event(3))
            by_sector = varied_confusion(pi, spread * z, jnp)
        else:
            prevalence, audit = prevalence.sum(axis=0, keepdims=True), audit.sum(axis=0, keepdims=True)
        joint = prevalence[:, :, None] * by_sector[: len(audit)]
        given = jnp.swapaxes(joint / joint.sum(axis=1, keepdims=True), 1, 2)
        numpyro.factor("audit", (jnp.swapaxes(audit, 1, 2) * jnp.log(given)).sum())
        share = jnp.einsum("cstk,skl->cstl", p, by_sector)
    phi = numpyro.sample("concentration", dist.LogNormal(4.0, 1.0))
    numpyro.sample("counts", DirichletMultinomial(phi * share, n).to_event(3), obs=counts)


def sampler(treatment: str) -> MCMC:
    """Compiled once: worlds differ in their data only."""
    kernel = NUTS(functools.partial(model, treatment))
    return MCMC(kernel, num_warmup=300, num_samples=300, progress_bar=False, jit_model_args=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=12)
    parser.add_argument("--spread", type=float, default=0.7)
    options = parser.parse_args()
    found: dict[str, list[np.ndarray]] = {name: [] for name in TREATMENTS}
    samplers = {name: sampler(name) for name in TREATMENTS}
    for seed in range(options.worlds):
        made = world(seed, options.spread)
        for name in TREATMENTS:
            samplers[name].run(jax.random.key(seed), made["q"], made["counts"], made["audit"])
            draws = np.asarray(samplers[name].get_samples()["m"])
            low, high = np.quantile(draws, [0.05, 0.95], axis=0)
            inside = (low <= made["m"]) & (made["m"] <= high)
            found[name].append(np.stack([draws.mean(axis=0) - made["m"], high - low, inside]))
    print(f"{options.worlds} worlds, spread of log confusion {options.spread}, audit of {AUDIT}")
    print(f"{'labels':16s} {'bias':>8s} {'±':>6s} {'rmse':>6s} {'width':>6s} {'covered':>8s} {'±':>5s}")
    for name, parts in found.items():
        error, width, inside = np.moveaxis(np.array(parts), 1, 0)
        se = error.mean(axis=1).std(ddof=1) / np.sqrt(options.worlds)
        spread = inside.mean(axis=1).std(ddof=1) / np.sqrt(options.worlds)
        print(
            f"{name:16s} {error.mean():+8.3f} {se:6.3f} {np.sqrt((error**2).mean()):6.3f} {width.mean():6.3f} "
            f"{inside.mean():8.2f} {spread:5.2f}"
        )


if __name__ == "__main__":
    main()
