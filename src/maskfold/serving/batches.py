"""A line in which work waits until enough of it has come together."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

ItemT = TypeVar("ItemT")


class Batches(Generic[ItemT]):
    """Items that arrive one by one, from any thread, and leave in batches.

    Args:
        alike: What all items of a batch have in common.
        window: Seconds that the first item of a batch waits for more.
        whole: Items that cost about as much together as one does.
        most: Items of a batch at most.
        takers: Threads that share the items of a long line.
        weight: What an item weighs; a batch of more than one is no heavier than `heaviest`.
        heaviest: See `weight`.
    """

    def __init__(
        self,
        alike: Callable[[ItemT], Hashable],
        window: float,
        whole: int,
        most: int,
        takers: int = 1,
        weight: Callable[[ItemT], int] = lambda _: 0,
        heaviest: int = 0,
    ) -> None:
        self._alike, self._window, self._whole, self._most, self._takers = alike, window, whole, most, takers
        self._weight, self._heaviest = weight, heaviest
        self._line: deque[tuple[float, ItemT]] = deque()
        self._change = threading.Condition()
        self._closed = False

    def __len__(self) -> int:
        return len(self._line)

    def put(self, items: Sequence[ItemT]) -> None:
        """Append items, which stay in this order."""
        now = time.monotonic()
        with self._change:
            self._line.extend((now, item) for item in items)
            self._change.notify_all()

    def take(self, complete: Callable[[], bool] = lambda: False) -> list[ItemT]:
        """Wait for the next batch; it is empty if there will be none.

        Args:
            complete: Whether nothing more is on its way, so that waiting is useless.
        """
        with self._change:
            while True:
                while not self._line:
                    if self._closed:
                        return []
                    self._change.wait()
                left = self._line[0][0] + self._window - time.monotonic()
                if left <= 0 or self._closed or len(self._line) >= self._most or complete():
                    return self._next()
                self._change.wait(left)

    def close(self) -> None:
        """Let takers end when the line is empty."""
        with self._change:
            self._closed = True
            self._change.notify_all()

    def _next(self) -> list[ItemT]:
        size = min(self._most, max(self._whole, -(-len(self._line) // self._takers)))
        batch = [self._line.popleft()[1]]
        kind, weight = self._alike(batch[0]), self._weight(batch[0])
        while self._line and len(batch) < size and self._alike(first := self._line[0][1]) == kind:
            weight += self._weight(first)
            if weight > self._heaviest:
                break
            batch.append(self._line.popleft()[1])
        return batch
