"""Other scenarios over the draws of a run that is there, saved as a run of its own."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reestim.data.dataset import load_dataset
from reestim.errors import Problem, Problems
from reestim.io.files import exclusive_lock
from reestim.pipeline.main_job import SPLIT, save_and_report
from reestim.pipeline.scenarios import on_economy, solve_scenarios, split_variance, without_variance
from reestim.pipeline.stages import Stages
from reestim.pipeline.transfer import carried_to
from reestim.runs import store
from reestim.runs.record import RunRecord
from reestim.study.scenario_file import check_scenario

if TYPE_CHECKING:
    import xarray as xr

    from reestim.counterfactuals.transfer import Transfer


_log = logging.getLogger(__name__)


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
    variance: bool = True,
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
        Folder of the new run; None for one in ``posteriors/``, named after the run and its first scenario. One that was
        cut off there goes on: draws are kept as they are solved, and saved before the variance is split.
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
        Folder that keeps solved draws, to go on from after a kill; None for one in the new run, gone when it is whole.
    executor
        Address of a Dask scheduler.
    inputs, seed
        ``"drawn"``: the inputs that the run's economy knows with error are drawn, from this seed, beside the
        parameters. ``"fixed"``: they are as the data say.
    variance
        Split the variance of welfare among what is uncertain: about 1,000 further equilibria a technology and scenario.
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
    >>> new, where, page = ree.run_counterfactual(run, [file], folder / "second", variance=False, progress=False)
    >>> page.name, "counterfactual" in new
    ('report.html', True)
    """
    source = Path(run)
    begun = _checked(source, scenarios, out, overwrite, stray=transfer is not None and dataset is None)
    stages = Stages(total=3 + (dataset is not None) + variance)
    with stages.stage(f"open {source}"):
        post = store.load(source)
    if dataset is not None:
        from reestim.counterfactuals.transfer import Transfer

        with stages.stage(f"carry the draws to the economy of {dataset}"):
            post = carried_to(post, load_dataset(dataset), transfer or Transfer())
    on_economy(post, scenarios)  # before a place is made
    commands = "\n".join(part for part in (RunRecord.of(post).command, command) if part)
    RunRecord.of(post).but(command=commands).attached(post)
    folder = out or store.new_run_folder(f"{source.name}-{scenarios[0].stem}")
    keep = chunks or folder / store.CHUNKS
    with exclusive_lock(folder):
        with stages.stage("carry the draws through the equilibrium, fixed and directed technology"):
            _log.info("    %s (cut off from here on, the same command with --out %s goes on)", folder, folder)
            post = solve_scenarios(
                post,
                scenarios,
                technology=("fixed", "directed", "transition") if years else ("fixed", "directed"),
                years=years,
                draws=draws,
                progress=progress,
                allow_unsolved=allow_unsolved,
                chunks=keep,
                executor=executor,
                inputs=inputs,
                seed=seed,
            )
            store.save(post, folder, overwrite=overwrite or begun, preserve=(store.CHUNKS,))
        if variance:
            with stages.stage(SPLIT):
                post = split_variance(post, scenarios, chunks=keep, progress=progress)
        else:
            post = without_variance(post)
        with stages.stage("write the run and its report"):
            page = save_and_report(post, folder, overwrite=True)
    return post, folder, page


def _checked(source: Path, scenarios: Sequence[Path], out: Path | None, overwrite: bool, stray: bool) -> bool:
    """Whether a run was begun in ``out`` that can go on.

    Raises InputError, before anything large is read, with all that is wrong with the run, the scenario files and the
    place, or with a transfer to no dataset (``stray``).
    """
    problems, begun = Problems(), False
    with problems.collect():
        store.read_run(source)
        begun = out is not None and not overwrite and _begun(out, source, scenarios)
    if out is not None:
        problems += store.place_problems(out, overwrite or begun)
    for path in scenarios:
        problems += check_scenario(path)
    if stray:
        problems.append(Problem("a transfer needs the dataset to which draws are carried", "Give dataset."))
    problems.raise_any("the counterfactual cannot be computed")
    return begun


def _begun(out: Path, source: Path, scenarios: Sequence[Path]) -> bool:
    """Whether ``out`` holds a run whose draws are solved and that was cut off: of the same draws and scenario files.

    Chunks are known by what their numbers follow from, so that nothing else need be compared.
    """
    if not (out / store.RUN).is_file():
        return False
    there, record = store.read_run(out), store.read_run(source)
    texts = {path.read_text(encoding="utf-8") for path in scenarios if path.is_file()}
    same = (there.spec, there.provenance, there.seed) == (record.spec, record.provenance, record.seed)
    return same and set(there.scenarios.values()) == texts and not store.is_finished(out, there)
