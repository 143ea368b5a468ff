"""Where the time of the main job goes: seconds of each stage, and how many of them JAX spends tracing and compiling.

    python -m benchmarks.main_job            # the default study; a minute or two longer than the job on a busy machine
    python -m benchmarks.main_job --quick

The job is `reestim run`, in this process and into a folder that is removed.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import jax
import pandas as pd

from reestim.pipeline.job import read_job
from reestim.pipeline.main_job import Stages, run

#: Durations that JAX reports of itself: tracing a function, lowering it, compiling it.
_COMPILING = "/jax/core/compile/"


@dataclass
class Profile(Stages):
    """Stages that also keep the seconds of compiling in each."""

    compiling: dict[str, float] = field(default_factory=dict)
    spent: float = 0.0

    def listen(self, event: str, duration_secs: float, **kwargs: str | int) -> None:
        """What `jax.monitoring` calls."""
        self.spent += duration_secs if event.startswith(_COMPILING) else 0.0

    @contextmanager
    def stage(self, name: str) -> Generator[None]:
        before = self.spent
        with super().stage(name):
            yield
        self.compiling[name] = self.spent - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--study", default="models/substitution.toml")
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    stages = Profile()
    jax.monitoring.register_event_duration_secs_listener(stages.listen)
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as place:
        with stages.stage("check the study and the data"):
            job = read_job(given.study, None, Path(place) / "run", quick=given.quick)
        run(job, seed=1, stages=stages, progress=False, command="benchmarks.main_job")
    table = pd.DataFrame({"seconds": stages.seconds, "of which JAX compiles": stages.compiling})
    print(table.round(1).rename_axis("stage").reset_index().to_markdown(index=False))
    print(f"\nwhole: {time.perf_counter() - begun:.0f} s after the imports")


if __name__ == "__main__":
    main()
