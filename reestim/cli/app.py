"""``reestim``: the command line. Everything heavy is imported inside the commands, so that ``--help`` is quick.

Exit codes: 0 good, 1 bad input, 2 a gate of the sampler failed, 3 too many draws unsolved, 70 a fault of REEstim,
130 interrupted.
"""

from __future__ import annotations

from typing import Annotated

import typer

from reestim.cli.audit import audit_app
from reestim.cli.audit_slopes import audit_slopes
from reestim.cli.check import check
from reestim.cli.compare import compare
from reestim.cli.counterfactual import counterfactual
from reestim.cli.data_aggregate import data_aggregate
from reestim.cli.data_build import data_build
from reestim.cli.data_check import data_check
from reestim.cli.data_import import data_import
from reestim.cli.data_update import data_update
from reestim.cli.elements import elements
from reestim.cli.event_study import event_study
from reestim.cli.exposure import exposure
from reestim.cli.findings import findings
from reestim.cli.fit import fit
from reestim.cli.group import Group
from reestim.cli.init import init
from reestim.cli.label import label
from reestim.cli.optimise import optimise
from reestim.cli.package import package
from reestim.cli.report import report
from reestim.cli.run import run
from reestim.cli.runs import runs
from reestim.cli.sbc import sbc
from reestim.cli.tfp import tfp

app: typer.Typer = typer.Typer(
    name="reestim",
    cls=Group,
    help="Who loses, who innovates and how sure are we, when a dominant supplier restricts rare earths.",
    epilog="Begin with: reestim init my-study. Exit codes: 0 good, 1 bad input, 2 a gate of the sampler failed, "
    "3 too many draws unsolved.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
data_app: typer.Typer = typer.Typer(
    help="Check a dataset, build one, add one up, bring one to a later year, import files of other sources.",
    no_args_is_help=True,
)
# One file a command, named as the command; in the order of `reestim --help`.
for function in (
    run,
    fit,
    counterfactual,
    report,
    runs,
    init,
    label,
    check,
    compare,
    findings,
    optimise,
    package,
    tfp,
    elements,
    event_study,
    exposure,
    sbc,
):
    app.command()(function)
app.add_typer(data_app, name="data")
app.add_typer(audit_app, name="audit")
audit_app.command("slopes")(audit_slopes)
data_app.command("check")(data_check)
data_app.command("build")(data_build)
data_app.command("aggregate")(data_aggregate)
data_app.command("import")(data_import)
data_app.command("update")(data_update)


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
