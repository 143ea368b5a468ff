"""The command: every replication as a table in Markdown, printed or put into a page.

python -m replications                                        all for which data are at hand
python -m replications gains --data PATH                      one of nafta, gains, tfp, acemoglu, prices, events
python -m replications policy-papers --run posteriors/RUN     published costs of a stop against σ; minutes
python -m replications magnets --write docs/magnets-2010.md   what magnets as a stage change under the quota of 2010
python -m replications findings --run posteriors/RUN
python -m replications forecast --run posteriors/RUN          dated scenarios against the months after; minutes
python -m replications --write docs/replications.md           the tables of the documentation
python -m replications events shares --write docs/evidence.md the event study on real panels with its figure, and θ
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from reestim.cli.command import DebugOption, error_boundary
from reestim.cli.terminal import find_run
from reestim.errors import InputError, Problem
from reestim.io.files import atomic_write
from replications import tables

#: Data that are not the project's to ship, beside the checkout.
DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


class Name(StrEnum):
    """The replications."""

    nafta = "nafta"
    gains = "gains"
    tfp = "tfp"
    acemoglu = "acemoglu"
    prices = "prices"
    findings = "findings"
    events = "events"
    shares = "shares"
    policy_papers = "policy-papers"
    magnets = "magnets"
    forecast = "forecast"


TITLES = {
    Name.nafta: "Caliendo and Parro (2015), Table 2: NAFTA's tariff reductions",
    Name.gains: "Costinot and Rodríguez-Clare (2014), Table 4.1: gains from trade in 2008",
    Name.tfp: "BEA and BLS (2025): TFP of 63 industries of the United States, 1998 to 2023",
    Name.acemoglu: "Acemoglu (2002): relative supply, technology and price",
    Name.prices: "What the export quota of 2010 did to prices",
    Name.findings: "Alfaro, Fadinger, Schymik and Virananda (2025): the findings",
    Name.shares: "Cost shares of rare earths by country",
    Name.events: "The event study of 2010 on real panels",
    Name.magnets: "Magnets as a stage of their own under the quota of 2010",
    Name.forecast: "The controls of April 2025 against the months after",
    Name.policy_papers: "IMF, ECB, Daiwa, Mizuho, Nomura (2025 and 2026): what a rare-earth stop costs",
}


def made(name: Name, data: Path, run: Path | None) -> tables.Table:
    """The table of one replication. Raises InputError where what it needs is not here."""
    if name is Name.findings:
        import reestim as ree
        from replications import findings

        if run is None:
            advice = "Give the folder of a run with --run; `reestim run` makes one."
            raise InputError(Problem("the findings are asked of a run, and none is named", advice))
        return findings.table(ree.load(find_run(run)))
    if name is Name.forecast:
        from replications import forecast

        if run is None:
            advice = "Give the folder of a run with --run; `reestim run` makes one."
            raise InputError(Problem("a forecast needs the draws of a run, and none is named", advice))
        return forecast.table(find_run(run))
    if name is Name.policy_papers:
        from replications import policy_papers

        return policy_papers.table(policy_papers.mean_sigma(find_run(run)) if run else None)
    from replications import acemoglu, event_panels, gains, magnets_2010, nafta, prices_2010, ree_shares, us_tfp

    alone = {
        Name.acemoglu: acemoglu,
        Name.prices: prices_2010,
        Name.shares: ree_shares,
        Name.magnets: magnets_2010,
    }
    if name in alone:
        return alone[name].table()
    needs_data = {Name.nafta: nafta, Name.gains: gains, Name.tfp: us_tfp, Name.events: event_panels}
    return needs_data[name].table(data)


def main(
    names: Annotated[list[Name] | None, typer.Argument(help="Which of them (default: all).", metavar="NAME...")] = None,
    data: Annotated[Path, typer.Option(help="Folder of cp2015.npz, wiod2013/ and panels/.")] = DATA,
    run: Annotated[
        Path | None, typer.Option(help="A run folder, for findings, forecast and the posterior of policy-papers.")
    ] = None,
    write: Annotated[Path | None, typer.Option(help="A page whose tables are replaced, instead of printing.")] = None,
    debug: DebugOption = False,
) -> None:
    """Published results beside REEstim's own, as tables in Markdown.

    What was named must be there. Without names, what needs data that are not here is left out, and said.
    """
    with error_boundary(as_json=False, debug=debug):
        for name in names or list(Name):
            try:
                of_run = run is not None and name in (Name.findings, Name.policy_papers, Name.forecast)
                _out(name, made(name, data, run), write, of_run)
            except InputError as error:
                if names:
                    raise
                typer.echo(f"{name} left out: {error.problems[0]}", err=True)


def _out(name: Name, table: tables.Table, page: Path | None, of_run: bool) -> None:
    text = table.markdown()
    if page is None:
        typer.echo(f"## {TITLES[name]}\n\n{text}\n")
        return
    now = datetime.now(UTC)
    words = f"{name} --run RUN" if of_run else name
    taken = f"*{now.day} {now:%B %Y}, `python -m replications {words}`.*"
    place = f"{name}-{table.kind}" if table.kind else str(name)
    atomic_write(page, tables.placed(page, place, f"{taken}\n\n{text}").encode())
    for picture, content in table.figures.items():
        atomic_write(page.parent / "figures" / picture, content)
    typer.echo(f"{place}: written to {page}", err=True)


if __name__ == "__main__":
    typer.run(main)
