"""The documentation: the site builds without network, and every block of code on its pages runs."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import typer
import xarray as xr

import reestim as ree
from reestim.cli.app import app
from reestim.decisions.decision_file import read_decision
from reestim.io import resources
from tests.conftest import PROJECT

PAGES = sorted((PROJECT / "docs").glob("*.md"))
NOT_RUN = "<!-- not run by the tests:"


class Block(NamedTuple):
    page: str
    language: str
    text: str
    runs: bool


def blocks_of(page: Path) -> list[Block]:
    """Fenced blocks, and indented ones as blocks without a language."""
    lines, found, k = page.read_text(encoding="utf-8").splitlines(), [], 0
    while k < len(lines):
        if lines[k].startswith("```"):
            end = next(n for n in range(k + 1, len(lines)) if lines[n].startswith("```"))
            text = "\n".join(lines[k + 1 : end]) + "\n"
            found.append(Block(page.stem, lines[k][3:].strip(), text, not lines[k - 1].startswith(NOT_RUN)))
            k = end
        elif lines[k].startswith("    "):
            found.append(Block(page.stem, "", lines[k].strip() + "\n", True))
        k += 1
    return found


BLOCKS = [block for page in [*PAGES, PROJECT / "README.md"] for block in blocks_of(page)]


def commands() -> list[tuple[str, str]]:
    """Every `reestim ...` of a block of commands, continued lines joined: (page, what follows `reestim`)."""
    found = []
    for block in BLOCKS:
        if block.language in ("", "bash"):
            for line in block.text.replace("\\\n", " ").splitlines():
                match = re.search(r"(?:^|&& )(?:python3 -m uv run (?:--extra \w+ )?)?reestim( .*)$", line.strip())
                if match:
                    found.append((block.page, match[1].rstrip("\\").strip()))
    return found


COMMANDS = commands()


@pytest.mark.parametrize(("page", "typed"), COMMANDS, ids=[f"{page}: {typed[:50]}" for page, typed in COMMANDS])
def test_a_command_has_the_options_that_a_page_gives_it(page: str, typed: str) -> None:
    command: Any = typer.main.get_command(app)
    words = shlex.split(typed, comments=True)
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    command.make_context("reestim", words)  # parsed and not run: an unknown option raises


def test_the_pages_have_commands_and_code() -> None:
    assert len(COMMANDS) > 30
    assert len([b for b in BLOCKS if b.language == "python" and b.runs]) >= 8


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A study as `reestim init` makes it, with a run of a made-up posterior, as the working directory."""
    folder = tmp_path_factory.mktemp("docs") / "my-study"
    shutil.copytree(resources.MODELS, folder / "models", ignore=shutil.ignore_patterns("__pycache__"))
    before = Path.cwd()
    os.chdir(folder)
    economy = ree.Economy.from_dataset(ree.load_dataset("simulated-2010"))
    rng = np.random.default_rng(3)
    share = economy.ds.ree_share.max("country")
    users = [s for s in economy.sectors if float(share.sel(sector=s)) > 0]
    draws = xr.Dataset(
        {
            "sigma": (("chain", "draw", "sector"), rng.uniform(0.2, 0.9, (2, 4, len(users)))),
            "kappa": (("chain", "draw"), rng.uniform(0.8, 1.5, (2, 4))),
        },
        coords={"chain": [0, 1], "draw": range(4), "sector": users},
    )
    quota = ree.read_scenario("models/scenarios/china-quota-2010.toml")
    post = ree.counterfactual(economy, quota, xr.DataTree.from_dict({"posterior": draws}), progress=False)
    ree.save(post, "posteriors/first")
    yield folder
    os.chdir(before)


