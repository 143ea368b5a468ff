"""Where chunks of draws are solved: here, on several JAX devices, or on the workers of a Dask cluster.

Each chunk is solved by the same pure function, warm start included (``sweep.py``), so that results do not depend on
scheduling: they are the same bits on processors of the same kind. At most two chunks a worker are under way, so that
memory is bounded by the chunk, on workers and here.
"""

from __future__ import annotations

import queue
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import numpy as np

import reestim
from reestim.counterfactuals.chunk_store import fingerprint, keep, kept
from reestim.equilibrium.accounts import Baseline
from reestim.equilibrium.parameters import ParameterArrays
from reestim.equilibrium.path_sweep import solve_draw_paths
from reestim.equilibrium.scenario import PolicyArrays
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
    kept: tuple[str, ...]
    size: int  # draws solved at once


Advance = Callable[[int], None]
Todo = Iterable[tuple[int, Chunk]]
Done = Iterator[tuple[int, DrawSolutions]]
#: Solves numbered chunks and hands each back as it is finished; the second argument is told how many draws of which
#: chunk were.
Executor = Callable[[Todo, Callable[[int, int], None]], Done]


def solve_chunk(chunk: Chunk, advance: Advance = lambda _: None) -> DrawSolutions:
    """Solve one chunk in this process."""
    solver = solve_draw_paths if chunk.transition else solve_draws
    return solver(chunk.baseline, chunk.policy, chunk.draws, chunk.tolerance, list(chunk.kept), chunk.size, advance)


def finished(
    count: int,
    chunk: Callable[[int], Chunk],
    run: Executor,
    store: Path | None,
    advance: Callable[[int, int], None],
    skipped: Callable[[int, int], None],
) -> Done:
    """All of ``count`` chunks, each as soon as it is known: first those that ``store`` keeps, then those solved now.

    ``chunk(k)`` makes the k-th. Chunks that follow from the same inputs are solved once. ``skipped`` is told of draws
    that took no time.
    """
    if store is None:
        yield from run(((k, chunk(k)) for k in range(count)), advance)
        return
    numbers: dict[str, list[int]] = {}
    for k in range(count):
        numbers.setdefault(fingerprint(*chunk(k)), []).append(k)
    missing: dict[int, list[int]] = {}
    for name, same in numbers.items():
        found = kept(store, name)
        if found is None:
            missing[same[0]] = same
            continue
        for k in same:
            skipped(k, len(found.solved))
            yield k, found
    names = {same[0]: name for name, same in numbers.items()}
    for k, found in run(((k, chunk(k)) for k in missing), advance):
        keep(store, names[k], found)
        yield k, found
        for twin in missing[k][1:]:
            skipped(twin, len(found.solved))
            yield twin, found


@contextmanager
def opened(executor: Client | str | None, devices: Sequence[Any] | str | None) -> Generator[Executor]:
    """The executor that ``ree.counterfactual(executor=, devices=)`` names; what it opened is closed again.

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

        def solved(number: int, chunk: Chunk) -> DrawSolutions:
            device = free.get()
            try:
                placed = jax.device_put((chunk.baseline, chunk.policy), device)
                return solve_chunk(chunk._replace(baseline=placed[0], policy=placed[1]), lambda n: advance(number, n))
            finally:
                free.put(device)

        with ThreadPoolExecutor(max_workers=len(self.devices)) as pool:
            rest, pending = iter(chunks), {}
            while True:
                for number, chunk in islice(rest, AHEAD * len(self.devices) - len(pending)):
                    pending[pool.submit(solved, number, chunk)] = number
                if not pending:
                    return
                done: set[Future[DrawSolutions]] = wait(pending, return_when=FIRST_COMPLETED).done
                for future in done:
                    yield pending.pop(future), future.result()


class _OnDask:
    """Chunks on the workers of a cluster. What a lost worker had is computed again: every input is itself a task."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def __call__(self, chunks: Todo, advance: Callable[[int, int], None]) -> Done:
        from distributed import KilledWorker, as_completed

        rest, pending = iter(chunks), {}
        world: tuple[tuple[Any, Any], Any] | None = None
        completed = as_completed(with_results=True)
        try:
            while True:
                threads: dict[str, int] = self.client.nthreads()  # pyright: ignore[reportAssignmentType]
                ahead = AHEAD * max(sum(threads.values()), 4)
                for number, chunk in islice(rest, ahead - len(pending)):
                    shared = (chunk.baseline, chunk.policy)
                    if world is None or world[0][0] is not shared[0] or world[0][1] is not shared[1]:
                        world = (shared, self._sent(shared))
                    own = (_plain(chunk.draws), chunk.transition, chunk.tolerance, chunk.kept, chunk.size)
                    future = self.client.submit(_on_worker, world[1], own, reestim.__version__, pure=False)
                    pending[future] = (number, len(chunk.draws.trade_elasticity))
                    completed.add(future)
                if not pending:
                    return
                future, found = next(completed)
                number, count = pending.pop(future)
                advance(number, count)
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
        finally:
            for future in pending:
                future.cancel()

    def _sent(self, shared: tuple[Baseline, PolicyArrays]) -> Any:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sending large graph", UserWarning)  # once for all chunks of a scenario
            return self.client.submit(_held, _plain(shared), pure=False)


def _held(arrays: Any) -> Any:
    """The baseline and policy of many chunks, kept by a worker; a task, so that the scheduler can make it again."""
    return arrays


def _on_worker(
    shared: tuple[Baseline, PolicyArrays],
    own: tuple[ParameterArrays, bool, float, tuple[str, ...], int],
    version: str,
) -> DrawSolutions:
    if version != reestim.__version__:
        raise InputError(
            Problem(
                f"the workers have REEstim {reestim.__version__}, this process {version}",
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
def _client(address: str) -> Generator[Client]:
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        advice = "Install REEstim with the extra `dask`: python3 -m uv run --extra dask reestim ..."
        raise InputError(Problem("Dask is not installed", advice)) from None
    if address == LOCAL:
        with LocalCluster(threads_per_worker=1, **_NO_DASHBOARD) as cluster, Client(cluster) as client:
            yield client
        return
    try:
        client = Client(address, timeout=20)
    except (OSError, ValueError) as error:
        advice = "Give the address that the scheduler prints, such as tcp://10.0.0.1:8786, or 'local'."
        raise InputError(Problem("no Dask scheduler answers there", advice, value=address)) from error
    with client:
        yield client
