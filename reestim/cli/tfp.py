"""``reestim tfp``: growth accounting of a dataset or of one file of growth accounts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reestim.cli.command import Output, command
from reestim.cli.options import OverwriteOption


@command()
def tfp(
    accounts: Annotated[
        Path, typer.Argument(help="growth_accounts.csv, or a dataset that holds it.", metavar="ACCOUNTS")
    ],
    out: Annotated[Path | None, typer.Option("--out", help="CSV file for the table of all years.")] = None,
    outcomes: Annotated[
        Path | None, typer.Option("--outcomes", help="outcomes.csv to write, or to add the TFP indices to.")
    ] = None,
    figure: Annotated[
        Path | None, typer.Option("--figure", help="Picture of average growth by source, .png or .svg.")
    ] = None,
    ree_within: Annotated[
        bool, typer.Option("--ree-within", help="Intermediates hold the rare earths: take them out first.")
    ] = False,
    overwrite: OverwriteOption = False,
    *,
    output: Output,
) -> None:
    """Growth of output by source and TFP (Törnqvist), rare earths apart from other intermediates.

    Example: reestim tfp my-data/growth_accounts.csv --outcomes my-data/outcomes.csv
    """
    from reestim.cli import printing
    from reestim.cli.writing import free_picture
    from reestim.data.dataset import load_dataset
    from reestim.data.growth_accounts import GROWTH_ACCOUNTS, read_accounts
    from reestim.evidence import productivity

    if figure is not None:
        free_picture(figure, overwrite)
    table = read_accounts(accounts) if accounts.is_file() else load_dataset(accounts)[GROWTH_ACCOUNTS]
    if ree_within:
        table = productivity.without_ree(table)
    accounting = productivity.growth_accounting(table)
    result = productivity.as_table(accounting)
    written = productivity.write_results(accounting, out, outcomes, overwrite=overwrite)
    if figure is not None:
        from reestim.io.files import atomic_write
        from reestim.reports.figures.images import image
        from reestim.reports.figures.productivity import means_of, productivity_figure

        atomic_write(figure, image(productivity_figure(means_of(accounting)), figure.suffix.lower()[1:]))
        written.append(figure)
    if output.as_json:
        printing.print_json({"written": [str(path) for path in written], "rows": result.to_dict("records")})
        return
    means = productivity.average_growth(result)
    printing.print_rows(
        "Average growth a year, per cent: output is the sum of the rest",
        [name.removesuffix("_growth").removesuffix("_contribution") for name in means.columns],
        [[*row[:3], *(f"{100 * value:.2f}" for value in row[3:])] for row in means.itertuples(index=False)],
    )
    for path in written:
        typer.echo(f"written: {path}")