#: Pages whose Python takes more than a quarter of a minute.
LONG = {"economist", "elements-and-effects", "inputs"}


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=pytest.mark.slow) if page in LONG else page
        for page in sorted({b.page for b in BLOCKS if b.language == "python"} - {"README"})
    ],
)
def test_the_python_of_a_page_runs_and_prints_what_it_says(
    page: str, study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, Any] = {}
    blocks = [block for block in BLOCKS if block.page == page]
    for block, after in zip(blocks, [*blocks[1:], None], strict=True):
        if block.language != "python":
            continue
        code = compile(block.text, f"{page}.md", "exec")
        if not block.runs:
            continue
        exec(code, names)
        printed = capsys.readouterr().out
        if after is not None and after.language == "text":
            assert numbers_rounded(printed) == numbers_rounded(after.text)
    assert study == Path.cwd()


def numbers_rounded(text: str) -> str:
    """Text with its numbers to three digits: the last ones may differ between machines."""
    return re.sub(r"-?\d+\.\d+", lambda m: f"{float(m[0]):.2g}", text.strip())


@pytest.mark.parametrize("block", [b for b in BLOCKS if b.language == "toml"], ids=lambda b: f"{b.page}")
def test_the_toml_of_a_page_is_read(block: Block, study: Path) -> None:
    content = tomllib.loads(block.text)
    file = study / "models" / f"{content['name']}.toml"
    file.write_text(block.text, encoding="utf-8")
    if "based_on" in content:
        spec = ree.read_spec(file)
        assert all(spec.priors[name].source for name in content.get("priors", {}))
    elif "objective" in content:
        assert read_decision(file).instruments
    else:
        economy = ree.Economy.from_dataset(ree.load_dataset("simulated-2010"))
        scenario = ree.read_scenario(file)
        scenario.to_arrays(scenario.baseline(economy))


def test_the_site_builds_strictly_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-f", str(PROJECT / "mkdocs.yml")]
    env = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(
        [*command, "-d", str(tmp_path)], capture_output=True, text=True, check=False, env=env, cwd=PROJECT
    )
    assert done.returncode == 0, done.stdout + done.stderr
    made = {page.stem: page.read_text(encoding="utf-8") for page in tmp_path.glob("*.html")}
    assert {page.stem for page in PAGES} <= set(made)
    nav = (PROJECT / "mkdocs.yml").read_text(encoding="utf-8")
    assert [page.name for page in PAGES if f": {page.name}\n" not in nav] == [], "every page can be reached"
    for stem, page in made.items():
        assert not re.findall(r'<(?:script|img|link|iframe)[^>]*(?:src|href)="(?:https?:)?//[^"]*"', page), stem
    missing = [name for name in set(ree.__all__) - {"__version__"} if f".{name}" not in made["api"]]
    assert missing == [], "public names without a page"


#: The same keys with numbers that take a minute.
SMALL = {
    "draws = 700": "draws = 30",
    "tune = 500": "tune = 100",
    "chains = 4": "chains = 2",
    "max_divergences = 0": "max_divergences = 60",
    "max_r_hat = 1.01": "max_r_hat = 9.0",
    "min_ess = 400.0": "min_ess = 1.0",
    "draws = 1000": "draws = 10",
}


@pytest.mark.slow
def test_the_commands_of_the_tutorial_and_of_priors_run(tmp_path: Path) -> None:
    """As printed, in one shell; only the sampler of the study is made small after `reestim init`."""
    lines = ["set -e"]
    for block in [b for page in ("tutorial", "priors") for b in blocks_of(PROJECT / "docs" / f"{page}.md")]:
        if block.language == "bash":
            if block.page == "priors":
                (wider,) = [b for b in BLOCKS if b.page == "priors" and b.language == "toml"]
                lines.append(f"cat > models/wider.toml <<'EOT'\n{wider.text}EOT")
            smaller = "".join(f"sed -i 's/^{old}/{new}/' models/substitution.toml\n" for old, new in SMALL.items())
            lines.append(block.text.replace("cd my-study\n", f"cd my-study\n{smaller}"))
    place = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    script = "\n".join(lines)
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=os.environ | {"PATH": place},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    runs = {path.name for path in (tmp_path / "my-study" / "posteriors").iterdir()}
    assert {"first", "policies", "wider"} < runs
