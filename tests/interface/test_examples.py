"""The examples in the docstrings of public names run, and print what they say."""

from __future__ import annotations

import doctest
import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import xarray as xr

import reestim as ree
from tests.conftest import PROJECT
from tests.oracles import random_economy
from tests.recovery.tiny_study import tiny_run
from tests.unit.test_evppi import post as run_with_drawn_inputs


@pytest.fixture(scope="module")
def names() -> dict[str, Any]:
    """What the examples start from: an economy of three countries, a quota on it, parameters, a posterior with its
    counterfactual, and the bundled dataset."""
    economy = random_economy(33, countries=3, goods=2, elements=1, ree_share=(1e-3, 0.1))
    rng = np.random.default_rng(0)
    users = [s for s in economy.sectors if float(economy.ds["ree_share"].sel(sector=s).max()) > 0]
    draws = xr.Dataset(
        {
            "sigma": (("chain", "draw", "sector"), rng.uniform(0.3, 0.6, (2, 4, len(users)))),
            "kappa": (("chain", "draw"), rng.uniform(0.8, 1.2, (2, 4))),
            "innovation_passthrough": (("chain", "draw", "sector"), rng.uniform(0.2, 0.4, (2, 4, len(users)))),
        },
        coords={"chain": [0, 1], "draw": range(4), "sector": users},
    )
    quota = ree.Scenario("quota", policies=(ree.ExportQuota("c0", "all", 0.5),))
    tighter = ree.Scenario("tighter", policies=(ree.ExportQuota("c0", "all", 0.4),))
    post = xr.DataTree.from_dict({"posterior": draws})
    return {
        "economy": economy,
        "quota": quota,
        "parameters": ree.Parameters(sigma=0.4, kappa=1.2, spillover=0.5),
        "fitted": post,
        "post": ree.counterfactual(economy, [quota, tighter], post, progress=False),
        "drawn": run_with_drawn_inputs(),
        "data": ree.load_dataset("rare-earths-2010"),
        "ree": ree,
    }


def modules() -> Iterator[ModuleType]:
    """Modules of REEstim that have an example."""
    for path in sorted((PROJECT / "reestim").rglob("*.py")):
        if ">>> " in path.read_text(encoding="utf-8"):
            yield importlib.import_module(".".join(path.relative_to(PROJECT).with_suffix("").parts))


def examples() -> list[doctest.DocTest]:
    """Those of all docstrings, by the name of what they document."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    return [
        test
        for module in modules()
        for test in finder.find(module, module.__name__.removeprefix("reestim."), globs={})
        if test.examples
    ]


#: Examples that compile for a quarter of a minute.
LONG = {
    "decisions.nash.nash",
    "decisions.optimise.optimise",
    "equilibrium.decomposition.decompose",
    "equilibrium.function.equilibrium_function",
    "equilibrium.sensitivity.sensitivity",
    "pipeline.counterfactual_job.run_counterfactual",
    "pipeline.refits.refits",
    "decisions.text.optimum_text",
}


@pytest.mark.parametrize(
    "example",
    [pytest.param(test, marks=pytest.mark.slow) if test.name in LONG else test for test in examples()],
    ids=lambda test: test.name,
)
def test_an_example_prints_what_it_says(
    example: doctest.DocTest, names: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(PROJECT)
    example.globs |= names | {"folder": tmp_path}
    if example.name == "pipeline.refits.refits":
        example.globs["run"] = tiny_run(tmp_path)
    said: list[str] = []
    options = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    outcome = doctest.DocTestRunner(optionflags=options).run(example, out=said.append)
    assert outcome.failed == 0, "".join(said)


def test_every_public_name_has_an_example() -> None:
    public = {name: getattr(ree, name) for name in set(ree.__all__) - {"__version__"}}
    homes = {f"{item.__module__.removeprefix('reestim.')}.{item.__qualname__}": name for name, item in public.items()}
    assert set(homes) - {test.name for test in examples()} == set()
