"""A replication package: complete, sealed by checksums, and made again by one command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import xarray as xr

import reestim as ree
from reestim.errors import InputError
from reestim.pipeline import rebuild, replication_package
from reestim.runs.record import RunRecord
from tests.interface.quick_job import MODELS, quick_job


@pytest.fixture
def packaged(post: xr.DataTree, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, undrawn: None) -> Path:
    """A fake run of the bundled study and data, packaged."""
    record = RunRecord.of(post).but(seed=3, command="reestim run", timings={"sample the posterior": 61.0})
    run = ree.save(record.attached(post), tmp_path / "run")
    ree.report(post, run / "report")
    study, data = ree.read_spec(MODELS / "with_patents.toml"), ree.load_dataset(project / "data" / "rare-earths-2010")
    monkeypatch.setattr(replication_package, "study_of", lambda *_: (study, data))
    return ree.package_run(run, tmp_path / "package")


def checked(package: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(package / "rebuild.py"), "--check"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_it_holds_what_the_run_was_made_from_and_says_so(packaged: Path) -> None:
    there = {p.relative_to(packaged).as_posix() for p in packaged.rglob("*") if p.is_file()}
    assert there >= {
        "models/with_patents.toml",
        "models/substitution.toml",
        "models/substitution.py",
        "models/scenarios/china-quota-2010.toml",
        "data/rare-earths-2010/trade.csv",
        "code/reestim/technology.py",
        "run/posterior.nc",
        "run/report/report.html",
    }
    assert not [name for name in there if "__pycache__" in name]
    text = (packaged / "README.md").read_text(encoding="utf-8")
    for heading in (
        "Data availability and provenance",
        "Computational requirements",
        "Instructions",
        "Tables and figures",
    ):
        assert f"## {heading}" in text
    assert "public domain" in text, "the licences of the data"
    assert "| sample the posterior | 61 |" in text
    assert "reestim run models/with_patents.toml --dataset data/rare-earths-2010 --seed 3" in text
    pins = (packaged / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert any(pin.startswith("jax==") for pin in pins)
    assert not any("://" in pin or pin.startswith("reestim=") for pin in pins)
    crate = json.loads((packaged / "ro-crate-metadata.json").read_text(encoding="utf-8"))["@graph"]
    root = next(entity for entity in crate if entity["@id"] == "./")
    described = {entity["@id"] for entity in crate if entity["@type"] == "File"}
    assert {part["@id"] for part in root["hasPart"]} == described
    assert described == there - {"checksums.sha256", "ro-crate-metadata.json"}


def test_checksums_name_what_was_altered(packaged: Path) -> None:
    assert checked(packaged).returncode == 0
    prices = packaged / "data" / "rare-earths-2010" / "element_prices.csv"
    prices.write_bytes(prices.read_bytes().replace(b"2010", b"2011", 1))
    (packaged / "models" / "substitution.py").unlink()
    done = checked(packaged)
    assert done.returncode == 1
    assert "element_prices.csv has changed" in done.stdout
    assert "models/substitution.py is missing" in done.stdout


def test_tables_are_compared_cell_by_cell(tmp_path: Path) -> None:
    before, after = tmp_path / "before.csv", tmp_path / "after.csv"
    before.write_text("country,median\nJPN,1.0\nUSA,2.0\n")
    after.write_text("country,median\nJPN,1.00000000001\nUSA,2.0\n")
    assert rebuild.differences("welfare", before, after, 1e-6) == []
    after.write_text("country,median\nJPN,1.1\nKOR,2.0\n")
    found = rebuild.differences("welfare", before, after, 1e-6)
    assert found == [
        "welfare, row 1, column median: 1.0 before, 1.1 now",
        "welfare, row 2, column country: USA before, KOR now",
    ]
    after.write_text("country,median\nJPN,1.0\n")
    assert "other rows" in rebuild.differences("welfare", before, after, 1e-6)[0]
    assert "not made again" in rebuild.differences("welfare", before, tmp_path / "none.csv", 1e-6)[0]


def test_runs_that_their_command_does_not_make_are_refused(post: xr.DataTree, tmp_path: Path) -> None:
    command = "reestim run\nreestim counterfactual posteriors/first other.toml"
    run = ree.save(RunRecord.of(post).but(command=command, seed=None).attached(post), tmp_path / "run")
    with pytest.raises(InputError) as caught:
        ree.package_run(run, tmp_path / "package")
    assert len(caught.value.problems) == 3  # no report, draws of another run, no seed
    assert not (tmp_path / "package").exists()


@pytest.mark.slow
def test_a_run_is_made_again_from_its_package(tmp_path: Path) -> None:
    quick_job(tmp_path / "run", "reestim run --quick")
    package = ree.package_run(tmp_path / "run", tmp_path / "package")
    command = [sys.executable, str(package / "rebuild.py"), "--here"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "every cell is as it was" in done.stdout
