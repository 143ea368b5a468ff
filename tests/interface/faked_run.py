"""A working directory with a study, the command line, and heavy stages that take no time: fixtures of conftest.py."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click.testing
import pandas as pd
import pytest
import typer.testing
import xarray as xr

import reestim as ree
from reestim.cli.app import app
from reestim.io.json_text import json_text
from tests.interface.test_spec import QUOTA, SPEC

Run = Callable[..., click.testing.Result]
#: Draws a chain of the made-up posterior.
DRAWS = 40


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a sound study."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.py").write_text("def build(data, priors): ...\n")
    (tmp_path / "quota.toml").write_text(QUOTA.replace('"quota"', '"china-quota-2010"'))
    (tmp_path / "study.toml").write_text(SPEC + f"\n[sampler]\ndraws = {DRAWS}\nchains = 2\n")
    return tmp_path


@pytest.fixture
def faked(place: Path, post: xr.DataTree, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Data, fit and equilibria that take no time; set ``raises`` or ``gates`` to make one of them go wrong."""
    told: dict[str, Any] = {"calls": []}
    meta = SimpleNamespace(
        name="fake data",
        base_year=2008,
        policy_year=2010,
        synthetic=["patent_labels.csv"],
        imputed=[],
        updated=[],
        notes=[],
    )
    economy = ree.Economy(post["economy"].to_dataset())
    counted = post["counterfactual"].to_dataset()

    def step(name: str, result: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **kwargs: Any) -> Any:
            told["calls"].append((name, args, kwargs))
            if name in told.get("raises", {}):
                raise told["raises"][name]
            return result(*args, **kwargs)

        return called

    def sampled(*_: Any, **__: Any) -> xr.DataTree:
        keep = told.get("draws", DRAWS)
        tree = xr.DataTree.from_dict(
            {name: post[name].to_dataset().isel(draw=slice(keep)) for name in ("posterior", "prior", "sample_stats")}
        )
        rows = told.get("gates", [{"gate": "divergences", "value": 0, "threshold": 0, "passed": True}])
        tree.attrs["gates"] = json_text({"passed": all(r["passed"] for r in rows), "gates": rows})
        return tree

    def solved(_: Any, asked: Any, tree: xr.DataTree, group: str = "posterior", **__: Any) -> xr.DataTree:
        out = tree.copy()
        names = [scenario.name for scenario in (asked if isinstance(asked, list) else [asked])]
        ds = counted.isel(scenario=[0] * len(names)).assign_coords(scenario=names)
        out["counterfactual" if group == "posterior" else "prior_counterfactual"] = xr.DataTree(ds)
        return out

    fake = SimpleNamespace(meta=meta, hash="123", tables={"patent_labels": pd.DataFrame()}, path=place, recalled=())
    monkeypatch.setattr("reestim.pipeline.job.load_dataset", step("data", lambda _: fake))
    monkeypatch.setattr(ree.Economy, "from_dataset", staticmethod(step("economy", lambda _: economy)))
    monkeypatch.setattr("reestim.estimate.fit.build", step("build", lambda *_: SimpleNamespace(study=None)))
    monkeypatch.setattr("reestim.estimate.fit.fit", step("fit", sampled))
    monkeypatch.setattr("reestim.pipeline.diagnostics.powerless_blocks", lambda *_: [])  # the model is fake
    monkeypatch.setattr("reestim.counterfactuals.counterfactual.counterfactual", step("counterfactual", solved))
    monkeypatch.setattr("reestim.estimate.predictive.simulated", lambda *_: xr.Dataset())
    monkeypatch.setattr("reestim.evidence.groups.evidence_groups", lambda *_, **__: {})  # the data are fake
    return told


@pytest.fixture
def cli() -> Run:
    def invoke(*args: str) -> click.testing.Result:
        return typer.testing.CliRunner().invoke(app, list(args))

    return invoke


def folders(place: Path) -> list[Path]:
    root = place / "posteriors"
    return sorted(root.iterdir()) if root.exists() else []
