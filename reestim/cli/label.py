"""``reestim label``: patents to labels, offline or by a language model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reestim.cli.command import Output, command
from reestim.cli.options import OverwriteOption

if TYPE_CHECKING:
    from collections.abc import Callable

    from reestim.labels.labelling import Labelled
    from reestim.labels.llm import LLMLabeller, Plan

_MODEL = "Language model"
_AGAIN = "Look at the texts; a language model is asked again with --ask-again"


@command(quiet=True)
def label(
    patents: Annotated[
        Path, typer.Argument(help="Patents: .csv, .jsonl or .parquet, or a dataset that holds them.", metavar="PATENTS")
    ],
    labeller: Annotated[str, typer.Option("--labeller", help="Who labels: offline, or llm.")] = "offline",
    out: Annotated[Path, typer.Option("--out", help="Folder to write.")] = Path("labels"),
    synthetic: Annotated[
        bool, typer.Option("--synthetic", help="The patents are made, not observed; recorded and shown.")
    ] = False,
    sample: Annotated[
        Path | None,
        typer.Option(
            "--sample",
            help="offline: labelled patents of your own; recommended.",
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Ask nothing; say how much there is to ask and to pay.", rich_help_panel=_MODEL),
    ] = False,
    max_cost: Annotated[
        float | None, typer.Option("--max-cost", min=0, help="Stop before this is passed, US$.", rich_help_panel=_MODEL)
    ] = None,
    price_input: Annotated[
        float | None,
        typer.Option("--price-input", min=0, help="US$ per million tokens sent.", rich_help_panel=_MODEL),
    ] = None,
    price_output: Annotated[
        float | None,
        typer.Option("--price-output", min=0, help="US$ per million tokens received.", rich_help_panel=_MODEL),
    ] = None,
    cache: Annotated[
        Path, typer.Option("--cache", help="File of answers already paid for.", rich_help_panel=_MODEL)
    ] = Path("label_cache.sqlite"),
    prompt: Annotated[
        str | None, typer.Option("--prompt", help="Version of the prompt, or a TOML file.", rich_help_panel=_MODEL)
    ] = None,
    ask_again: Annotated[
        bool, typer.Option("--ask-again", help="Ask again about unlabelled patents.", rich_help_panel=_MODEL)
    ] = False,
    batch: Annotated[
        int | None, typer.Option("--batch", help="Patents in one request (20).", rich_help_panel=_MODEL)
    ] = None,
    concurrency: Annotated[
        int | None, typer.Option("--concurrency", help="Requests at once (4).", rich_help_panel=_MODEL)
    ] = None,
    rate: Annotated[
        float | None, typer.Option("--rate", help="Requests a minute at most.", rich_help_panel=_MODEL)
    ] = None,
    attempts: Annotated[
        int | None, typer.Option("--attempts", help="Tries of a failing request (6).", rich_help_panel=_MODEL)
    ] = None,
    first_wait: Annotated[
        float | None,
        typer.Option("--first-wait", help="Wait before the second try, s; doubles.", rich_help_panel=_MODEL),
    ] = None,
    timeout: Annotated[
        float | None, typer.Option("--timeout", help="Wait for an answer, s (120).", rich_help_panel=_MODEL)
    ] = None,
    max_answer: Annotated[
        int | None,
        typer.Option("--max-answer", help="Tokens of an answer at most (256 and 64 a patent).", rich_help_panel=_MODEL),
    ] = None,
    answers: Annotated[
        str | None, typer.Option("--answers", help="Typed by tool, schema or prompt (tool).", rich_help_panel=_MODEL)
    ] = None,
    job: Annotated[
        Path | None,
        typer.Option("--job", help="Provider's batch interface: submit, then collect.", rich_help_panel=_MODEL),
    ] = None,
    overwrite: OverwriteOption = False,
    *,
    output: Output,
) -> None:
    """Label patents: unrelated, using, enhancing or substituting rare earths.

    A language model is found through REESTIM_LLM_BASE_URL, REESTIM_LLM_MODEL and REESTIM_LLM_API_KEY.

    Example: reestim label patents.jsonl --labeller llm --dry-run
    """
    from reestim.cli.label_job import batch_job_done
    from reestim.errors import InputError, Problem
    from reestim.labels import labelling
    from reestim.labels.patents import read_patents
    from reestim.labels.shares import read_shares

    if not dry_run:  # which writes nothing, and so refuses no place
        labelling.check_place(out, overwrite=overwrite)
    table = read_patents(patents)
    shares = read_shares(patents, table)
    if labeller == "llm":
        settings = {
            "patents_per_request": batch,
            "requests_at_once": concurrency,
            "requests_per_minute": rate,
            "attempts": attempts,
            "first_wait": first_wait,
            "timeout": timeout,
            "answers": answers,
            "max_answer": max_answer,
        }
        model = _language_model(cache, prompt, (price_input, price_output), settings, output.announce, dry_run)
        model.max_cost, model.ask_again = max_cost, ask_again
        if dry_run:
            _print_plan(model, model.plan(table), len(table), output.as_json)
            return
        if job is not None and not batch_job_done(job, model, table, output.as_json):
            return
        labelled = labelling.label_patents(table, model, synthetic=synthetic, shares=shares)
    elif labeller == "offline" and dry_run:
        from reestim.cli import printing

        if output.as_json:
            printing.print_json({"dry_run": True, "patents": len(table), "cost_usd": 0.0})
        else:
            typer.echo(f"Dry run: {len(table)} patents can be labelled offline, at no cost; nothing was written")
        return
    elif labeller == "offline":
        from reestim.labels.offline import train

        sample_texts = read_patents(sample, human_labels=True) if sample else None
        labelled = labelling.label_patents(table, train(sample_texts), synthetic=synthetic, shares=shares)
    else:
        problem = Problem("unknown labeller", "It can be offline or llm.", column="--labeller", value=labeller)
        raise InputError(problem, "nothing was labelled")
    if len(labelled.unlabelled) == len(table):
        why = labelled.unlabelled["reason"].value_counts()
        problems = [
            Problem(f"{n} of {len(table)} patents have no label: {reason}", _AGAIN) for reason, n in why.items()
        ]
        raise InputError(problems, "no patent has a label, nothing was written")
    labelling.write_labels(labelled, out, overwrite=overwrite)
    if output.quiet and output.progress:
        typer.echo(f"labels: {out}")
    else:
        _print_labels(labelled, out, output.as_json)


def _language_model(
    cache: Path,
    prompt: str | None,
    prices: tuple[float | None, float | None],
    settings: dict[str, Any],
    announce: Callable[[str], None],
    look_only: bool,
) -> LLMLabeller:
    """The labeller that the environment and the options describe. Raises InputError."""
    from importlib.util import find_spec

    from reestim.errors import InputError, Problem

    if not all(find_spec(name) for name in ("pydantic_ai", "openai", "tenacity")):
        advice = "Install REEstim with the extra `label`: python3 -m uv run --extra label reestim ..."
        raise InputError(Problem("the packages that ask language models are not installed", advice), "nothing asked")
    from reestim.labels.answer_cache import AnswerCache
    from reestim.labels.endpoint import endpoint_from, prices_of
    from reestim.labels.llm import LLMLabeller
    from reestim.labels.llm_settings import settings_from
    from reestim.labels.taxonomy import PROMPT_VERSION, read_prompt

    endpoint = endpoint_from()
    chosen = settings_from(**settings)
    words = read_prompt(prompt or PROMPT_VERSION)
    token_prices = prices_of(endpoint, *prices)

    def progress(done: int, of: int) -> None:
        if done == of or done % 100 < chosen.patents_per_request:
            announce(f"{done} of {of} texts answered")

    return LLMLabeller(
        endpoint, words, AnswerCache(cache, look_only=look_only), chosen, token_prices, progress=progress
    )


def _print_plan(model: LLMLabeller, plan: Plan, patents: int, as_json: bool) -> None:
    """What a dry run found."""
    from reestim.cli import printing

    expected, prices = plan.expected, model.prices
    cost = None if expected.cost is None else round(expected.cost, 6)
    if as_json:
        printing.print_json(
            {
                "dry_run": True,
                "patents": patents,
                "in_cache": len(plan.known),
                "to_ask": len(plan.texts),
                "requests": expected.requests,
                "input_tokens": round(expected.input_tokens),
                "output_tokens": round(expected.output_tokens),
                "output_tokens_at_most": plan.most_received,
                "cost_usd": cost,
                "cost_usd_at_most": plan.most_cost,
                "prices": prices.source if prices else "unknown",
                "model": model.endpoint.model,
            }
        )
        return
    worth = "unknown: state --price-input and --price-output" if prices is None else f"{cost} US$ ({prices.source})"
    rows = [
        ["patents", str(patents)],
        ["answers in the cache", str(len(plan.known))],
        ["texts to ask about", str(len(plan.texts))],
        ["requests", str(expected.requests)],
        ["tokens sent, estimated", f"{expected.input_tokens:.0f}"],
        ["tokens received, estimated", f"{expected.output_tokens:.0f}"],
        ["tokens received, at most (--max-answer)", str(plan.most_received)],
        ["cost, estimated", worth],
        *([] if plan.most_cost is None else [["cost, at most", f"{round(plan.most_cost, 6)} US$"]]),
    ]
    printing.print_rows(f"Dry run: {model.endpoint.model} was not asked, nothing was written", ["", ""], rows)


def _print_labels(labelled: Labelled, out: Path, as_json: bool) -> None:
    from reestim.cli import printing

    if as_json:
        printing.print_json({"labels": str(out), **labelled.about})
        return
    share = labelled.share()
    rows = [[name, str(n), f"{100 * share[name]:.1f} %"] for name, n in labelled.about["labels"].items()]
    printing.print_rows(f"{labelled.about['patents']} patents, {labelled.about['labeller']}", ["label", "n", ""], rows)
    if n := labelled.about["unlabelled"]:
        reasons = labelled.unlabelled["reason"].value_counts()
        printing.print_rows(
            f"UNLABELLED and left out of the counts: {n}", ["why", "n"], [[str(k), str(v)] for k, v in reasons.items()]
        )
        by_country = labelled.about["unlabelled_by_country"].items()
        printing.print_rows(
            "Unlabelled by country",
            ["country", "unlabelled", "of"],
            [[country, str(n["unlabelled"]), str(n["patents"])] for country, n in by_country],
        )
    if labelled.shares is not None:
        typer.echo(f"counted by parts of country and sector (patent_shares.parquet): {labelled.about['counting']}")
    typer.echo("beside all patents (docs/labels.md): " + "\n  ".join(labelled.about["plausibility"]["sentences"]))
    if labelled.about["synthetic"]:
        typer.echo("SYNTHETIC: these patents are made, not observed")
    if isinstance(bill := labelled.about.get("this_run"), dict):
        cost = "cost unknown" if bill["cost_usd"] is None else f"{bill['cost_usd']} US$"
        asked = labelled.about["texts"]
        typer.echo(
            f"{asked['asked']} texts asked in {bill['requests']} requests, {cost}; {asked['from_cache']} from cache"
        )
    if labelled.about["labeller"] == "offline":
        if own := labelled.about["own_texts"]:
            typer.echo(f"learnt from {own} texts of yours, each worth {labelled.about['own_weight']:g} of the corpus")
            typer.echo(f"tried on them: {labelled.about['cross_validation']['folds']}")
        else:
            typer.echo("recommended: have people label a hundred of these patents, then label again with --sample")
    typer.echo(f"labels: {out}\nnext: reestim audit draw {out} PATENTS --out sample.csv")
