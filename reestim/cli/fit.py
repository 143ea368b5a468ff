"""``reestim fit``: the posterior without equilibria."""

from __future__ import annotations

from reestim.cli.command import Output, command
from reestim.cli.options import (
    STUDY,
    AllowOption,
    DatasetOption,
    MoreDrawsOption,
    OutOption,
    OverwriteOption,
    QuickOption,
    SeedOption,
    SpecArgument,
)
from reestim.cli.terminal import command_line, inputs, print_and_exit


@command(quiet=True)
def fit(
    spec: SpecArgument = STUDY,
    dataset: DatasetOption = None,
    out: OutOption = None,
    seed: SeedOption = 1,
    quick: QuickOption = False,
    allow: AllowOption = None,
    overwrite: OverwriteOption = False,
    more_draws: MoreDrawsOption = 0,
    *,
    output: Output,
) -> None:
    """Sample the posterior and save it, without equilibria. Continue with `reestim counterfactual`.

    Cut off, the same command with --out RUN goes on with the chains that were done.

    Example: reestim fit models/patents_only.toml --out posteriors/patents-only
    """
    from reestim.pipeline import main_job
    from reestim.pipeline.stages import STAGES, Stages

    stages = Stages(total=STAGES - 2)
    job = inputs(
        stages,
        spec,
        dataset,
        out,
        quick=quick,
        overwrite=overwrite,
        allow=allow or (),
        seed=seed if more_draws else None,
        more_draws=more_draws,
    )
    post, folder = main_job.fit(job, seed=seed, stages=stages, progress=output.progress, command=command_line())
    print_and_exit(post, {"run": str(folder)}, output)
