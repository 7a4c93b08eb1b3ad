"""Worker processes that always end with the job."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess, parent_process
from types import TracebackType
from typing import Generic, Self, TypeVar

import torch

from maskfold.allocator import keep_freed_memory
from maskfold.errors import EXIT_KILLED, JobFailedError
from maskfold.sockets import shorten_socket_paths

Task = TypeVar("Task")
Answer = TypeVar("Answer")

_AHEAD = 2
"""Tasks per worker: one in progress and one waiting, so that workers never idle and memory stays bounded."""


class Workers(Generic[Task, Answer]):
    """Runs one function over many tasks, in processes of one thread each; a context manager.

    With one process, the work is done in this process. Leaving the context, also by an exception, kills the workers.
    They also exit when this process dies.

    Args:
        work: The function; it and all tasks and answers must be picklable.
        processes: Number of processes.
    """

    def __init__(self, work: Callable[[Task], Answer], processes: int) -> None:
        self._work = work
        self._wanted = processes if processes > 1 else 0
        self._workers: dict[Connection, BaseProcess] = {}

    def __enter__(self) -> Self:
        # This process may have threads, so it must not be forked. A running fork server is shared; a new one imports
        # torch once for all workers.
        shorten_socket_paths()
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["maskfold.faces"])
        try:
            for number in range(self._wanted):
                here, there = context.Pipe()
                process = context.Process(
                    target=_serve, args=(self._work, there), name=f"faces-{number + 1}", daemon=True
                )
                process.start()
                self._workers[here] = process
                there.close()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    @property
    def processes(self) -> list[BaseProcess]:
        """The worker processes; empty if this process does the work."""
        return list(self._workers.values())

    def map(self, tasks: Iterable[Task]) -> Iterator[Answer]:
        """Yield the answers, in order of completion.

        Raises:
            Exception: What the function raised.
            JobFailedError: If a worker died.
        """
        if not self._workers:
            yield from map(self._work, tasks)
            return
        waiting = iter(tasks)
        open_tasks = dict.fromkeys(self._workers, 0)
        for _ in range(_AHEAD):
            for connection in open_tasks:
                open_tasks[connection] += self._send(connection, waiting)
        while any(open_tasks.values()):
            ready = wait([connection for connection, held in open_tasks.items() if held])
            for connection in [connection for connection in open_tasks if connection in ready]:
                answer = self._receive(connection)
                open_tasks[connection] += self._send(connection, waiting) - 1
                yield answer

    def _send(self, connection: Connection, waiting: Iterator[Task]) -> int:
        for task in waiting:
            try:
                connection.send(task)
            except OSError:
                raise self._died(connection) from None
            return 1
        return 0

    def _receive(self, connection: Connection) -> Answer:
        try:
            answer, error = connection.recv()
        except (EOFError, OSError):
            raise self._died(connection) from None
        if error is not None:
            raise error
        result: Answer = answer
        return result

    def _died(self, connection: Connection) -> JobFailedError:
        process = self._workers[connection]
        process.join(timeout=5)
        code = process.exitcode
        why = "was killed, perhaps for lack of memory" if code == -signal.SIGKILL else f"ended (exit code {code})"
        return JobFailedError(f"a worker process that crops faces {why}", EXIT_KILLED)

    def _end(self) -> None:
        for connection, process in self._workers.items():
            process.kill()
            connection.close()
        for process in self._workers.values():
            process.join()
        self._workers.clear()


def _serve(work: Callable[[Task], Answer], connection: Connection) -> None:
    """Answer tasks until the connection is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # on Ctrl-C the job ends its workers
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    keep_freed_memory()
    with contextlib.suppress(EOFError, OSError):
        while True:
            task = connection.recv()
            message: tuple[Answer | None, Exception | None]
            try:
                message = work(task), None
            except Exception as error:  # noqa: BLE001  raised again in the job
                error.add_note(traceback.format_exc())
                message = None, error
            connection.send(message)


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(EXIT_KILLED)
