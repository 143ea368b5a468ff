"""``reestim event-study``: what happened to exposed sectors after the policy, and how far to believe it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reestim.cli.command import Output, command

if TYPE_CHECKING:
    import xarray as xr


@command()
def event_study(
    dataset: Annotated[Path, typer.Argument(help="Dataset folder, or its name in data/.", metavar="DATASET")] = Path(
        "rare-earths-2010"
    ),
    outcome: Annotated[
        list[str] | None, typer.Option("--outcome", help="exports, tfp or patents; may be repeated.")
    ] = None,
    countries: Annotated[
        list[str] | None, typer.Option("--countries", help="'all', 'JPN KOR' or 'all but CHN'; may be repeated.")
    ] = None,
    policy_year: Annotated[int | None, typer.Option("--policy-year", help="Default: that of the dataset.")] = None,
    exposure: Annotated[str, typer.Option("--exposure", help="total (through all suppliers), or direct.")] = "total",
    cluster: Annotated[str, typer.Option("--cluster", help="country-sector or sector.")] = "country-sector",
    prior: Annotated[
        str, typer.Option("--prior", help="Of the Bayesian path: random_walk or independent.")
    ] = "random_walk",
    prior_scale: Annotated[float, typer.Option("--prior-scale", help="Half-normal scale, log points a year.")] = 0.02,
    seed: Annotated[int, typer.Option("--seed", help="Of the wild cluster bootstrap.")] = 1,
    no_placebo: Annotated[bool, typer.Option("--no-placebo", help="Leave out the placebo years.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for the figures (PNG, SVG) and the tables (CSV).")
    ] = None,
    *,
    output: Output,
) -> None:
    """Effects of one standard deviation of exposure on exports, TFP and patents, by year; pre-trends; placebo years.

    Example: reestim event-study my-data --countries all --countries "all but CHN" --out evidence
    """
    from reestim.cli import printing
    from reestim.cli.writing import free_place, write_results
    from reestim.data.dataset import load_dataset
    from reestim.evidence import event_paths
    from reestim.evidence.event_paths import event_tables

    if out is not None:
        free_place(out)
    study = event_paths.event_study(
        load_dataset(dataset),
        outcomes=outcome,
        countries=countries,
        policy_year=policy_year,
        exposure=exposure,
        cluster=cluster,
        prior=prior,
        prior_scale=prior_scale,
        placebo=not no_placebo,
        seed=seed,
    )
    tables = event_tables(study)
    written: list[Path] = []
    if out is not None:
        from reestim.reports.figures.events import event_figures

        written = write_results(out, tables, event_figures(study))
    if output.as_json:
        rows = {name: table.to_dict("records") for name, table in tables.items()}
        printing.print_json({"written": [str(path) for path in written], **study.attrs, **rows})
        return
    _print(study)
    for path in written:
        typer.echo(f"written: {path}")


def _print(study: xr.Dataset) -> None:
    from reestim.cli import printing
    from reestim.reports.event_text import STUDY_HEADS, study_rows, verdicts

    about = study.attrs
    printing.print_rows(
        f"Mean effect from {about['policy_year']} on, {about['units']} ({about['exposure']}, "
        f"{100 * about['exposure_sd']:.3g} % of cost); {about['interval']} intervals",
        STUDY_HEADS,
        study_rows(study),
    )
    if about["simulated"]:
        typer.echo(f"SIMULATED, no finding about the world: {', '.join(about['simulated'])}")
    for sentence in [*verdicts(study), *about["notes"]]:
        typer.echo(f"- {sentence}")
