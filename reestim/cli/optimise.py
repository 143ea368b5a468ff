"""``reestim optimise``: policies chosen under the posterior of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reestim.cli.command import Output, command
from reestim.cli.options import RunArgument
from reestim.cli.terminal import find_run


@command()
def optimise(
    run: RunArgument,
    decision: Annotated[Path, typer.Argument(help="The decision, a TOML file.", metavar="FILE")],
    draws: Annotated[
        int | None, typer.Option("--draws", min=1, help="Over how many draws to choose (default: the file's, or 100).")
    ] = None,
    allow_unsolved: Annotated[bool, typer.Option(help="Go on where more than 1 % of the draws are unsolved.")] = False,
    *,
    output: Output,
) -> None:
    """Choose the instruments of a decision file: the values that serve its objective best over the draws of a run.

    Example: reestim optimise posteriors/first models/decisions/importers-stocks.toml
    """
    from reestim.errors import InputError
    from reestim.io.toml_files import find_file, read_text
    from reestim.runs.store import load

    if problems := read_text(find_file(decision))[1]:
        raise InputError(problems, "nothing was chosen")
    post = load(find_run(run))
    import xarray as xr

    from reestim.cli import printing
    from reestim.decisions.decision_file import read_decision
    from reestim.decisions.optimise import DRAWS
    from reestim.decisions.optimise import optimise as choose
    from reestim.decisions.text import optimum_text, rules_as_rows, summary
    from reestim.dims import CHAIN, DRAW
    from reestim.results.effects import economy_of, parameter_draws
    from reestim.runs.parts import CounterfactualRecord

    asked = read_decision(decision)
    ds = post["counterfactual"].to_dataset()
    samples = parameter_draws(post).sel({CHAIN: ds[CHAIN], DRAW: ds[DRAW]})
    optimum = choose(
        economy_of(post),
        asked.instruments,
        asked.objective,
        xr.DataTree.from_dict({"posterior": samples}),
        asked.scenario,
        technology=asked.technology,
        draws=draws or asked.draws or DRAWS,
        supply=CounterfactualRecord.of(ds.attrs).supply,
        allow_unsolved=allow_unsolved,
    )
    if output.as_json:
        printing.print_json({"decision": asked.name} | summary(optimum))
        return
    typer.echo(optimum_text(optimum))
    heads, rows = rules_as_rows(optimum)
    printing.print_rows("The optimum beside simple rules, over the draws of the choice", heads, rows)
