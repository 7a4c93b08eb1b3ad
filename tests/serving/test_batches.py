"""Items come together for a while, and leave in order."""

from __future__ import annotations

import threading
import time

from maskfold.serving.batches import Batches


def line(window: float = 0.0, whole: int = 8, most: int = 64, takers: int = 1, heaviest: int = 1000) -> Batches[str]:
    return Batches(lambda item: item[0], window, whole, most, takers, lambda item: int(item[1:]), heaviest)


def test_items_leave_in_the_order_in_which_they_came() -> None:
    waiting = line()
    waiting.put(["a1", "a2"])
    waiting.put(["a3"])
    assert len(waiting) == 3
    assert waiting.take() == ["a1", "a2", "a3"]
    assert len(waiting) == 0


def test_only_alike_items_share_a_batch() -> None:
    waiting = line()
    waiting.put(["a1", "b1", "b2", "a2"])
    assert [waiting.take(), waiting.take(), waiting.take()] == [["a1"], ["b1", "b2"], ["a2"]]


def test_a_batch_is_neither_too_long_nor_too_heavy() -> None:
    waiting = line(most=3, heaviest=10)
    waiting.put(["a1"] * 5 + ["a6", "a5", "a50", "a1"])
    assert [waiting.take() for _ in range(5)] == [["a1"] * 3, ["a1", "a1", "a6"], ["a5"], ["a50"], ["a1"]]


def test_a_long_line_is_shared() -> None:
    waiting = line(whole=2, takers=3)
    waiting.put([f"a{number}" for number in range(12)])
    assert [len(waiting.take()) for _ in range(4)] == [4, 3, 2, 2]


def test_the_first_waits_for_others_but_not_when_nothing_comes() -> None:
    waiting = line(window=60)
    waiting.put(["a1"])
    later = threading.Timer(0.2, lambda: waiting.put(["a2"] * 63))
    later.start()
    assert len(waiting.take()) == 64
    waiting.put(["a1"])
    assert waiting.take(complete=lambda: True) == ["a1"]


def test_takers_end_when_the_line_is_closed_and_empty() -> None:
    waiting, taken = line(window=60), list[list[str]]()

    def take() -> None:
        while batch := waiting.take():
            taken.append(batch)

    takers = [threading.Thread(target=take) for _ in range(3)]
    for taker in takers:
        taker.start()
    time.sleep(0.05)
    waiting.put(["a1"])
    waiting.close()
    for taker in takers:
        taker.join(30)
    assert not any(taker.is_alive() for taker in takers)
    assert taken == [["a1"]]
