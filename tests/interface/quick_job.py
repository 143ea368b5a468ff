"""The main job at --quick on the default study, in this process."""

from __future__ import annotations

import warnings
from pathlib import Path

from reestim.pipeline import main_job
from reestim.pipeline.job import read_job
from reestim.pipeline.stages import Stages

MODELS = Path(__file__).resolve().parents[2] / "models"


def quick_job(out: Path, command: str) -> None:
    """Run it into ``out``, noting ``command``."""
    job = read_job(MODELS / "substitution.toml", None, out, quick=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        main_job.run(job, seed=1, stages=Stages(), progress=False, command=command)
