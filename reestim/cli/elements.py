"""``reestim elements``: chemistry of the elements, which resemble which, and substitutability of sectors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reestim.cli.command import Output, command


@command()
def elements(
    dataset: Annotated[Path, typer.Argument(help="Dataset folder, or its name in data/.", metavar="DATASET")] = Path(
        "rare-earths-2010"
    ),
    look_up: Annotated[
        str | None, typer.Option("--look-up", help="Print the property columns of elements.csv for these symbols.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for the figure (PNG, SVG) and the tables (CSV).")
    ] = None,
    *,
    output: Output,
) -> None:
    """Which elements resemble which, and how hard each sector's elements are to substitute (z, higher = harder).

    Example: reestim elements my-data --out similarity

    Example: reestim elements --look-up "Ho Er Lu"
    """
    from reestim.cli import printing
    from reestim.data.dataset import load_dataset
    from reestim.errors import InputError, Problem
    from reestim.supply_chain.element_similarity import element_properties, element_similarity, similarity_table, wide
    from reestim.supply_chain.ree_rows import ree_input_output
    from reestim.supply_chain.substitutability import substitutability

    if look_up is not None:
        if out is not None:
            advice = "Leave --out away, or --look-up: the columns are printed"
            raise InputError(Problem("--look-up writes no files", advice, column="--out", value=str(out)))
        properties = element_properties(look_up.replace(",", " ").split())
        if output.as_json:
            printing.print_json(properties.to_dict("records"))
        else:
            typer.echo(properties.to_csv(index=False), nl=False)
        return
    data = load_dataset(dataset)
    similarity = element_similarity(data)
    z = substitutability(data, ree_input_output(data))
    tables = {
        "element_similarity": similarity_table(similarity),
        "element_distance": wide(similarity["distance"]),
        "substitutability": wide(z),
    }
    written: list[Path] = []
    if out is not None:
        from reestim.cli.writing import write_results
        from reestim.reports.figures.elements import element_figure

        written = write_results(out, tables, {"element_similarity": element_figure(similarity)})
    if output.as_json:
        rows = {name: table.to_dict("records") for name, table in tables.items()}
        printing.print_json({"written": [str(path) for path in written], **rows})
        return
    printing.print_rows(
        "Elements by likeness: difference of properties, standard deviations",
        ["element", "group", "most like", "difference", "least like", "difference"],
        [
            [f"{cell:.2f}" if isinstance(cell, float) else str(cell) for cell in row]
            for row in tables["element_similarity"].itertuples(index=False)
        ],
    )
    printing.print_rows(
        "Substitutability z by sector: standard deviations over sectors, higher = harder to substitute",
        list(tables["substitutability"].columns),
        [[str(row[0]), *(f"{v:+.2f}" for v in row[1:])] for row in tables["substitutability"].itertuples(False)],
    )
    for path in written:
        typer.echo(f"written: {path}")
