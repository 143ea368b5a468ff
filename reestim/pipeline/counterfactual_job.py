"""Other scenarios over the draws of a run that is there, saved as a run of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reestim.data.dataset import load_dataset
from reestim.errors import InputError, Problem
from reestim.io.files import exclusive_lock
from reestim.pipeline.main_job import save_and_report
from reestim.pipeline.scenarios import run_scenarios
from reestim.pipeline.stages import Stages
from reestim.pipeline.transfer import carried_to
from reestim.runs import store
from reestim.runs.record import RunRecord

if TYPE_CHECKING:
    import xarray as xr

    from reestim.counterfactuals.transfer import Transfer


def run_counterfactual(
    run: str | Path,
    scenarios: Sequence[Path],
    out: Path | None = None,
    *,
    dataset: str | Path | None = None,
    transfer: Transfer | None = None,
    years: Sequence[int] | None = None,
    draws: int | None = None,
    chunks: Path | None = None,
    executor: str | None = None,
    inputs: str = "fixed",
    seed: int = 1,
    allow_unsolved: bool = False,
    overwrite: bool = False,
    progress: bool = True,
    command: str = "",
) -> tuple[xr.DataTree, Path, Path]:
    r"""Carry the draws of a run through other scenarios and save the result, with its report, as a run of its own.

    Parameters
    ----------
    run
        Folder of a run that holds its economy.
    scenarios
        Scenario files (TOML).
    out
        Folder of the new run; None for one in ``posteriors/``, named after the run and its first scenario.
    dataset
        A dataset whose economy the draws are carried to, by labels of sectors; None for the economy of the run.
    transfer
        How, with ``dataset``: by how much σ may differ there, and what to do with sectors without draws. None for
        ``ree.Transfer()``.
    years
        Years of a transition, which is added to fixed and directed technology; None for none.
    draws
        Draws to solve, of all that the run has; None for all.
    chunks
        Folder that keeps solved draws, to go on from after a kill.
    executor
        Address of a Dask scheduler.
    inputs, seed
        ``"drawn"``: the inputs that the run's economy knows with error are drawn, from this seed, beside the
        parameters. ``"fixed"``: they are as the data say.
    allow_unsolved
        Go on where more than 1 % of the draws of a scenario have no equilibrium.
    overwrite
        Replace the run in ``out``.
    progress
        Show a bar.
    command
        The command line, noted after that of the run.

    Returns
    -------
    tuple of (xr.DataTree, Path, Path)
        The new run, its folder, and the page of its report.

    Raises
    ------
    InputError
        If there is no such run, a scenario or ``dataset`` does not fit it, or ``out`` cannot be written.
    UnsolvedDrawsError
        If too many draws have no equilibrium.

    Examples
    --------
    >>> run, file = ree.save(post, folder / "first"), folder / "half.toml"
    >>> text = 'name = "half"\n[[export_quota]]\nexporter = "c0"\nelements = "all"\nquantity_change = 0.5\n'
    >>> _ = file.write_text(text)
    >>> new, where, page = ree.run_counterfactual(run, [file], folder / "second", progress=False)
    >>> page.name, "counterfactual" in new
    ('report.html', True)
    """
    source = Path(run)
    if problems := store.place_problems(out, overwrite) if out else []:
        raise InputError(problems, "nothing can be saved there")
    if transfer is not None and dataset is None:
        raise InputError(Problem("a transfer needs the dataset to which draws are carried", "Give dataset."))
    stages = Stages(total=3 if dataset is None else 4)
    with stages.stage(f"open {source}"):
        post = store.load(source)
    if dataset is not None:
        from reestim.counterfactuals.transfer import Transfer

        with stages.stage(f"carry the draws to the economy of {dataset}"):
            post = carried_to(post, load_dataset(dataset), transfer or Transfer())
    commands = "\n".join(part for part in (RunRecord.of(post).command, command) if part)
    folder = out or store.new_run_folder(f"{source.name}-{scenarios[0].stem}")
    with exclusive_lock(folder):
        with stages.stage("carry the draws through the equilibrium, fixed and directed technology"):
            post = run_scenarios(
                post,
                scenarios,
                technology=("fixed", "directed", "transition") if years else ("fixed", "directed"),
                years=years,
                draws=draws,
                progress=progress,
                allow_unsolved=allow_unsolved,
                chunks=chunks,
                executor=executor,
                inputs=inputs,
                seed=seed,
            )
        with stages.stage("write the run and its report"):
            page = save_and_report(post, folder, overwrite=overwrite, command=commands)
    return post, folder, page
