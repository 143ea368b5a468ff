"""``reestim audit slopes``: slopes of classes on prices from the same audit, by the model of errors and by design."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reestim.cli.audit import LABELS_HELP
from reestim.cli.command import Output, command

if TYPE_CHECKING:
    import pandas as pd

    from reestim.labels.design_based import ClassSlopes

#: A difference less probable than this by chance is called one.
_ODD = 0.05


@command()
def audit_slopes(
    sample: Annotated[Path, typer.Argument(help="The sample, human_label filled in.", metavar="SAMPLE")],
    labels: Annotated[Path, typer.Argument(help=LABELS_HELP, metavar="LABELS")],
    dataset: Annotated[Path, typer.Option("--dataset", help="Dataset with the prices; bundled ones by name.")],
    lag: Annotated[int, typer.Option("--lag", min=0, max=10, help="Years between a price and its patents.")] = 1,
    *,
    output: Output,
) -> None:
    """Slopes of the share of each class on the price of rare earths: by one confusion for all, and by design.

    Example: reestim audit slopes sample.csv my-labels --dataset my-data
    """
    from reestim.cli import printing
    from reestim.labels.audit_sample import read_sample
    from reestim.labels.design_based import sample_slopes
    from reestim.labels.labelling import read_labels

    labelled = read_labels(labels)
    slopes = sample_slopes(read_sample(sample, labelled), labelled, _prices(dataset, lag))
    if output.as_json:
        printing.print_json(
            {
                "slopes": slopes.table.to_dict("records"),
                "difference": slopes.difference.to_dict("records"),
                "p_value": slopes.p_value,
                "audited": slopes.audited,
            }
        )
        return
    _print(slopes)


def _prices(dataset: Path, lag: int) -> pd.Series:
    """Log relative price by (country, sector, year of the patents)."""
    from reestim.data.dataset import load_dataset
    from reestim.supply_chain.prices import relative_prices
    from reestim.supply_chain.ree_rows import ree_input_output

    data = load_dataset(dataset)
    price = relative_prices(data, ree_input_output(data))
    return price.assign_coords(year=price["year"] + lag).to_series()


def _print(found: ClassSlopes) -> None:
    from reestim.cli import printing
    from reestim.intervals import LEVEL

    half = _half_width(LEVEL)
    rows = [
        [
            str(r["class"]),
            str(r["estimate"]),
            f"{100 * r['slope']:+.2f}",
            f"[{100 * (r['slope'] - half * r['std_error']):+.2f}, {100 * (r['slope'] + half * r['std_error']):+.2f}]",
        ]
        for r in found.table.to_dict("records")
    ]
    title = f"Change of the share of a class for one log point of price, percentage points ({found.audited} audited)"
    printing.print_rows(title, ["class", "estimate", "slope", "90 %"], rows)
    lines = [
        [str(r["class"]), f"{100 * r['difference']:+.2f}", f"{100 * r['std_error']:.2f}", f"{r['p_value']:.3f}"]
        for r in found.difference.to_dict("records")
    ]
    printing.print_rows("By design less one confusion", ["class", "difference", "std. error", "p"], lines)
    if found.p_value < _ODD:
        words = 'errors seem to DIFFER with prices: use label_error = "by_sector" (or by_country, by_period)'
    else:
        words = "no sign that errors differ with prices; a small audit would hardly show it"
    typer.echo(f"{words} (all differences together: p = {found.p_value:.3f})")
    typer.echo("believed: labels taken for classes; one confusion: as equation (13) assumes; by design: no assumption")


def _half_width(level: float) -> float:
    from scipy.stats import norm

    return float(norm.ppf((1 + level) / 2))
