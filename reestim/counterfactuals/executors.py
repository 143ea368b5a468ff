"""Where chunks of draws are solved: here, on several JAX devices, or on the workers of a Dask cluster.

Each chunk is solved by the same pure function, warm start included (``sweep.py``), so that results do not depend on
scheduling: they are the same bits on processors of the same kind. At most two chunks a worker are under way, so that
memory is bounded by the chunk, on workers and here.
"""

from __future__ import annotations

import queue
import sys
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import numpy as np

from reestim import __version__
from reestim.counterfactuals.chunk_store import fingerprint, load_chunk, save_chunk
from reestim.equilibrium.accounts import Baseline
from reestim.equilibrium.parameter_arrays import ParameterArrays
from reestim.equilibrium.path_sweep import solve_draw_paths
from reestim.equilibrium.policy_arrays import PolicyArrays
from reestim.equilibrium.sweep import DrawSolutions, solve_draws
from reestim.errors import InputError, Problem, ReestimError

if TYPE_CHECKING:
    from distributed import Client

#: ``executor="local"``: a cluster on this machine for the time of the call.
LOCAL = "local"
#: Chunks under way for each worker: one that is solved, one that waits.
AHEAD = 2
_NO_DASHBOARD: dict[str, Any] = {"dashboard_address": None}


class Chunk(NamedTuple):
    """Consecutive draws of one scenario and technology, and what their equilibria follow from."""

    transition: bool
    baseline: Baseline
    policy: PolicyArrays
    draws: ParameterArrays
    tolerance: float
    outcomes: tuple[str, ...]  # which results to keep of each equilibrium
    size: int  # draws solved at once


Advance = Callable[[int], None]
Todo = Iterable[tuple[int, Chunk]]
Done = Iterator[tuple[int, DrawSolutions]]
#: (numbered chunks, ``on_progress``) → (number, solutions) of each chunk, in order of completion;
#: ``on_progress(number, draws)`` is called as draws of a chunk are solved.
Executor = Callable[[Todo, Callable[[int, int], None]], Done]


def solve_chunk(chunk: Chunk, advance: Advance = lambda _: None) -> DrawSolutions:
    """Solve one chunk in this process."""
    solver = solve_draw_paths if chunk.transition else solve_draws
    return solver(chunk.baseline, chunk.policy, chunk.draws, chunk.tolerance, list(chunk.outcomes), chunk.size, advance)


def solve_chunks(
    count: int,
    chunk: Callable[[int], Chunk],
    run: Executor,
    store: Path | None,
    advance: Callable[[int, int], None],
    skipped: Callable[[int, int], None],
) -> Done:
    """Solutions of ``count`` chunks: first those that ``store`` holds, then the others as they are solved.

    ``chunk(k)`` makes the k-th. Chunks that follow from the same inputs are solved once. ``skipped(k, draws)`` is
    called for draws that were not solved now.
    """
    if store is None:
        yield from run(((k, chunk(k)) for k in range(count)), advance)
        return
    numbers: dict[str, list[int]] = {}
    for k in range(count):
        numbers.setdefault(fingerprint(*chunk(k)), []).append(k)
    missing: dict[int, list[int]] = {}
    for name, same in numbers.items():
        solutions = load_chunk(store, name)
        if solutions is None:
            missing[same[0]] = same
            continue
        for k in same:
            skipped(k, len(solutions.solved))
            yield k, solutions
    names = {same[0]: name for name, same in numbers.items()}
    for k, solutions in run(((k, chunk(k)) for k in missing), advance):
        save_chunk(store, names[k], solutions)
        yield k, solutions
        for twin in missing[k][1:]:
            skipped(twin, len(solutions.solved))
            yield twin, solutions


@contextmanager
def open_executor(executor: Client | str | None, devices: Sequence[Any] | str | None) -> Generator[Executor]:
    """The executor that ``ree.counterfactual(executor=, devices=)`` names; a cluster it starts is stopped again.

    Raises InputError where Dask is not installed, nobody answers at an address, or both are given.
    """
    if executor is not None and devices is not None:
        advice = "Give executor= for a Dask cluster, or devices= for the devices of this process."
        raise InputError(Problem("chunks can be dealt in one way only", advice))
    if devices is not None:
        chosen = jax.devices() if devices == "all" else list(devices)
        if isinstance(devices, str) and devices != "all":
            raise InputError(Problem("unknown devices", "Give 'all' or a list of jax.devices().", value=devices))
        if not chosen:
            raise InputError(Problem("there is no device to solve on", "Give at least one of jax.devices()."))
        yield _OnDevices(chosen)
    elif executor is None:
        yield _here
    elif isinstance(executor, str):
        with _client(executor) as client:
            yield _OnDask(client)
    else:
        yield _OnDask(executor)


def _here(chunks: Todo, advance: Callable[[int, int], None]) -> Done:
    for number, chunk in chunks:
        yield number, solve_chunk(chunk, lambda n, k=number: advance(k, n))


