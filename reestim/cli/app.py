"""``reestim``: the command line. Everything heavy is imported inside the commands, so that ``--help`` is quick.

Exit codes: 0 good, 1 bad input, 2 a gate of the sampler failed, 3 too many draws unsolved, 70 a fault of REEstim,
130 interrupted.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reestim.cli import (
    audit,
    check,
    compare,
    data_build,
    data_import,
    elements,
    event_study,
    exposure,
    init,
    label,
    sbc,
    tfp,
)
from reestim.cli.options import (
    AllowOption,
    DatasetOption,
    DebugOption,
    DrawsOption,
    JsonOption,
    OutOption,
    OverwriteOption,
    QuickOption,
    QuietOption,
    RunArgument,
    SeedOption,
    SpecArgument,
)
from reestim.cli.terminal import command_line, error_boundary, find_run, finish, inputs, say, target
from reestim.errors import InputError, Problem

app: typer.Typer = typer.Typer(
    name="reestim",
    help="Who loses, who innovates and how sure are we, when a dominant supplier restricts rare earths.",
    epilog="Begin with: reestim init my-study. Exit codes: 0 good, 1 bad input, 2 a gate of the sampler failed, "
    "3 too many draws unsolved.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
data_app: typer.Typer = typer.Typer(
    help="Check a dataset, build one from a world input-output table, import files of other sources.",
    no_args_is_help=True,
)
app.add_typer(data_app, name="data")
# Commands of one topic live in reestim/cli/TOPIC.py, whose register(app) adds them here.
init.register(app)
label.register(app)
audit.register(app)
check.register(app)
compare.register(app)
tfp.register(app)
elements.register(app)
event_study.register(app)
exposure.register(app)
sbc.register(app)
data_build.register(data_app)
data_import.register(data_app)

_SPEC = Path("models/substitution.toml")


@app.command()
def run(
    spec: SpecArgument = _SPEC,
    dataset: DatasetOption = None,
    out: OutOption = None,
    seed: SeedOption = 1,
    quick: QuickOption = False,
    allow: AllowOption = None,
    overwrite: OverwriteOption = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """The main job: data, posterior, equilibria over all draws, report.

    Cut off after the posterior was saved, the same command with --out RUN goes on from there.

    Example: reestim run --dataset my-data --out posteriors/mine
    """
    with error_boundary(as_json, debug):
        from reestim.pipeline import main_job

        stages = main_job.Stages(say(as_json or quiet))
        job = inputs(stages, spec, dataset, out, quick=quick, overwrite=overwrite, allow=allow or (), seed=seed)
        post, folder, page = main_job.run(
            job, seed=seed, stages=stages, progress=not (as_json or quiet), command=command_line()
        )
        finish(post, {"run": str(folder), "report": str(page)}, as_json, quiet)


@app.command()
def fit(
    spec: SpecArgument = _SPEC,
    dataset: DatasetOption = None,
    out: OutOption = None,
    seed: SeedOption = 1,
    quick: QuickOption = False,
    allow: AllowOption = None,
    overwrite: OverwriteOption = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Sample the posterior and save it, without equilibria. Continue with `reestim counterfactual`.

    Example: reestim fit models/patents_only.toml --out posteriors/patents-only
    """
    with error_boundary(as_json, debug):
        from reestim.pipeline import main_job

        stages = main_job.Stages(say(as_json or quiet), total=main_job.STAGES - 2)
        job = inputs(stages, spec, dataset, out, quick=quick, overwrite=overwrite, allow=allow or ())
        post, folder = main_job.fit(
            job, seed=seed, stages=stages, progress=not (as_json or quiet), command=command_line()
        )
        finish(post, {"run": str(folder)}, as_json, quiet)


