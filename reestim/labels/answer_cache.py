"""Answers of language models on disk: what was paid for once is never asked again, whatever happens in between."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reestim.dims import LABELS
from reestim.errors import InputError, Problem

#: Layout of the file; raised when older files can no longer be read.
_LAYOUT = 1
_FIND = "SELECT label, reason, model, answered, temperature FROM answer WHERE key = ?"
_MADE_BY = 0x52454531  # "REE1", SQLite's application_id: whose file this is


@dataclass(frozen=True)
class Answer:
    """What a model said of one text.

    label : of the taxonomy, or empty where it gave none; reason : why there is none; model : as the endpoint named it;
    answered : date and time (UTC, ISO 8601); temperature : as it was asked for, None if the model takes none.
    """

    label: str
    reason: str
    model: str
    answered: str
    temperature: float | None


def key_of(prompt_hash: str, model: str, title: str, abstract: str) -> str:
    """The key of an answer: SHA-256 over prompt, model and text."""
    whole = json.dumps([prompt_hash, model, title.strip(), abstract.strip()])
    return hashlib.sha256(whole.encode()).hexdigest()


class AnswerCache:
    """A SQLite file with one row a text. It holds hashes and labels; no text, no address, no key.

    ``store`` returns when the answers are on the disk, all of them or none; several processes may share the file.
    look_only : do not make a file that is not there.
    Raises InputError where the file is not a cache, was changed by hand, or cannot be written.
    """

    def __init__(self, path: Path, *, look_only: bool = False) -> None:
        self.path = path
        with self._words():
            if look_only and not path.exists():
                self._file = sqlite3.connect(":memory:", check_same_thread=False)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                # one thread at a time uses it, not always the one that opened it (`run_to_end`)
                self._file = sqlite3.connect(path, timeout=60, check_same_thread=False)
            made_by = self._file.execute("PRAGMA application_id").fetchone()[0]
            layout = self._file.execute("PRAGMA user_version").fetchone()[0]
            tables = self._file.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            if (made_by, layout) != (_MADE_BY, _LAYOUT) and tables:
                advice = "Name another file with --cache"
                raise InputError(Problem("this is not a cache of answers of this version", advice, value=str(path)))
            with self._file:
                self._file.execute("PRAGMA synchronous = FULL")
                self._file.execute(f"PRAGMA application_id = {_MADE_BY}")
                self._file.execute(f"PRAGMA user_version = {_LAYOUT}")
                self._file.execute(
                    "CREATE TABLE IF NOT EXISTS answer (key TEXT PRIMARY KEY, label TEXT NOT NULL, "
                    "reason TEXT NOT NULL, model TEXT NOT NULL, answered TEXT NOT NULL, temperature REAL) WITHOUT ROWID"
                )

    def find(self, keys: Iterable[str]) -> dict[str, Answer]:
        """The answers that are there."""
        answers = {}
        with self._words():
            for key in keys:
                if (cells := self._file.execute(_FIND, (key,)).fetchone()) is not None:
                    answers[key] = Answer(*cells)
        strange = sorted({answer.label for answer in answers.values()} - {"", *LABELS})
        if strange:
            advice = "The file was changed by other means; remove it, or name another with --cache"
            message = "an answer in the cache is not in the taxonomy"
            raise InputError(Problem(message, advice, file=str(self.path), value=strange[0]))
        return answers

    def store(self, answers: Mapping[str, Answer]) -> None:
        """Write answers through to the disk in one transaction."""
        rows = [(key, a.label, a.reason, a.model, a.answered, a.temperature) for key, a in answers.items()]
        with self._words(), self._file:
            self._file.executemany("INSERT OR REPLACE INTO answer VALUES (?, ?, ?, ?, ?, ?)", rows)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    @contextmanager
    def _words(self) -> Generator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            advice = "Name another file with --cache, in a place you may write to"
            problem = Problem(f"the cache of answers cannot be used ({error})", advice, value=str(self.path))
            raise InputError(problem, "nothing more was labelled") from error
