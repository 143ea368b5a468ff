"""``reestim init``: a study of one's own, from a checkout and from an installed package; and what starts at once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

import reestim as ree
from reestim.cli.app import app
from reestim.io import resources


def files(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def test_a_study_is_copied_whole_and_says_what_to_do_next(tmp_path: Path) -> None:
    study = tmp_path / "my study"
    done = CliRunner().invoke(app, ["init", str(study)])
    assert done.exit_code == 0, done.output
    assert f"cd '{study}'" in done.stdout
    assert "reestim run --quick" in done.stdout
    assert files(study / "models") == files(resources.MODELS)
    assert all(files(study / "data" / each.name) == files(each) for each in resources.bundled())
    assert (study / "data" / "README.md").is_file()
    assert {path.name for path in study.iterdir()} == {"models", "data"}


def test_the_copy_is_what_a_run_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = json.loads(CliRunner().invoke(app, ["init", str(tmp_path / "mine"), "--json"]).stdout)
    assert sorted(told["written"]) == sorted(files(tmp_path / "mine"))
    monkeypatch.chdir(tmp_path / "mine")
    spec = ree.read_spec("models/substitution.toml")
    assert spec.model_path.resolve() == tmp_path / "mine" / "models" / "substitution.py"
    assert all(path.resolve().is_relative_to(tmp_path) for path in spec.scenario_paths)
    assert ree.load_dataset(spec.dataset_location).path == tmp_path / "mine" / "data" / "rare-earths-2010"


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("precious")
    done = CliRunner().invoke(app, ["init", str(tmp_path / "thesis")])
    assert done.exit_code == 1
    assert "empty folder" in done.stderr
    assert files(tmp_path) == {"thesis/chapter.tex": b"precious"}
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert CliRunner().invoke(app, ["init", ".", "--quiet"]).output == "study: .\n"
    assert {path.name for path in (tmp_path / "empty").iterdir()} == {"models", "data"}


def test_an_installed_package_has_what_init_copies(project: Path, tmp_path: Path) -> None:
    """The files of the wheel, laid out as pyproject.toml tells the build to, without the checkout around them."""
    wheel = tomllib.loads((project / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    for part in wheel["only-include"]:
        place = part
        for old, new in wheel["sources"].items():
            place = part.replace(old, new, 1) if part.split("/")[0] == old else place
        whole = shutil.copytree if (project / part).is_dir() else shutil.copyfile
        (tmp_path / "site" / place).parent.mkdir(parents=True, exist_ok=True)
        whole(project / part, tmp_path / "site" / place)
    code = (
        "import reestim.io.toml_files as t; "
        "assert t.find_file('models/substitution.toml').is_file(), t.SHIPPED; print(t.SHIPPED)"
    )
    where = {"cwd": tmp_path, "env": os.environ | {"PYTHONPATH": str(tmp_path / "site")}}
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, **where)
    assert found.stdout.strip() == str(tmp_path / "site" / "reestim" / "share")
    subprocess.run([sys.executable, "-m", "reestim", "init", "mine", "-q"], check=True, **where)
    assert files(tmp_path / "mine" / "models") == files(resources.MODELS)
    assert all(files(tmp_path / "mine" / "data" / each.name) == files(each) for each in resources.bundled())


HEAVY = {"jax", "pymc", "pandas", "numpy", "xarray", "matplotlib", "arviz", "scipy", "numba", "zarr", "dask", "jinja2"}
LIGHT = """
import os, sys
from reestim.cli.app import app
for typed in ("--help", "run --help", "runs", "runs --json", "--version", "init mine", "init mine"):
    try:
        app(typed.split(), standalone_mode=False)
    except BaseException as left:
        assert isinstance(left, SystemExit) or type(left).__name__ == "Exit", repr(left)
heavy = {heavy} & set(sys.modules)
assert not heavy, heavy
"""


def test_what_computes_nothing_imports_nothing_heavy(tmp_path: Path) -> None:
    code = LIGHT.replace("{heavy}", repr(HEAVY))
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "no runs" in done.stdout
    assert (tmp_path / "mine" / "models" / "substitution.toml").is_file()


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


ALL = dict(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("name", list(ALL))
def test_every_command_has_a_short_help_an_example_and_json(name: str) -> None:
    command = ALL[name]
    first, *_ = (command.help or "").split("\n\n")
    assert 0 < len(" ".join(first.split())) <= 130, "one sentence"
    assert f"Example: reestim {name}" in command.help
    options = {option for parameter in command.params for option in parameter.opts}
    assert {"--json", "--debug"} <= options
    assert all(getattr(p, "help", None) for p in command.params if p.name != "help"), "each option says what it does"


@pytest.mark.parametrize("name", ["run", "fit", "counterfactual", "label", "data build", "data import", "init"])
def test_what_announces_can_be_quiet(name: str) -> None:
    assert "--quiet" in {option for parameter in ALL[name].params for option in parameter.opts}


def test_the_shell_completes_commands_and_names_of_runs(tmp_path: Path) -> None:
    (tmp_path / "posteriors" / "first-quota").mkdir(parents=True)
    (tmp_path / "posteriors" / ".half-written").mkdir()

    def completed(typed: str) -> list[str]:
        ask = {"_REESTIM_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split(" ")) - 1)}
        command = [sys.executable, "-c", "from reestim.cli.app import app; app(prog_name='reestim')"]
        done = subprocess.run(command, cwd=tmp_path, env=os.environ | ask, capture_output=True, text=True, check=False)
        return done.stdout.split()

    assert "counterfactual" in completed("reestim coun")
    assert completed("reestim report fi") == ["first-quota"]
