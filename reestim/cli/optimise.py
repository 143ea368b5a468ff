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

    A file with players gives a Nash equilibrium: nobody gains by another choice while the others stay as they are.

    Example: reestim optimise posteriors/first models/decisions/importers-stocks.toml
    """
    from reestim.errors import InputError, Problem
    from reestim.io.toml_files import find_file, read_text
    from reestim.runs.store import load

    if problems := read_text(find_file(decision))[1]:
        raise InputError(problems, "nothing was chosen")
    post = load(find_run(run))
    import xarray as xr

    from reestim.cli import printing
    from reestim.decisions.decision_file import read_decision
    from reestim.decisions.nash import nash
    from reestim.decisions.nash_text import nash_summary, nash_text
    from reestim.decisions.optimise import DRAWS
    from reestim.decisions.optimise import optimise as choose
    from reestim.decisions.text import optimum_text, rules_as_rows, summary
    from reestim.dims import CHAIN, DRAW
    from reestim.results.effects import economy_of, parameter_draws
    from reestim.runs.parts import CounterfactualRecord

    asked = read_decision(decision)
    ds = post["counterfactual"].to_dataset()
    samples = parameter_draws(post).sel({CHAIN: ds[CHAIN], DRAW: ds[DRAW]})
    tree = xr.DataTree.from_dict({"posterior": samples})
    draws, supply = draws or asked.draws or DRAWS, CounterfactualRecord.of(ds.attrs).supply
    if asked.players:
        if allow_unsolved:
            advice = "Leave --allow-unsolved out, or use narrower bounds."
            raise InputError(Problem("players need draws that are solved whatever they choose", advice))
        found = nash(
            economy_of(post),
            asked.players,
            tree,
            asked.scenario,
            technology=asked.technology,
            draws=draws,
            damping=asked.damping,
            supply=supply,
        )
        if output.as_json:
            printing.print_json({"decision": asked.name} | nash_summary(found))
        else:
            typer.echo(nash_text(found))
        return
    assert asked.objective is not None
    optimum = choose(
        economy_of(post),
        asked.instruments,
        asked.objective,
        tree,
        asked.scenario,
        technology=asked.technology,
        draws=draws,
        supply=supply,
        allow_unsolved=allow_unsolved,
    )
    if output.as_json:
        printing.print_json({"decision": asked.name} | summary(optimum))
        return
    typer.echo(optimum_text(optimum))
    heads, rows = rules_as_rows(optimum)
    printing.print_rows("The optimum beside simple rules, over the draws of the choice", heads, rows)
