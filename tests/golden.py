"""Numbers of the study with patents at ``--quick`` and a fixed seed: what a change of code must not move.

What is computed without draws (inputs of the model, log density and equilibria at fixed parameters) is compared to nine
digits. Draws are chaotic: the last digit of a processor makes others, so that posterior means are compared within their
Monte-Carlo error. Where numbers are meant to change, ``python -m tests.golden`` writes them anew (a minute or two).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import arviz
import numpy as np
import xarray as xr

import reestim as ree
from reestim.dims import CHAIN, COUNTRY, DRAW
from reestim.estimate.model import adapt
from reestim.runs.record import RunRecord
from tests.conftest import PROJECT

FILE = Path(__file__).with_suffix(".json")
#: The study with every block of evidence: the default one counts no patents.
STUDY = PROJECT / "models" / "with_patents.toml"
SEED = 5
_DIGITS = 1e-9
#: Standard errors of a difference of two Monte-Carlo means that are still chance.
_ERRORS = 6.0
#: Where the log density is taken: this many points at standard normal distances times this from the centre.
_POINTS, _DISTANCE = 3, 0.1


def quick_run(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """`reestim run --quick` of the study in ``folder``, as a user starts it."""
    command = [sys.executable, "-m", "reestim", "run", str(STUDY), "--quick", "--seed", str(SEED), *args]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def of_run(folder: Path) -> dict[str, Any]:
    """The numbers of a quick run, in the layout of the file."""
    post = ree.load(folder)
    spec = ree.read_spec(STUDY)
    assert RunRecord.of(post).spec.hash == spec.quick().hash, "golden numbers are of one study"
    inputs = post["constant_data"].to_dataset()
    return {
        "inputs": {
            name: _sums(inputs[name]) for name in sorted(map(str, inputs.data_vars)) if _is_number(inputs[name])
        },
        "log_density": _log_density(spec, inputs),
        "equilibrium": _equilibrium(ree.Economy(post["economy"].to_dataset()), spec.scenario_paths[0]),
        "posterior": _means(post["posterior"].to_dataset()),
    }


def moved(found: dict[str, Any], golden: dict[str, Any]) -> list[str]:
    """What is not as it was, one sentence each."""
    return [*_moved_exactly(found, golden), *_moved_by_more_than_chance(found["posterior"], golden["posterior"])]


def _moved_exactly(found: dict[str, Any], golden: dict[str, Any]) -> Iterator[str]:
    for stage in ("inputs", "log_density", "equilibrium"):
        if found[stage].keys() != golden[stage].keys():
            yield f"{stage}: other names, {sorted(found[stage].keys() ^ golden[stage].keys())}"
        for name in found[stage].keys() & golden[stage].keys():
            now, then = np.array(found[stage][name]), np.array(golden[stage][name])
            if now.shape != then.shape or not np.allclose(now, then, rtol=_DIGITS, atol=1e-12):
                yield f"{stage}, {name}: {now.tolist()}, was {then.tolist()}"


def _moved_by_more_than_chance(found: dict[str, Any], golden: dict[str, Any]) -> Iterator[str]:
    if found.keys() != golden.keys():
        yield f"posterior: other parameters, {sorted(found.keys() ^ golden.keys())}"
    for name in found.keys() & golden.keys():
        (mean, error), (then, error_then) = found[name], golden[name]
        if abs(mean - then) > _ERRORS * np.hypot(error, error_then):
            yield f"posterior, {name}: mean {mean:.4g} ± {error:.2g}, was {then:.4g} ± {error_then:.2g}"


def _is_number(values: xr.DataArray) -> bool:
    return values.dtype.kind in "iufb" and values.size > 0


def _sums(values: xr.DataArray) -> list[float]:
    """Sum, and a sum with weights that tell the places apart."""
    flat = np.nan_to_num(values.values.astype(float).ravel())
    return [float(flat.sum()), float(flat @ np.cos(np.arange(flat.size)))]


def _log_density(spec: ree.Spec, inputs: xr.Dataset) -> dict[str, float]:
    """Joint log density at points near the centre of the unconstrained scale, nats."""
    density = adapt(ree.build(spec, inputs)).density()
    steps = np.random.default_rng(SEED).normal(0, _DISTANCE, (_POINTS, density.centre.size))
    points = [density.centre, *(density.centre + steps)]
    return {f"point {number}": float(density.log_density(point)) for number, point in enumerate(points)}


def _equilibrium(economy: ree.Economy, scenario: Path) -> dict[str, float]:
    """Welfare by country, log change, with fixed and with directed technology, at parameters that are written here."""
    parameters = ree.Parameters(sigma=0.5, kappa=0.8, spillover=1.0)
    out: dict[str, float] = {}
    for technology in ("fixed", "directed"):
        found = ree.solve(economy, ree.read_scenario(scenario), parameters, technology=technology, tolerance=1e-12)
        out |= {f"{technology}, {c}": float(found["welfare"].sel({COUNTRY: c})) for c in economy.countries}
    return out


def _means(posterior: xr.Dataset) -> dict[str, list[float]]:
    """Mean and Monte-Carlo standard error of each parameter, its elements averaged."""
    out = {}
    for name, draws in posterior.data_vars.items():
        mean = draws.mean([d for d in draws.dims if d not in (CHAIN, DRAW)])
        if float(mean.std()) > 0:
            error = float(arviz.mcse(mean.to_dataset(name="x"))["x"])  # type: ignore[attr-defined]
            out[str(name)] = [float(mean.mean()), error]
    return out


def main() -> None:
    """Write the numbers of the code as it is."""
    with tempfile.TemporaryDirectory() as folder:
        done = quick_run(PROJECT, "--out", f"{folder}/run")
        if done.returncode:
            sys.exit(done.stderr)
        found = of_run(Path(folder) / "run")
    before = json.loads(FILE.read_text(encoding="utf-8")) if FILE.is_file() else None
    FILE.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print("\n".join(moved(found, before)) or "nothing moved" if before else f"written: {FILE.name}")


if __name__ == "__main__":
    main()
