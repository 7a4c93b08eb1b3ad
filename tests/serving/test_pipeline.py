"""Photographs of many requests on their way, with a model whose faults can be chosen."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from maskfold.serving.errand import Errand
from maskfold.serving.limits import Limits
from maskfold.serving.metrics import Metrics
from maskfold.serving.pipeline import Pipeline

PATIENCE = 60


@dataclass
class FaultyModel:
    """Fails on photographs that begin with ``crop`` or ``ask``, and waits on those that begin with ``wait``."""

    gate: threading.Event = field(default_factory=threading.Event)
    reached: threading.Event = field(default_factory=threading.Event)
    """Set when it waits."""

    @property
    def croppers(self) -> dict[bool, Any]:
        return {False: self._crop, True: self._crop}

    @property
    def predictor(self) -> Any:
        return SimpleNamespace(answer=self._answer)

    def use_cores(self, number: int) -> None:
        """Nothing depends on it here."""

    def _crop(self, contents: Sequence[bytes]) -> list[bytes]:
        if any(content.startswith(b"crop") for content in contents):
            raise MemoryError("a decoder")
        if any(content.startswith(b"wait") for content in contents):
            self.reached.set()
            self.gate.wait(PATIENCE)
        return list(contents)

    def _answer(self, cropped: Sequence[bytes]) -> list[Any]:
        if any(content.startswith(b"ask") for content in cropped):
            raise RuntimeError("a network")
        return [SimpleNamespace(photograph=number, said=content) for number, content in enumerate(cropped)]


@pytest.fixture
def model() -> FaultyModel:
    return FaultyModel()


@pytest.fixture
def pipeline():
    made = Pipeline(2, 2, Limits(queue=8, images=8), Metrics())
    made.start()
    yield made
    assert made.stop(PATIENCE)


def errand(model: FaultyModel, *contents: bytes) -> Errand:
    return Errand(model, False, contents, [1] * len(contents))  # type: ignore[arg-type]


def said(one: Errand) -> list[list[bytes]]:
    return [[answer.said for answer in found] for found in one.done.result(PATIENCE)]  # type: ignore[attr-defined]


def test_each_request_gets_the_answers_of_its_photographs_in_order(pipeline: Pipeline, model: FaultyModel) -> None:
    errands = [errand(model, *(b"%d-%d" % (number, place) for place in range(2))) for number in range(4)]
    assert all(map(pipeline.enter, errands))
    for number, one in enumerate(errands):
        assert said(one) == [[b"%d-0" % number], [b"%d-1" % number]]
    assert pipeline.inside == 0


@pytest.mark.parametrize(("fault", "kind"), [(b"crop", MemoryError), (b"ask", RuntimeError)])
def test_a_fault_stays_with_its_request(
    pipeline: Pipeline, model: FaultyModel, fault: bytes, kind: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    errands = [errand(model, b"a"), errand(model, b"b", fault), errand(model, b"c")]
    assert all(map(pipeline.enter, errands))
    assert said(errands[0]) == [[b"a"]]
    assert said(errands[2]) == [[b"c"]]
    with pytest.raises(kind):
        errands[1].done.result(PATIENCE)
    after = errand(model, b"d")
    assert pipeline.enter(after)
    assert said(after) == [[b"d"]]
    assert pipeline.inside == 0
    assert "a photograph failed" in caplog.text


def test_a_full_pipeline_takes_nothing_until_there_is_room(pipeline: Pipeline, model: FaultyModel) -> None:
    first = errand(model, *[b"wait"] * 6)
    assert pipeline.enter(first)
    assert not pipeline.enter(errand(model, b"a", b"b", b"c"))
    second = errand(model, b"a", b"b")
    assert pipeline.enter(second)
    assert pipeline.inside == 8
    model.gate.set()
    assert len(said(first)) == 6
    assert said(second) == [[b"a"], [b"b"]]
    assert pipeline.inside == 0
    assert pipeline.enter(errand(model, *[b"c"] * 8))


def test_what_is_given_up_is_left(model: FaultyModel) -> None:
    pipeline = Pipeline(1, 1, Limits(queue=8, images=8), Metrics())
    blocking, left, last = errand(model, b"wait"), errand(model, b"crop"), errand(model, b"a")
    assert pipeline.enter(blocking)
    pipeline.start()
    assert model.reached.wait(PATIENCE)
    assert pipeline.enter(left)
    assert pipeline.enter(last)
    left.give_up()
    model.gate.set()
    assert said(last) == [[b"a"]]
    assert pipeline.stop(PATIENCE)
    assert pipeline.inside == 0
    assert left.done.exception(0) is None  # it was not even begun, or it would have failed


def test_a_stop_finishes_what_is_inside(model: FaultyModel) -> None:
    pipeline = Pipeline(2, 2, Limits(queue=8, images=8), Metrics())
    errands = [errand(model, b"a"), errand(model, b"b")]
    assert all(map(pipeline.enter, errands))
    pipeline.start()
    assert pipeline.stop(PATIENCE)
    assert [said(one) for one in errands] == [[[b"a"]], [[b"b"]]]
