"""``reestim data check``: everything that is wrong with a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reestim.cli.command import Output, command


@command()
def data_check(
    path: Annotated[Path, typer.Argument(help="Dataset folder, or its name in data/.", metavar="PATH")] = Path(
        "rare-earths-2010"
    ),
    *,
    output: Output,
) -> None:
    """List everything that is wrong with a dataset; state its economy and accounting identities if nothing is.

    Example: reestim data check my-data
    """
    from reestim.cli import printing
    from reestim.data.dataset import load_dataset
    from reestim.data.remarks import remarks

    data = load_dataset(path)
    from reestim.equilibrium.economy import Economy  # after what may be refused at once: it takes seconds to import

    economy = Economy.from_dataset(data)
    gap = float(economy.check()["relative_gap"].to_numpy().max())
    if output.as_json:
        result = {"problems": [], "dataset": data.meta.name, "hash": data.hash, "synthetic": data.meta.synthetic}
        printing.print_json(result | {"largest_relative_gap": gap, "remarks": remarks(data)})
        return
    typer.echo(f"{data.meta.name}: no problems\n{economy!r}")
    typer.echo(f"  simulated files: {', '.join(data.meta.synthetic) or 'none'}")
    typer.echo(f"  files with imputed cells: {', '.join(data.meta.imputed) or 'none'}")
    typer.echo(f"  files with figures recalled from memory of their source: {', '.join(data.recalled) or 'none'}")
    if data.meta.updated:
        typer.echo(f"  files of an older year, balanced to margins of this one: {', '.join(data.meta.updated)}")