class _OnDevices:
    """Chunks dealt over devices, one thread for each; a chunk's arrays are committed to its device and stay there."""

    def __init__(self, devices: Sequence[Any]) -> None:
        self.devices = devices

    def __call__(self, chunks: Todo, advance: Callable[[int, int], None]) -> Done:
        free: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for device in self.devices:
            free.put(device)

        def solve(number: int, chunk: Chunk) -> DrawSolutions:
            device = free.get()
            try:
                placed = jax.device_put((chunk.baseline, chunk.policy), device)
                return solve_chunk(chunk._replace(baseline=placed[0], policy=placed[1]), lambda n: advance(number, n))
            finally:
                free.put(device)

        with ThreadPoolExecutor(max_workers=len(self.devices)) as pool:
            yield from _in_window(
                chunks, lambda number, chunk: pool.submit(solve, number, chunk), wait, lambda: AHEAD * len(self.devices)
            )


def _in_window(
    chunks: Todo, submit: Callable[[int, Chunk], Any], wait_for: Callable[..., Any], ahead: Callable[[], int]
) -> Done:
    """Submit chunks so that ``ahead()`` of them are under way, and yield each as soon as it is solved.

    ``submit(number, chunk)`` returns a future of ``concurrent.futures`` or of Dask, ``wait_for`` is the function of the
    same library that waits for the first of them.
    """
    rest, pending = iter(chunks), dict[Any, int]()
    try:
        while True:
            for number, chunk in islice(rest, ahead() - len(pending)):
                pending[submit(number, chunk)] = number
            if not pending:
                return
            for future in wait_for(list(pending), return_when=FIRST_COMPLETED).done:
                yield pending.pop(future), future.result()
    finally:
        for future in pending:
            future.cancel()


class _OnDask:
    """Chunks on the workers of a cluster. What a lost worker held is computed again: every input is itself a task."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def __call__(self, chunks: Todo, advance: Callable[[int, int], None]) -> Done:
        from distributed import KilledWorker, wait

        world: tuple[tuple[Any, Any], Any] | None = None

        def submit(_number: int, chunk: Chunk) -> Any:
            nonlocal world
            shared = (chunk.baseline, chunk.policy)
            if world is None or world[0][0] is not shared[0] or world[0][1] is not shared[1]:
                world = (shared, self._send(shared))
            own = (_plain(chunk.draws), chunk.transition, chunk.tolerance, chunk.outcomes, chunk.size)
            return self.client.submit(_on_worker, world[1], own, __version__, pure=False)

        def ahead() -> int:
            threads: dict[str, int] = self.client.nthreads()  # pyright: ignore[reportAssignmentType]
            return AHEAD * max(sum(threads.values()), 4)

        try:
            for number, found in _in_window(chunks, submit, wait, ahead):
                advance(number, len(found.solved))
                yield number, found
        except KilledWorker as error:
            raise ReestimError(
                f"several workers died over the same chunk of draws ({error}). Most often they ran out of memory: give "
                "them more, or solve fewer draws at once with chunk=."
            ) from error
        except (CancelledError, OSError) as error:
            raise ReestimError(
                f"the Dask cluster went away ({type(error).__name__}: {error}). Start it again; with store= (--chunks) "
                "the chunks that were finished are not solved again."
            ) from error

    def _send(self, shared: tuple[Baseline, PolicyArrays]) -> Any:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sending large graph", UserWarning)  # once for all chunks of a scenario
            return self.client.submit(_share, _plain(shared), pure=False)


def _share(arrays: Any) -> Any:
    """Keep the baseline and policy of many chunks on a worker; a task, so that the scheduler can compute it again."""
    return arrays


def _on_worker(
    shared: tuple[Baseline, PolicyArrays],
    own: tuple[ParameterArrays, bool, float, tuple[str, ...], int],
    version: str,
) -> DrawSolutions:
    if version != __version__:
        raise InputError(
            Problem(
                f"the workers have REEstim {__version__}, this process {version}",
                "Start the cluster from the same environment.",
            )
        )
    baseline, policy = jax.tree.map(jax.numpy.asarray, shared)
    draws, transition, tolerance, names, size = own
    return solve_chunk(Chunk(transition, baseline, policy, draws, tolerance, names, size))


def _plain(arrays: Any) -> Any:
    """The same with NumPy leaves, which travel between processes and devices."""
    return jax.tree.map(np.asarray, arrays)


@contextmanager
def _main_module_stays_here() -> Generator[None]:
    """Let new processes not import the script of this one: they need REEstim alone, and a script without
    ``if __name__ == "__main__":`` would begin again in each of them."""
    main = sys.modules["__main__"]
    names = [name for name in ("__file__", "__spec__") if hasattr(main, name)]
    attributes = {name: getattr(main, name) for name in names}
    try:
        for name in attributes:
            delattr(main, name)
        main.__spec__ = None
        yield
    finally:
        for name, value in attributes.items():
            setattr(main, name, value)


@contextmanager
def _client(address: str) -> Generator[Client]:
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        advice = "Install REEstim with the extra `dask`: python3 -m uv run --extra dask reestim ..."
        raise InputError(Problem("Dask is not installed", advice)) from None
    if address == LOCAL:
        with (
            _main_module_stays_here(),
            LocalCluster(threads_per_worker=1, **_NO_DASHBOARD) as cluster,
            Client(cluster) as client,
        ):
            yield client
        return
    try:
        client = Client(address, timeout=20)
    except (OSError, ValueError) as error:
        advice = "Give the address that the scheduler prints, such as tcp://10.0.0.1:8786, or 'local'."
        raise InputError(Problem("no Dask scheduler answers there", advice, value=address)) from error
    with client:
        yield client
