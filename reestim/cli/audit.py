"""``reestim audit``: have people judge the labels, and the offline labeller by cross-validation."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reestim.cli.command import Output, command
from reestim.cli.options import OverwriteOption, RunArgument, SeedOption
from reestim.cli.terminal import find_run

if TYPE_CHECKING:
    from reestim.labels.agreement import Agreement
    from reestim.labels.dawid_skene import Consensus

_INTERVALS = "Intervals are 90 % equal-tailed."
LABELS_HELP = "Folder that `reestim label` wrote."

audit_app: typer.Typer = typer.Typer(
    help="Have people judge the labels: draw a sample, read it back.", no_args_is_help=True
)


@audit_app.command("draw")
@command()
def draw(
    labels: Annotated[Path, typer.Argument(help=LABELS_HELP, metavar="LABELS")],
    patents: Annotated[Path, typer.Argument(help="The patents that were labelled.", metavar="PATENTS")],
    design: Annotated[
        str | None,
        typer.Option(
            "--design",
            help="by_confidence (default where the labels state it: half of each label from its least sure quarter), "
            "by_label, random, or by_class (true classes in column human_label).",
        ),
    ] = None,
    size: Annotated[int, typer.Option("--size", min=1, help="How many patents.")] = 400,
    seed: SeedOption = 1,
    out: Annotated[Path, typer.Option("--out", help="CSV file for people to fill in.")] = Path("audit_sample.csv"),
    overwrite: OverwriteOption = False,
    *,
    output: Output,
) -> None:
    """Draw patents for people to label; the machine's label is not shown.

    Example: reestim audit draw my-labels patents.jsonl --size 400 --out sample.csv
    """
    from reestim.cli import printing
    from reestim.labels.audit import BY_CONFIDENCE, draw_audit
    from reestim.labels.labelling import read_labels
    from reestim.labels.patents import read_patents

    _free(out, overwrite)
    labelled = read_labels(labels)
    design = design or (BY_CONFIDENCE if labelled.states_confidence else "by_label")
    drawn = draw_audit(labelled, read_patents(patents), design=design, size=size, seed=seed)
    _write_csv(drawn, out)
    if output.as_json:
        printing.print_json({"sample": str(out), "patents": len(drawn), "design": design, "seed": seed})
        return
    typer.echo(f"sample: {out}, {len(drawn)} patents, design {design}, seed {seed}")
    typer.echo(f"next: fill in the column human_label, then `reestim audit read {out} {labels}`")


@audit_app.command("read")
@command()
def read(
    sample: Annotated[Path, typer.Argument(help="The sample, human_label filled in.", metavar="SAMPLE")],
    labels: Annotated[Path, typer.Argument(help=LABELS_HELP, metavar="LABELS")],
    out: Annotated[Path, typer.Option("--out", help="label_audit.csv of the dataset.")] = Path("label_audit.csv"),
    by_year: Annotated[Path | None, typer.Option("--by-year", help="CSV file for the agreement by year.")] = None,
    overwrite: OverwriteOption = False,
    *,
    output: Output,
) -> None:
    """Compare people's labels with the machine's: confusion, kappa, drift by year; writes label_audit.csv.

    Example: reestim audit read sample.csv my-labels --out my-data/label_audit.csv
    """
    from reestim.cli import printing
    from reestim.labels.audit import read_audit
    from reestim.labels.labelling import read_labels

    for path in (out, by_year):
        _free(path, overwrite)
    audit = read_audit(sample, read_labels(labels))
    _write_csv(audit.rows(), out)
    if by_year is not None:
        _write_csv(audit.by_year, by_year)
    if output.as_json:
        printing.print_json(
            {
                "label_audit": str(out),
                "design": audit.design,
                "drawn": audit.drawn,
                "audited": int(audit.counts.to_numpy().sum()),
                "counts": audit.rows().to_dict("records"),
                "agreement": _as_json(audit.agreement),
                "by_year": audit.by_year.to_dict("records"),
                "trend_p_value": audit.trend,
                "people": None if audit.people is None else audit.people.right[:-1].tolist(),
            }
        )
        return
    _print_confusion(audit.counts.to_numpy().tolist(), f"Audited patents, drawn {audit.drawn}")
    if audit.drawn != audit.design:
        typer.echo(
            f"weighed back: {int(audit.counts.to_numpy().sum())} patents drawn by confidence are worth "
            f"{audit.rows()['count'].sum()} drawn by label, and are written as such"
        )
    if audit.people is not None:
        _print_people(audit.people)
    _print_agreement(audit.agreement, f"Agreement among all patents. {_INTERVALS}")
    printing.print_rows(
        "Agreement by year of the audited",
        ["year", "audited", "agree", "share, 90 %"],
        [
            [f"{year:.0f}", f"{n:.0f}", f"{agree:.0f}", f"{share:.2f} [{low:.2f}, {high:.2f}]"]
            for year, n, agree, share, low, high in audit.by_year.to_numpy()
        ],
    )
    typer.echo(_trend_words(audit.trend))
    typer.echo(f"label_audit: {out}")


@audit_app.command("plan")
@command()
def plan(
    run: RunArgument,
    of: Annotated[
        str, typer.Option("--of", help="m (innovation_passthrough, by sector) or welfare (by country and scenario).")
    ] = "m",
    width: Annotated[
        float | None,
        typer.Option("--width", min=0, help="Wanted width of the 90 % interval."),
    ] = None,
    *,
    output: Output,
) -> None:
    """How many patents to audit: what the intervals of a run would be if people had judged more of them.

    Example: reestim audit plan posteriors/default --of m --width 0.1
    """
    from dataclasses import asdict

    from reestim.cli import printing
    from reestim.labels.audit_plan import plan_run
    from reestim.runs.store import load

    plans = plan_run(load(find_run(run)), of, width=width)
    if output.as_json:
        rows = {name: {**asdict(p), "table": p.table.to_dict("records")} for name, p in plans.items()}
        printing.print_json({"run": str(run), "of": of, "wanted_width": width, "plans": rows})
        return
    sizes = [str(n) for n in next(iter(plans.values())).table["audited"]]
    needed = {name: "no audit does" if p.needed is None else str(p.needed) for name, p in plans.items()}
    printing.print_rows(
        f"Width of the 90 % interval of {of} by patents audited (now {sizes[0]})",
        ["of", "due to labels", *sizes, "errors known", *(["needed"] if width is not None else [])],
        [
            [
                name,
                f"{100 * p.from_labels:.0f} %",
                *(f"{w:.3g}" for w in p.table["width"]),
                f"{p.floor:.3g}",
                *([needed[name]] if width is not None else []),
            ]
            for name, p in plans.items()
        ],
    )
    typer.echo("due to labels: share of the variance that goes with the confusion of labels; only that part can shrink")


@audit_app.command("offline")
@command()
def offline(
    sample: Annotated[
        Path | None, typer.Argument(help="Audited sample (default: the corpus of REEstim).", metavar="[SAMPLE]")
    ] = None,
    by: Annotated[
        str | None,
        typer.Option("--leave-out", help="Leave out whole groups: `field` or `kind` of the corpus, or a column."),
    ] = None,
    *,
    output: Output,
) -> None:
    """Cross-validate the offline labeller: macro-F1 and confusion on texts it has not seen.

    Example: reestim audit offline --leave-out field
    """
    from reestim.cli import printing
    from reestim.labels import offline as room
    from reestim.labels.agreement import agreement, audit_rows, confusion_counts
    from reestim.labels.patents import corpus_groups, read_corpus, read_patents

    corpus = read_corpus()
    texts = corpus if sample is None else read_patents(sample, human_labels=True, also=(by,) if by else ())
    groups = None
    if by is not None:
        groups = corpus_groups(corpus, by) if sample is None else texts[by].astype(str).tolist()
    validation = room.cross_validate(texts, also_train_on=None if sample is None else corpus, leave_out=groups)
    counts = confusion_counts(list(validation.human), list(validation.machine))
    scores = agreement(counts, "random")
    if output.as_json:
        rows = audit_rows(counts, "by_class").to_dict("records")
        printing.print_json({"folds": validation.folds, "counts": rows, "agreement": _as_json(scores)})
        return
    which = "the corpus, synthetic texts" if sample is None else str(sample)
    _print_confusion(
        counts.to_numpy().tolist(), f"Cross-validation on {len(texts)} texts ({which}); {validation.folds}"
    )
    _print_agreement(scores, f"Scores on these texts. {_INTERVALS}")


def _print_confusion(counts: list[list[int]], title: str) -> None:
    from reestim.cli import printing
    from reestim.dims import LABELS

    rows = [[name, *map(str, row)] for name, row in zip(LABELS, counts, strict=True)]
    printing.print_rows(title, ["people \\ machine", *LABELS], rows)


def _print_people(people: Consensus) -> None:
    """How often each of several people is right, by what all of them say."""
    from reestim.cli import printing

    rows = [
        [f"human_label{f'_{k}' if k > 1 else ''}", str(n), f"{right:.2f}"]
        for k, (n, right) in enumerate(zip(people.judged[:-1], people.right[:-1], strict=True), start=1)
    ]
    printing.print_rows("People (Dawid and Skene: each errs in a way of its own)", ["who", "judged", "right"], rows)
    typer.echo(f"classes of {100 * people.doubt:.1f} % of the sample remain in doubt; counts carry their probabilities")


def _print_agreement(found: Agreement, title: str) -> None:
    from reestim.cli import printing

    rows = [["accuracy", str(found.accuracy)], ["kappa", str(found.kappa)], ["macro-F1", str(found.macro_f1)]]
    rows += [[f"F1 {name}", str(value)] for name, value in found.f1.items()]
    printing.print_rows(title, ["", "median [90 %]"], rows)


def _trend_words(p_value: float) -> str:
    if math.isnan(p_value):
        return "drift: cannot be tested with so few years or disagreements"
    words = "agreement CHANGES over the years: audit each period by itself" if p_value < 0.05 else "no trend seen"
    return f"drift: {words} (Mantel's test for a linear trend, p = {p_value:.3f})"


def _as_json(found: Agreement) -> dict[str, object]:
    from dataclasses import asdict

    return asdict(found)


def _free(path: Path | None, overwrite: bool) -> None:
    from reestim.errors import InputError, Problem

    if path is not None and path.exists() and (not overwrite or path.is_dir()):
        advice = "Name a new file, or say --overwrite"
        raise InputError(Problem("there is something in this place already", advice, value=str(path)))


def _write_csv(table: object, path: Path) -> None:
    from reestim.io.files import atomic_write

    atomic_write(path, table.to_csv(index=False, lineterminator="\n").encode())  # type: ignore[attr-defined]
