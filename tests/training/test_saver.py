import threading

import pytest
import torch

from maskfold.training.saver import Saver, copied


class Slow:
    """Checkpoints that are written on demand and kept in a list."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.may = threading.Event()
        self.saved: list[tuple[float, int, int]] = []
        self._failure = failure

    def save(self, content: dict, epoch: int, step: int) -> None:
        assert self.may.wait(10)
        if self._failure is not None:
            raise self._failure
        self.saved.append((content["weight"].item(), epoch, step))


def test_training_goes_on_and_what_is_written_is_the_state_of_the_save():
    slow, weight = Slow(), torch.ones(())
    with Saver(slow) as saver:
        saver.save({"weight": weight}, 0, 5)
        weight += 1
        assert slow.saved == []
        slow.may.set()
        saver.save({"weight": weight}, 1, 0)
        weight += 1
    assert slow.saved == [(1, 0, 5), (2, 1, 0)]


def test_waiting_ends_when_it_is_written():
    slow = Slow()
    with Saver(slow) as saver:
        saver.save({"weight": torch.ones(())}, 0, 0)
        slow.may.set()
        saver.wait()
        assert len(slow.saved) == 1


def fail(then: str) -> None:
    """Save to a full disk, then do something else."""
    slow = Slow(OSError("disk full"))
    slow.may.set()
    with Saver(slow) as saver:
        saver.save({"weight": torch.ones(())}, 0, 0)
        if then == "save":
            saver.save({"weight": torch.ones(())}, 1, 0)
        if then == "wait":
            saver.wait()
        if then == "break off":
            raise KeyError


@pytest.mark.parametrize("then", ["save", "wait", "end"])
def test_a_failed_write_is_raised_by_whatever_comes_next(then: str):
    with pytest.raises(OSError, match="disk full"):
        fail(then)


def test_what_broke_the_training_off_wins_over_a_failed_write():
    with pytest.raises(KeyError):
        fail("break off")


def test_copies_keep_the_memory_order_and_share_nothing():
    tensor = torch.rand(2, 3, 4, 5).contiguous(memory_format=torch.channels_last)
    content = {"list": [tensor, 1, None], "nested": {"name": "a"}}
    found = copied(content)
    assert found["nested"] == {"name": "a"}
    assert found["list"][1:] == [1, None]
    assert torch.equal(found["list"][0], tensor)
    assert found["list"][0].stride() == tensor.stride()
    assert found["list"][0].data_ptr() != tensor.data_ptr()
