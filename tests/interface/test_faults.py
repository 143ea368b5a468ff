"""A full disk, a place that cannot be written, two runs at once, what a kill left: heavy stages faked, disks real."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import reestim as ree
from reestim.errors import InputError
from reestim.io.files import exclusive_lock
from reestim.runs.store import new_run_folder, save
from tests.interface.faked_run import Run, folders


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """No file may grow beyond ``size`` bytes: writing fails as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


_SLOW = pytest.mark.slow  # a run each


@pytest.mark.parametrize(
    "size", [pytest.param(0, marks=_SLOW), pytest.param(4_000, marks=_SLOW), pytest.param(60_000, marks=_SLOW)]
)
def test_a_full_disk_is_said_and_leaves_nothing(cli: Run, place: Path, faked: dict[str, Any], size: int) -> None:
    with full_disk(size):
        done = cli("run", "study.toml", "--out", "posteriors/mine")
    assert done.exit_code == 1, done.output
    assert "Traceback" not in done.output
    assert "Free some space" in done.stderr
    assert folders(place) == []
    assert cli("run", "study.toml", "--out", "posteriors/mine").exit_code == 0


def test_a_full_disk_leaves_the_run_that_is_there(post: Any, tmp_path: Path) -> None:
    path = save(post, tmp_path / "mine", seed=1)
    with full_disk(4_000), pytest.raises((OSError, InputError)):
        save(post, path, overwrite=True, seed=2)
    assert '"seed": 1' in (path / "run.json").read_text()
    ree.load(path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mine"]


def test_a_place_that_cannot_be_written_is_said_before_sampling(cli: Run, faked: dict[str, Any]) -> None:
    for command in ("run", "fit"):
        done = cli(command, "study.toml", "--out", "/proc/runs/mine")
        assert done.exit_code == 1
        assert "cannot be written" in done.stderr
        assert "fit" not in [name for name, *_ in faked["calls"]]


OTHER = """
import sys, time
from pathlib import Path
from reestim.io.files import exclusive_lock
with exclusive_lock(Path(sys.argv[1])):
    print("here", flush=True)
    time.sleep(300)
"""


WITHOUT_FCNTL = """
import sys
sys.modules["fcntl"] = None  # as on Windows
from pathlib import Path
from reestim.errors import InputError
from reestim.io.files import exclusive_lock, is_locked
place = Path(sys.argv[1])
for _ in range(2):  # released after the block
    with exclusive_lock(place):
        assert is_locked(place)
        try:
            with exclusive_lock(place):
                raise SystemExit("two holders")
        except InputError as error:
            assert "another process is writing to this folder" in str(error)
        assert is_locked(place)
assert not list(place.parent.iterdir())
"""


def test_a_folder_is_locked_where_there_is_no_fcntl(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-c", WITHOUT_FCNTL, str(tmp_path / "mine")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_second_run_into_the_same_folder_is_refused_at_once(cli: Run, place: Path, faked: dict[str, Any]) -> None:
    mine = str(place / "posteriors" / "mine")
    other = subprocess.Popen([sys.executable, "-c", OTHER, mine], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    assert other.stdout.readline() == "here\n"
    done = cli("run", "study.toml", "--out", "posteriors/mine")
    assert done.exit_code == 1
    assert "another process is writing to this folder" in done.stderr
    assert "fit" not in [name for name, *_ in faked["calls"]]
    other.kill()  # the system lets go of the folder
    other.wait()
    other.stdout.close()
    assert cli("fit", "study.toml", "--out", "posteriors/mine").exit_code == 0
    assert [path.name for path in folders(place)] == ["mine"]


def test_the_folder_that_is_kept_is_the_one_that_is_written(
    cli: Run, place: Path, faked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without --out too, however long sampling takes; and two runs of one second have names of their own."""
    kept: list[Path] = []
    from reestim.estimate import fit as fitting

    sampled = fitting.fit

    def looked(*args: Any, **kwargs: Any) -> Any:
        (lock,) = (place / "posteriors").glob(".*.lock")
        kept.append(lock.with_name(lock.name.removeprefix(".").removesuffix(".lock")).resolve())
        assert new_run_folder(kept[-1].name[18:]) != Path("posteriors") / kept[-1].name
        monkeypatch.setattr("reestim.runs.store.datetime", Later)
        return sampled(*args, **kwargs)

    monkeypatch.setattr(fitting, "fit", looked)
    assert cli("fit", "study.toml").exit_code == 0
    assert [path.resolve() for path in folders(place)] == kept


class Later(datetime):
    """A clock that is past any run."""

    @classmethod
    def now(cls, tz: Any = None) -> datetime:
        return datetime(2100, 1, 1, tzinfo=tz)


def test_refits_are_refused_where_another_writes(cli: Run, place: Path, faked: dict[str, Any]) -> None:
    assert cli("fit", "study.toml", "--out", "posteriors/mine").exit_code == 0
    with exclusive_lock(place / "posteriors" / "mine"):
        done = cli("check", "posteriors/mine", "--refit")
    assert done.exit_code == 1
    assert "another process is writing to this folder" in done.stderr


def test_what_a_kill_left_half_written_is_tidied(post: Any, tmp_path: Path) -> None:
    path = save(post, tmp_path / "mine")
    (tmp_path / ".mine-abcd_123").mkdir()
    (tmp_path / ".mine-2-abcd_123").mkdir()  # of another run
    (tmp_path / ".mine.lock").touch()
    path.rename(tmp_path / ".mine-wxyz_789-old")  # killed between taking the old run away and putting the new one there
    with exclusive_lock(path):
        ree.load(path)
    assert sorted(p.name for p in tmp_path.iterdir()) == [".mine-2-abcd_123", "mine"]


def test_a_place_that_was_kept_for_nothing_leaves_nothing(tmp_path: Path) -> None:
    place = tmp_path / "studies" / "posteriors" / "run"
    with exclusive_lock(place):
        assert place.parent.is_dir()
    assert not list(tmp_path.iterdir())
    with exclusive_lock(place):
        place.mkdir()
    assert [path.name for path in place.parent.iterdir()] == ["run"]
