"""Asynchronous work done to its end from ordinary code, even where an event loop runs (a notebook, a server)."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any


def run_to_end[T](work: Coroutine[Any, Any, T]) -> T:
    """The result of ``work``. Where this thread has a running loop, a thread of its own does the work; an interruption
    cancels it, and waits until it has closed what it opened."""
    if not _loop_is_running():
        return asyncio.run(work)
    result: list[T] = []
    failed: list[BaseException] = []
    started = threading.Event()
    tasks: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[T]]] = []

    async def watched() -> T:
        task = asyncio.ensure_future(work)
        tasks.append((asyncio.get_running_loop(), task))
        started.set()
        return await task

    def thread() -> None:
        try:
            result.append(asyncio.run(watched()))
        except BaseException as error:
            failed.append(error)
        finally:
            started.set()

    worker = threading.Thread(target=thread, name="reestim-labels")
    worker.start()
    try:
        worker.join()
    except BaseException:
        started.wait()
        for loop, task in tasks:
            loop.call_soon_threadsafe(task.cancel)
        worker.join()
        raise
    if failed:
        raise failed[0]
    return result[0]


def _loop_is_running() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