@app.command()
def counterfactual(
    run: RunArgument,
    scenarios: Annotated[list[Path], typer.Argument(help="Scenario files.", metavar="SCENARIO...")],
    out: OutOption = None,
    draws: DrawsOption = None,
    from_year: Annotated[int | None, typer.Option(help="First year of a transition, with --to-year.")] = None,
    to_year: Annotated[int | None, typer.Option(help="Last year of the transition.")] = None,
    chunks: Annotated[
        Path | None, typer.Option(help="Folder that keeps finished draws; the same command goes on there after a kill.")
    ] = None,
    dask: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="Solve on a Dask cluster: its scheduler's address, or local for one here."
        ),
    ] = None,
    allow_unsolved: Annotated[bool, typer.Option(help="Go on where more than 1 % of the draws are unsolved.")] = False,
    overwrite: OverwriteOption = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Carry the draws of a run through other scenarios; saved as a run of its own.

    Example: reestim counterfactual posteriors/mine models/scenarios/china-quota-2010.toml

    Example: reestim counterfactual mine models/scenarios/*.toml --dask tcp://10.0.0.1:8786 --chunks kept
    """
    with error_boundary(as_json, debug):
        from reestim.io.files import exclusive_lock
        from reestim.io.json_attrs import json_attr
        from reestim.pipeline import main_job
        from reestim.pipeline.scenarios import run_scenarios
        from reestim.runs import store

        if (from_year is None) != (to_year is None) or (from_year or 0) > (to_year or 0):
            advice = "Give --from-year and --to-year, the first not after the last."
            raise InputError(Problem("a transition needs its first and its last year", advice))
        years = None if from_year is None or to_year is None else range(from_year, to_year + 1)
        source = find_run(run)
        target(out, overwrite)
        stages = main_job.Stages(say(as_json or quiet), total=3)
        with stages.stage(f"open {source}"):
            post = store.load(source)
        earlier = json_attr(post.attrs, "run", {})
        folder = out or store.new_run_folder(f"{source.name}-{scenarios[0].stem}")
        with exclusive_lock(folder):
            with stages.stage("carry the draws through the equilibrium, fixed and directed technology"):
                technology = ("fixed", "directed", "transition") if years else ("fixed", "directed")
                post = run_scenarios(
                    post,
                    scenarios,
                    technology=technology,
                    draws=draws,
                    progress=not (as_json or quiet),
                    allow_unsolved=allow_unsolved,
                    years=years,
                    chunks=chunks,
                    executor=dask,
                )
            with stages.stage("write the run and its report"):
                commands = "\n".join(part for part in (earlier.get("command", ""), command_line()) if part)
                page = main_job.finish(post, folder, overwrite=overwrite, command=commands)
        finish(post, {"run": str(folder), "report": str(page)}, as_json, quiet)


@app.command()
def report(
    run: RunArgument,
    out: Annotated[Path | None, typer.Option("--out", help="Folder of the report (default: RUN/report).")] = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Write the report of a run again: one HTML page, figures (PNG), tables (CSV).

    Example: reestim report posteriors/mine --out mine-report
    """
    with error_boundary(as_json, debug):
        import reestim as ree
        from reestim.cli import printing
        from reestim.runs import store

        source = find_run(run)
        page = ree.report(ree.load(source), out or source / store.REPORT)
        if as_json:
            printing.print_json({"run": str(source), "report": str(page)})
        else:
            typer.echo(f"report: {page}")


@app.command()
def runs(
    folder: Annotated[Path, typer.Argument(help="Folder of the runs.", metavar="FOLDER")] = Path("posteriors"),
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """List the runs there are, newest first.

    Example: reestim runs
    """
    with error_boundary(as_json, debug):
        from dataclasses import asdict

        from reestim.cli import printing
        from reestim.runs import store

        found = store.list_runs(folder)
        if as_json:
            printing.print_json([asdict(run) for run in found])
        elif found:
            printing.print_runs(found)
        else:
            typer.echo(f"no runs in {folder} yet; `reestim run` makes one")


@data_app.command("check")
def data_check(
    path: Annotated[Path, typer.Argument(help="Dataset folder, or its name in data/.", metavar="PATH")] = Path(
        "rare-earths-2010"
    ),
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """List everything that is wrong with a dataset; state its economy and accounting identities if nothing is.

    Example: reestim data check my-data
    """
    with error_boundary(as_json, debug):
        import reestim as ree
        from reestim.cli import printing

        data = ree.load_dataset(path)
        economy = ree.Economy.from_dataset(data)
        gap = float(economy.check()["relative_gap"].to_numpy().max())
        if as_json:
            result = {"problems": [], "dataset": data.meta.name, "hash": data.hash, "synthetic": data.meta.synthetic}
            printing.print_json(result | {"largest_relative_gap": gap})
            return
        typer.echo(f"{data.meta.name}: no problems\n{economy!r}")
        typer.echo(f"  simulated files: {', '.join(data.meta.synthetic) or 'none'}")
        typer.echo(f"  files with imputed cells: {', '.join(data.meta.imputed) or 'none'}")


def _version(value: bool) -> bool:
    if value:
        from reestim import __version__

        typer.echo(f"reestim {__version__}")
        raise typer.Exit
    return value


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass
