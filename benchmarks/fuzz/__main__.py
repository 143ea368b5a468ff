"""Spoil every kind of input file, over and over, and see that each is taken as it is or refused in words.

    python -m benchmarks.fuzz                          # 10,000 cases, seed 1
    python -m benchmarks.fuzz --cases 200 --seed 7 --kind study
    python -m benchmarks.fuzz --case 4711              # one case again, in this process, its files kept

A case is numbered; its kind of file, its mutation and all its random numbers follow from seed and number. It goes
through the functions that the commands call: datasets, studies, scenarios, patents and labels, files of other sources,
run folders (one in twenty-five through the command itself). Findings are everything but a clean success and a clean
refusal: another exception, a warning or output in passing, a crash, a case that computes longer than 40 s, waits more
than 4 minutes or takes 1.5 GB, something written by what refused, a message that cannot be printed or read, a file
taken for something it is not.
Spoiled files of findings are kept in FOLDER/findings/CASE. The same command goes on after a kill, and tries findings
again.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import multiprocessing.connection
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.fuzz.kinds import kinds
from benchmarks.fuzz.worker import PASSED, REFUSED, WAITING, Outcome, kind_of, make_bases, serve, try_case, unsound

#: Seconds without an answer after which a worker is taken for stuck where Python cannot interrupt it.
STUCK = 2 * WAITING


class Worker:
    """A process that tries cases; a new one takes its place when it dies."""

    def __init__(self, number: int, seed: int, folder: Path, bases: Path) -> None:
        self.arguments = (seed, bases, Path(tempfile.mkdtemp(prefix=f"fuzz-{number}-")) / "case", folder / "findings")
        self.case: int | None = None
        self.start()

    def start(self) -> None:
        """A fresh process."""
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, *self.arguments), daemon=True)
        self.process.start()
        theirs.close()
        self.fresh = True

    def give(self, case: int | None) -> None:
        """The next case."""
        self.case, self.since = case, time.monotonic()
        self.connection.send(case)

    def answer(self) -> Outcome | None:
        """What came out, if the worker has said so, died, or is stuck."""
        assert self.case is not None
        if self.connection.poll():
            try:
                found = Outcome(**self.connection.recv())
                self.fresh = False
                return found
            except EOFError:
                self.process.join()
                return self._lost("crash", f"the process ended with {self.process.exitcode}")
        if time.monotonic() - self.since > STUCK + (120 if self.fresh else 0):
            self.process.kill()
            self.process.join()
            return self._lost("hang", "and nothing could interrupt it")
        return None

    def _lost(self, outcome: str, detail: str) -> Outcome:
        case = self.case or 0
        kind = kind_of(case)
        self.start()
        return Outcome(case, kind.name, kind.file, "", outcome, f"{detail}; --case {case} tries it again")


def main() -> int:
    """Try the cases that are asked for; 1 where there were findings."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--folder", type=Path, help="results and findings (default: fuzz-SEED in the temporary folder)")
    parser.add_argument("--kind", help="only this kind of file")
    parser.add_argument("--case", type=int, help="one case again")
    asked = parser.parse_args()
    folder: Path = asked.folder or Path(tempfile.gettempdir()) / f"reestim-fuzz-{asked.seed}"
    folder.mkdir(parents=True, exist_ok=True)
    bases = folder / "sound"
    if not bases.exists():
        make_bases(bases)
        if wrong := unsound(bases, folder / "again"):
            print("\n".join(wrong))
            return 1
    if asked.case is not None:
        place = folder / "again"
        found = try_case(asked.case, asked.seed, bases, place)
        print(f"{found.kind}, {found.file}, {found.mutation}: {found.outcome} in {found.seconds} s")
        print(f"{found.detail}\n{place}")
        return int(found.is_finding)
    results = folder / "results.jsonl"
    done = _read(results)
    done = {n: found for n, found in done.items() if not found.is_finding}  # tried again: they may be mended
    wanted = [n for n in range(asked.cases) if n not in done and asked.kind in (None, kind_of(n).name)]
    print(f"{len(done)} cases are done, {len(wanted)} to go; results in {folder}")
    _try_all(wanted, done, asked, folder, bases, results)
    chosen = [done[n] for n in sorted(done) if n < asked.cases and asked.kind in (None, done[n].kind)]
    report(chosen)
    return int(any(found.is_finding for found in chosen))


def _read(results: Path) -> dict[int, Outcome]:
    lines = results.read_text(encoding="utf-8").splitlines() if results.exists() else []
    done = {}
    for line in lines:
        try:
            found = Outcome(**json.loads(line))
        except ValueError:  # cut off by a kill
            continue
        done[found.case] = found
    return done


def _try_all(wanted: list[int], done: dict[int, Outcome], asked: Any, folder: Path, bases: Path, results: Path) -> None:
    waiting = iter(wanted)
    workers = [Worker(k, asked.seed, folder, bases) for k in range(min(asked.workers, len(wanted)))]
    begun = time.monotonic()
    new = findings = 0
    for worker in workers:
        worker.give(next(waiting))
    with results.open("a", encoding="utf-8") as file:
        while busy := [worker for worker in workers if worker.case is not None]:
            multiprocessing.connection.wait([worker.connection for worker in busy], timeout=1.0)
            for worker in busy:
                found = worker.answer()
                if found is None:
                    continue
                done[found.case] = found
                file.write(json.dumps(vars(found)) + "\n")
                file.flush()
                new += 1
                if found.is_finding:
                    findings += 1
                    last = found.detail.strip().splitlines()[-1] if found.detail.strip() else ""
                    print(f"case {found.case}: {found.kind}, {found.mutation}: {found.outcome}: {last[:300]}")
                if new % 250 == 0:
                    pace = (time.monotonic() - begun) / new
                    left = pace * (len(wanted) - new) / 60
                    print(f"-- {new} of {len(wanted)}, {findings} findings, {left:.0f} minutes to go", flush=True)
                following = next(waiting, None)
                if following is None:
                    worker.connection.send(None)
                    worker.case = None
                else:
                    worker.give(following)


def report(found: list[Outcome]) -> None:
    """The table that docs/reliability.md shows: kind of file by outcome."""
    names = list(dict.fromkeys(kind.name for kind in kinds()))
    counts = Counter((one.kind, "finding" if one.is_finding else one.outcome) for one in found)
    print(f"\n| file | cases | {PASSED} | {REFUSED} | findings | slowest, s |\n|---|---:|---:|---:|---:|---:|")
    for name in [*names, ""]:
        of_kind = [one for one in found if name in (one.kind, "")]
        if of_kind:
            numbers = [
                sum(n for (k, o), n in counts.items() if name in (k, "") and o == outcome)
                for outcome in (PASSED, REFUSED, "finding")
            ]
            slowest = max(one.seconds for one in of_kind)
            print(f"| {name or 'all'} | {len(of_kind)} | {' | '.join(map(str, numbers))} | {slowest:.1f} |")
    for outcome, n in Counter(one.outcome for one in found if one.is_finding).most_common():
        print(f"{n} {outcome}")
    print(f"most memory of a case: {max((one.megabytes for one in found), default=0)} MB")


if __name__ == "__main__":
    sys.exit(main())
