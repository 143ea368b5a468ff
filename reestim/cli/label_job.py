"""``reestim label --job``: the batch interface of a provider, submitted by one call and collected by a later one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    import pandas as pd

    from reestim.labels.llm import LLMLabeller


def batch_job_done(path: Path, model: LLMLabeller, patents: pd.DataFrame, as_json: bool) -> bool:
    """Submit the job where its file is not there, else collect it; whether its answers are in the cache now.

    Raises InputError, EndpointError, CostLimitError.
    """
    from reestim.cli import printing
    from reestim.labels.batch_job import BatchJob
    from reestim.labels.spending import check_budget

    job = BatchJob(path, model.endpoint, model.prompt, model.settings)
    if path.exists():
        state = job.collect(model.texts(patents), model.cache)
    else:
        plan = model.plan(patents)
        if not plan.texts:
            return True
        check_budget(plan.expected, model.max_cost)
        state = job.submit(plan.texts)
    if state.finished:
        if not as_json:
            sent, received = state.tokens
            typer.echo(
                f"job {state.state}: {state.labelled} texts labelled, {state.without} are asked by ordinary requests; "
                f"{sent} tokens sent, {received} received"
            )
        return True
    if as_json:
        printing.print_json({"job": str(path), "state": state.state, "finished": False, "requests": state.requests})
    else:
        typer.echo(f"job {state.state}: {state.requests} requests, {path}\nnext: run the same command again later")
    return False
