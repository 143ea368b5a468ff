"""One case at a time in a process of its own: what came out of it, how long it took, how much memory."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import resource
import shutil
import signal
import time
import traceback
import warnings
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.fuzz import mutate
from benchmarks.fuzz.bases import BASES
from benchmarks.fuzz.kinds import Kind, kinds

#: A case may compute and wait so long, and take so much memory more than the process has; the first of a kind compiles.
SECONDS, WAITING, MEGABYTES = 40.0, 240.0, 1500
WATCHES = ((signal.ITIMER_PROF, signal.SIGPROF, SECONDS), (signal.ITIMER_REAL, signal.SIGALRM, WAITING))
#: Longest line of a message, and most lines of one.
LONGEST_LINE, MOST_LINES = 1500, 400
PASSED, REFUSED = "taken, and sound", "refused in words"


class Hang(BaseException):
    """The time of a case is over. No ``except Exception`` catches it."""


@dataclass(frozen=True)
class Outcome:
    """Of one case. ``outcome`` is PASSED, REFUSED, or the kind of a finding, with ``detail`` in words."""

    case: int
    kind: str
    file: str
    mutation: str
    outcome: str
    detail: str = ""
    seconds: float = 0.0  # of computing
    megabytes: int = 0

    @property
    def is_finding(self) -> bool:
        return self.outcome not in (PASSED, REFUSED)


def kind_of(case: int) -> Kind:
    """Kinds take turns."""
    every = kinds()
    return every[case % len(every)]


def try_case(case: int, seed: int, bases: Path, place: Path) -> Outcome:
    """Copy the sound files into ``place``, spoil one, read them. The folder stays where there is a finding."""
    kind, rng = kind_of(case), np.random.default_rng([seed, case])
    folder = _copied(kind, bases, place)
    how = mutate.pick(rng, kind.how)(folder / kind.file, rng)
    start, before = time.process_time(), _memory("VmRSS")
    _forget_peak()
    outcome, detail = _outcome(kind, folder, rng)
    seconds, megabytes = time.process_time() - start, max(_memory("VmHWM") - before, 0) // 1024
    if megabytes > MEGABYTES and outcome in (PASSED, REFUSED):
        outcome, detail = "memory", f"{megabytes} MB"
    return Outcome(case, kind.name, kind.file, how, outcome, detail, round(seconds, 3), megabytes)


def _copied(kind: Kind, bases: Path, place: Path) -> Path:
    """The sound files of a kind under ``place``, as links: a mutation puts another file under the name."""
    mutate.clean(place)
    shutil.copytree(bases / kind.base, place / kind.base, symlinks=True, copy_function=os.link)
    return place / kind.base


def _outcome(kind: Kind, folder: Path, rng: mutate.Rng) -> tuple[str, str]:
    from benchmarks.fuzz.judge import Insane
    from reestim.errors import ReestimError

    said = io.StringIO()
    for timer, sent, seconds in WATCHES:
        signal.signal(sent, _over)
        signal.setitimer(timer, seconds)
    try:
        with (
            warnings.catch_warnings(record=True) as warned,
            contextlib.redirect_stdout(said),
            contextlib.redirect_stderr(said),
        ):
            warnings.simplefilter("always")
            warnings.simplefilter("ignore", DeprecationWarning)  # between libraries; Python does not show them either
            try:
                kind.read(folder, rng)
                outcome, detail = PASSED, ""
            except ReestimError as error:
                outcome, detail = _words(error)
            except Insane as error:
                outcome, detail = "wrong", str(error)[:500]
            except Exception as error:
                outcome, detail = f"{type(error).__name__}", traceback.format_exc()[-1800:]
    except Hang:
        return (
            "hang",
            f"longer than {SECONDS:g} s of computing or {WAITING:g} s of waiting:\n{traceback.format_exc()[-1500:]}",
        )
    finally:
        for timer, _, _ in WATCHES:
            signal.setitimer(timer, 0)
    if outcome in (PASSED, REFUSED) and warned:
        one = warned[0]
        said_by = f"{one.filename}:{one.lineno}"
        return "warning", f"{len(warned)}: {one.category.__name__}: {str(one.message)[:300]} ({said_by})"
    if outcome in (PASSED, REFUSED) and said.getvalue().strip():
        return "output", said.getvalue()[:500]
    return outcome, detail


def _over(*_: Any) -> None:
    raise Hang


def _words(error: Exception) -> tuple[str, str]:
    """A refusal must be text that a terminal, a log and a script can take, and short enough to be read."""
    from reestim.cli.printing import problems_as_json
    from reestim.errors import InputError, problem_lines
    from reestim.io.files import strict_json

    if not isinstance(error, InputError):
        error = InputError([], str(error))
    lines = problem_lines(error.problems) or error.title.splitlines()
    text = "\n".join(lines)
    if not text.strip():
        return "words", "a refusal without words"
    if max(map(len, lines)) > LONGEST_LINE:
        worst = max(lines, key=len)
        return "words", f"a line of {len(worst)} characters: {worst[:200]} ... {worst[-200:]}"
    if len(lines) > MOST_LINES:
        return "words", f"{len(lines)} lines: {lines[0][:200]} ... {lines[-1][:200]}"
    if strange := re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2028]", text):
        around = text[max(0, strange.start() - 150) : strange.end() + 50]
        return "words", f"control character {strange[0]!r} in {around!r}"
    try:
        text.encode()
        json.dumps(strict_json(problems_as_json(error)), allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, TypeError, RecursionError) as failed:
        return "words", f"cannot be printed: {failed}"
    return REFUSED, lines[0][:200]


def _memory(name: str) -> int:
    """A figure of /proc/self/status in kB."""
    found = re.search(rf"{name}:\s+(\d+)", Path("/proc/self/status").read_text())
    return int(found[1]) if found else 0


def _forget_peak() -> None:
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def make_bases(bases: Path) -> None:
    """The sound files of all kinds."""
    for name, make in BASES.items():
        if not (bases / name).exists():
            make(bases / name)


def unsound(bases: Path, place: Path) -> list[str]:
    """Kinds whose sound files are not taken: their mutations would show nothing."""
    found = []
    for kind in dict.fromkeys(kinds()):
        outcome, detail = _outcome(kind, _copied(kind, bases, place), np.random.default_rng(2))
        if outcome != PASSED:
            found.append(f"{kind.name} ({kind.file}): {outcome}: {detail}")
    return found


def serve(connection: Connection, seed: int, bases: Path, place: Path, kept: Path) -> None:
    """Answer each number of a case with its outcome, until the number is None."""
    import jax

    os.environ["COLUMNS"] = "200"
    done = 0
    while (case := connection.recv()) is not None:
        if done == 1:  # libraries are loaded: what is asked for beyond this much is refused
            limit = _memory("VmSize") * 1024 + 8 * MEGABYTES * 2**20
            resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
        found = try_case(case, seed, bases, place)
        if found.is_finding:
            target = kept / str(case)
            mutate.clean(target)
            target.mkdir(parents=True)
            keep_what_differs(bases, place, target)
            (target / "finding.json").write_text(json.dumps(asdict(found), indent=1))
        done += 1
        if _memory("VmRSS") > 2 * MEGABYTES * 1024:
            jax.clear_caches()  # every shape of an economy is compiled
        connection.send(asdict(found))


def keep_what_differs(bases: Path, place: Path, target: Path) -> None:
    """The files of a case that are not links to the sound ones."""
    for path in sorted(place.rglob("*")):
        sound = bases / path.relative_to(place)
        same = sound.is_file() and path.is_file() and os.path.samefile(sound, path)
        if path.is_symlink() or (path.is_file() and not same and path.stat().st_size < 30_000_000):
            to = target / path.relative_to(place)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, to, follow_symlinks=False)
