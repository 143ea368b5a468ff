"""``reestim run``: the main job."""

from __future__ import annotations

from reestim.cli.command import Output, command
from reestim.cli.options import (
    STUDY,
    AllowOption,
    DatasetOption,
    MoreDrawsOption,
    NoVarianceOption,
    OutOption,
    OverwriteOption,
    QuickOption,
    SeedOption,
    SpecArgument,
)
from reestim.cli.terminal import command_line, inputs, print_and_exit


@command(quiet=True)
def run(
    spec: SpecArgument = STUDY,
    dataset: DatasetOption = None,
    out: OutOption = None,
    seed: SeedOption = 1,
    quick: QuickOption = False,
    allow: AllowOption = None,
    no_variance: NoVarianceOption = False,
    overwrite: OverwriteOption = False,
    more_draws: MoreDrawsOption = 0,
    *,
    output: Output,
) -> None:
    """The main job: data, posterior, equilibria over all draws, report.

    Cut off, the same command with --out RUN goes on: with the chains that were done, or with the saved posterior.

    Example: reestim run --dataset my-data --out posteriors/mine
    """
    from reestim.pipeline import main_job
    from reestim.pipeline.stages import Stages

    stages = Stages()
    job = inputs(
        stages,
        spec,
        dataset,
        out,
        quick=quick,
        overwrite=overwrite,
        allow=allow or (),
        seed=seed,
        more_draws=more_draws,
    )
    post, folder, page = main_job.run(
        job,
        seed=seed,
        stages=stages,
        progress=output.progress,
        command=command_line(),
        variance=not no_variance,
    )
    print_and_exit(post, {"run": str(folder), "report": str(page)}, output)
