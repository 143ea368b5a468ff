"""Other code in the same process: it sets JAX to 32 bits, forks, logs, pickles, and runs scripts without a guard."""

from __future__ import annotations

import copy
import logging
import multiprocessing
import os
import pickle
import subprocess
import sys
from pathlib import Path

import jax
import pytest

import reestim as ree
from reestim.counterfactuals.executors import _main_module_stays_here
from reestim.numerics import jax_setup
from tests.conftest import PROJECT
from tests.oracles import random_economy, random_parameters


@pytest.fixture(scope="module")
def economy() -> ree.Economy:
    return random_economy(3, countries=3, goods=2)


def test_jax_set_back_to_32_bits_is_named_before_anything_is_computed(economy: ree.Economy) -> None:
    """Not an equilibrium blamed on the shock, nor other draws in silence."""
    parameters = random_parameters(3, economy)
    spec = ree.read_spec(PROJECT / "models" / "event_study_only.toml")
    data = ree.load_dataset("simulated-2010")
    calls = {
        "solve": lambda: ree.solve(economy, ree.Scenario(), parameters),
        "function": lambda: ree.equilibrium_function(economy, ree.Scenario(), parameters),
        "economy": lambda: ree.Economy(economy.ds),
        "build": lambda: ree.build(spec, data),
    }
    jax.config.update("jax_enable_x64", False)
    try:
        for name, call in calls.items():
            with pytest.raises(ree.InputError, match="jax_enable_x64"):
                print(name, call())
        with jax.enable_x64(True):
            assert ree.Economy(economy.ds).baseline.output.dtype == "float64"
    finally:
        jax.config.update("jax_enable_x64", True)


def test_a_forked_process_says_that_jax_cannot_work_in_it(economy: ree.Economy) -> None:
    """Where JAX was used before; the copy of a process that only imported it is free to use it."""
    parameters = random_parameters(3, economy)
    if not hasattr(os, "fork"):
        pytest.skip("no fork here")
    with multiprocessing.get_context("fork").Pool(1) as pool:
        result = pool.apply_async(_error_of_solve, (economy, parameters))
        assert "spawn" in result.get(timeout=60)
    assert not jax_setup._process["copy"], "the parent goes on"


def _error_of_solve(economy: ree.Economy, parameters: ree.Parameters) -> str:
    try:
        ree.solve(economy, ree.Scenario(), parameters)
    except ree.InputError as error:
        return str(error)
    return "solved"


def test_the_root_logger_stays_as_it_was() -> None:
    code = """
import logging, warnings
warnings.simplefilter("ignore")
import reestim as ree
for name in ree.__all__:
    getattr(ree, name)
ree.build(ree.read_spec("models/event_study_only.toml"), ree.load_dataset("simulated-2010"))
print(logging.root.level, logging.root.handlers)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=True, capture_output=True, text=True)
    assert done.stdout.split("\n")[-2] == f"{logging.WARNING} []"


def test_what_users_hold_can_be_pickled_and_copied(economy: ree.Economy) -> None:
    data = ree.load_dataset("simulated-2010")
    for again in (pickle.loads(pickle.dumps(data)), copy.deepcopy(data), copy.copy(data)):
        assert again.hash == data.hash
        assert again["trade"].equals(data["trade"])
        with pytest.raises(TypeError):
            again.tables["trade"] = None
    for thing in (
        economy,
        ree.Scenario("half", policies=(ree.ExportQuota("c0", "all", 0.5),)),
        ree.Parameters(),
        ree.read_spec(PROJECT / "models" / "substitution.toml"),
    ):
        for again in (pickle.loads(pickle.dumps(thing)), copy.deepcopy(thing)):
            assert type(again) is type(thing)


SCRIPT = """
import multiprocessing, sys
from reestim.counterfactuals.executors import _main_module_stays_here
print("begun", flush=True)
with _main_module_stays_here():
    process = multiprocessing.get_context("spawn").Process(target=print, args=("works",))
    process.start()
    process.join()
    sys.exit(process.exitcode)
"""


def test_workers_do_not_run_a_script_again_that_has_no_guard(tmp_path: Path) -> None:
    (tmp_path / "plain.py").write_text(SCRIPT)
    done = subprocess.run([sys.executable, "plain.py"], cwd=tmp_path, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["begun", "works"]
    main = sys.modules["__main__"]
    before = vars(main).get("__file__"), main.__spec__
    with _main_module_stays_here():
        assert not hasattr(main, "__file__")
    assert (vars(main).get("__file__"), main.__spec__) == before
