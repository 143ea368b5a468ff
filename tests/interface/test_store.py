"""Run folders: whole or absent, readable by another process, honest about what they cannot read."""

from __future__ import annotations

import hashlib
import json
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

import reestim as ree
from reestim.errors import InputError
from reestim.runs.listing import list_runs
from reestim.runs.record import RunRecord
from reestim.runs.store import load, new_run_folder, save


def names(folder: Path) -> set[str]:
    return {p.name for p in folder.iterdir()} if folder.exists() else set()


def test_a_run_comes_back_in_a_new_process(post: xr.DataTree, tmp_path: Path) -> None:
    path = save(post, tmp_path / "first", seed=7)
    assert names(path) == {"posterior.nc", "run.json"}
    code = (
        "import sys, reestim as ree\n"
        "post = ree.load(sys.argv[1])\n"
        "print(post['counterfactual']['welfare'].dims, float(post['posterior']['sigma'].sum()).hex())\n"
        "print(ree.Economy(post['economy'].to_dataset()).countries)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    dims, countries = done.stdout.strip().splitlines()
    assert "('scenario', 'technology', 'chain', 'draw', 'country')" in dims
    assert float(post["posterior"]["sigma"].sum()).hex() in dims
    assert "JPN" in countries


def test_everything_survives(post: xr.DataTree, tmp_path: Path) -> None:
    post.attrs["of the user"] = None
    back = load(save(post, tmp_path / "first"))
    assert set(back.children) == set(post.children)
    for name in post.children:
        xr.testing.assert_equal(back[name].to_dataset(), post[name].to_dataset())
    assert back["posterior"]["sigma"].attrs == post["posterior"]["sigma"].attrs
    assert RunRecord.of(back).gates.passed is True
    assert RunRecord.of(back).gates == RunRecord.of(post).gates
    assert back.attrs["of the user"] is None
    assert post.attrs["of the user"] is None, "saving must not change the tree"


#: What attributes may be, with values that netCDF alone would change.
ATTRIBUTES: dict[str, object] = {
    "sample_dims": ["chain", "draw"],
    "one": ["chain"],
    "none": [],
    "pair": ("a", "b"),
    "years": [2010, 2011],
    "mixed": [1, 2.5, None, True],
    "yes": True,
    "nothing": None,
    "number": 3,
    "share": 0.25,
    "huge": 2**70,
    "table": {"a": [1, {"b": float("inf")}], "c": "\ud800"},
    "looks like JSON": "[1, 2]",
    "null": "null",
    "zero": "a\0b",
    "half": "\ud800",
}


def test_attributes_come_back_with_their_types(post: xr.DataTree, tmp_path: Path) -> None:
    weights = np.array([0.5])
    post["posterior"].attrs = {**ATTRIBUTES, "weights": weights}
    post["posterior"]["sigma"].attrs = dict(ATTRIBUTES)
    back = load(save(post, tmp_path / "first"))
    found = dict(back["posterior"].attrs)
    assert np.array_equal(found.pop("weights"), weights)
    for attrs in (found, dict(back["posterior"]["sigma"].attrs)):
        assert attrs == ATTRIBUTES
        assert {name: type(value) for name, value in attrs.items()} == {n: type(v) for n, v in ATTRIBUTES.items()}
    assert list(xr.open_datatree(tmp_path / "first" / "posterior.nc")["posterior"].attrs["sample_dims"]) == [
        "chain",
        "draw",
    ], "any other program reads it as it is"


def test_a_tree_of_ours_is_written_by_xarray_as_it_is(post: xr.DataTree, tmp_path: Path) -> None:
    save(post, tmp_path / "first")
    load(tmp_path / "first").to_netcdf(tmp_path / "plain.nc", engine="h5netcdf")
    again = xr.load_datatree(tmp_path / "plain.nc", engine="h5netcdf")
    assert RunRecord.of(again).gates == RunRecord.of(post).gates
    xr.testing.assert_identical(again["posterior"].to_dataset(), post["posterior"].to_dataset())


def test_run_json_says_what_made_the_numbers(post: xr.DataTree, tmp_path: Path) -> None:
    path = save(post, tmp_path / "first", seed=7, timings={"fit": float("nan")})
    run = json.loads((path / "run.json").read_text(), parse_constant=pytest.fail)
    assert run["schema"] == 1
    assert run["seed"] == 7
    assert run["spec"]["name"] == "fake"
    assert run["provenance"]["synthetic"] == ["patent_labels.csv"]
    assert run["interval"] == {"kind": "equal-tailed", "level": 0.9}
    assert run["packages"]["xarray"] == xr.__version__
    assert run["timings"] == {"fit": None}
    assert {"scenario": "china-quota-2010", "technology": "directed", "solved": 79, "draws": 80} in run["solved"]


def test_a_run_is_not_overwritten_unless_told(post: xr.DataTree, tmp_path: Path) -> None:
    path = save(post, tmp_path / "first", seed=1)
    before = (path / "run.json").read_text()
    with pytest.raises(InputError, match="overwrite=True"):
        save(post, path, seed=2)
    assert (path / "run.json").read_text() == before
    save(post, path, overwrite=True, seed=2)
    assert json.loads((path / "run.json").read_text())["seed"] == 2
    assert names(tmp_path) == {"first"}


def test_a_folder_that_is_no_run_is_never_replaced(post: xr.DataTree, tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("precious")
    with pytest.raises(InputError, match="not a run in this place"):
        save(post, tmp_path / "thesis", overwrite=True)
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "precious"


@pytest.mark.parametrize("failure", [KeyboardInterrupt, OSError])
def test_a_failure_while_writing_leaves_what_was_there(
    post: xr.DataTree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: type[BaseException]
) -> None:
    path = save(post, tmp_path / "first", seed=1)
    before = (path / "run.json").read_text()

    def interrupted(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr(xr.DataTree, "to_netcdf", interrupted)
    for target in (path, tmp_path / "second"):
        with pytest.raises(failure):
            save(post, target, overwrite=True, seed=2)
    assert names(tmp_path) == {"first"}
    assert (path / "run.json").read_text() == before


def test_a_run_of_another_layout_or_damaged_is_refused_in_words(post: xr.DataTree, tmp_path: Path) -> None:
    path = save(post, tmp_path / "first")
    run = json.loads((path / "run.json").read_text())
    (path / "run.json").write_text(json.dumps(run | {"schema": 99, "reestim": "7.0"}))
    with pytest.raises(InputError, match=r"version 99.*REEstim 7\.0"):
        load(path)
    (path / "run.json").write_text("{")
    with pytest.raises(InputError, match=r"run\.json cannot be read"):
        load(path)
    (path / "run.json").write_text(json.dumps(run))
    (path / "posterior.nc").write_bytes(b"not netCDF")
    with pytest.raises(InputError, match="changed or damaged"):
        load(path)
    with pytest.raises(InputError, match="no such run"):
        load(tmp_path / "nothing")


def test_runs_are_listed_and_unfinished_ones_are_not(post: xr.DataTree, tmp_path: Path) -> None:
    save(post, tmp_path / "first")
    (tmp_path / ".second-partial").mkdir()
    (tmp_path / "stray").mkdir()
    runs = {run.path.name: run for run in list_runs(tmp_path)}
    assert set(runs) == {"first", "stray"}
    assert runs["first"].gates_passed is True
    assert runs["first"].scenarios == ("china-quota-2010",)
    assert runs["stray"].problem == "this folder holds no run"
    assert list_runs(tmp_path / "nowhere") == []


def test_new_run_folders_have_names_of_their_own(tmp_path: Path) -> None:
    first = new_run_folder("My study: A/B", tmp_path)
    first.mkdir()
    second = new_run_folder("My study: A/B", tmp_path)
    assert first.name.endswith("-my-study-a-b")
    assert first.parent == tmp_path
    assert second != first


def test_saving_from_the_front_door(post: xr.DataTree, tmp_path: Path) -> None:
    ree.save(post, str(tmp_path / "first"))
    assert np.array_equal(ree.load(str(tmp_path / "first"))["posterior"]["kappa"], post["posterior"]["kappa"])


class Trap:
    """Unpickled, it leaves a file behind."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return (Path.touch, (self.mark,))


def sealed(path: Path) -> None:
    """Make run.json vouch for whatever posterior.nc now is."""
    run = json.loads((path / "run.json").read_text())
    run["sha256"] = hashlib.sha256((path / "posterior.nc").read_bytes()).hexdigest()
    (path / "run.json").write_text(json.dumps(run))


@pytest.mark.parametrize("kind", ["objects", "opaque", "external link", "outside"])
def test_a_run_of_somebody_else_executes_and_opens_nothing(post: xr.DataTree, tmp_path: Path, kind: str) -> None:
    path, mark = save(post, tmp_path / "first"), tmp_path / "executed"
    load(path)  # sound as it is
    trap = np.frombuffer(pickle.dumps(Trap(mark)), np.uint8)
    (path / "posterior.pkl").write_bytes(trap.tobytes())
    np.save(path / "draws.npy", np.array([Trap(mark)], object), allow_pickle=True)
    shutil.copy(path / "posterior.nc", tmp_path / "elsewhere.nc")
    with h5py.File(path / "posterior.nc", "a") as file:
        group = file["posterior"]
        if kind == "objects":
            group.create_dataset("x", (1,), h5py.vlen_dtype(np.uint8))[0] = trap
        elif kind == "opaque":
            group.create_dataset("x", data=np.array([trap.tobytes()], f"V{trap.size}"))
        elif kind == "external link":
            group["x"] = h5py.ExternalLink(str(tmp_path / "elsewhere.nc"), "/posterior/kappa")
        else:
            group.create_dataset("x", (4,), "u1", external=[(str(tmp_path / "elsewhere.nc"), 0, 4)])
    sealed(path)
    with pytest.raises(InputError, match="what no run has"):
        load(path)
    assert not mark.exists()


@pytest.mark.slow  # three commands in processes of their own
def test_python_files_in_a_run_are_not_run(post: xr.DataTree, tmp_path: Path) -> None:
    """Nor imported by a command that is called in the folder: names that a program would look for lie there."""
    path, mark = save(post, tmp_path / "first"), tmp_path / "executed"
    for name in ("numpy", "reestim", "sitecustomize", "usercustomize", "conftest", "substitution", "fake"):
        (path / f"{name}.py").write_text(f"import pathlib\npathlib.Path({str(mark)!r}).touch()\n")
    script = Path(sys.executable).parent / "reestim"
    for command in (["report", "."], ["check", "."], ["runs", ".."]):
        done = subprocess.run([script, *command], cwd=path, capture_output=True, text=True, check=False)
        assert done.returncode in (0, 2), done.stderr
        assert not mark.exists(), command


def test_files_that_do_not_belong_together_are_refused(post: xr.DataTree, tmp_path: Path) -> None:
    spec = {"name": "fake", "text": "a", "base_text": "", "text_sha256": "of another text"}
    RunRecord.of(post).updated({"spec": spec}).attached(post)
    with pytest.raises(InputError, match="another text of the study"):
        load(save(post, tmp_path / "edited"))
    RunRecord.of(post).updated({"spec": {"name": "fake", "text": "a"}}).attached(post)
    path = save(post, tmp_path / "first")
    run = json.loads((path / "run.json").read_text())
    changed = run | {"spec": run["spec"] | {"text": "b"}, "gates": {"passed": True}}
    (path / "run.json").write_text(json.dumps(changed))
    with pytest.raises(InputError, match="another study and verdict of the gates"):
        load(path)
    (path / "run.json").write_text(json.dumps({k: v for k, v in run.items() if k != "sha256"}))
    with pytest.raises(InputError, match="cut short, changed or damaged"):
        load(path)
    (path / "run.json").write_text(json.dumps(run))
    whole = (path / "posterior.nc").read_bytes()
    (path / "posterior.nc").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="cut short, changed or damaged"):
        load(path)
