"""From bytes to answers: threads that cut out faces, and one that asks the networks.

Photographs of all requests that arrive within a few milliseconds are worked on together: the detector and the networks
take little longer for eight photographs than for one.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

from maskfold.serving.batches import Batches
from maskfold.serving.errand import Errand, SentPhotograph
from maskfold.serving.limits import Limits
from maskfold.serving.metrics import Metrics

if TYPE_CHECKING:
    from maskfold.inference.cropping import CroppedPhotograph
    from maskfold.inference.predictor import Answer

WINDOW: Final = 0.005
"""Seconds in which photographs come together."""
_DETECTED_TOGETHER: Final = 8
"""Photographs that the detector searches at a time; see :mod:`maskfold.faces.cascade`."""
_MOST: Final = 64
_log = logging.getLogger(__name__)
ResultT = TypeVar("ResultT")


class Pipeline:
    """The threads, and what waits for them.

    Args:
        croppers: Number of threads that decode photographs and find faces.
        cores: For the networks.
        limits: How many photographs may wait or be worked on, and how many pixels may be decoded together.
        metrics: Counts batches.
    """

    def __init__(self, croppers: int, cores: int, limits: Limits, metrics: Metrics) -> None:
        self._room, self._cores, self._metrics = limits.queue, cores, metrics
        self._inside = 0
        self._to_crop: Batches[SentPhotograph] = Batches(
            _alike, WINDOW, _DETECTED_TOGETHER, _MOST, croppers, lambda one: one.pixels, limits.pixels
        )
        self._to_ask: Batches[SentPhotograph] = Batches(_model, WINDOW, _MOST, _MOST)
        self._cropping, self._count = 0, threading.Lock()
        work = [(self._crop, f"crop-{number + 1}") for number in range(croppers)]
        # Daemons: a photograph that takes very long must not keep the process from ending.
        self._croppers = [threading.Thread(target=run, name=name, daemon=True) for run, name in work]
        self._asker = threading.Thread(target=self._ask, name="networks", daemon=True)

    @property
    def inside(self) -> int:
        """Photographs that wait or are worked on."""
        return self._inside

    def start(self) -> None:
        """Start the threads."""
        for thread in (*self._croppers, self._asker):
            thread.start()

    def stop(self, patience: float) -> bool:
        """Finish what is inside, end the threads, and return whether all have ended in time."""
        self._to_crop.close()
        for thread in self._croppers:
            thread.join(patience)
        self._to_ask.close()
        self._asker.join(patience)
        return not any(thread.is_alive() for thread in (*self._croppers, self._asker))

    def enter(self, errand: Errand) -> bool:
        """Take the photographs of a request, and return whether there is room for them."""
        with self._count:
            if self._inside + len(errand.photographs) > self._room:
                return False
            self._inside += len(errand.photographs)
            self._cropping += len(errand.photographs)
        self._to_crop.put(errand.photographs)
        return True

    def _crop(self) -> None:
        while batch := self._to_crop.take():
            wanted = self._wanted(batch)
            for photograph, cropped in _each(wanted, _crop_together):
                if isinstance(cropped, Exception):
                    self._leave(photograph, cropped)
                else:
                    photograph.content, photograph.cropped = b"", cropped
            ready = [photograph for photograph in wanted if photograph.cropped is not None]
            with self._count:
                self._cropping -= len(batch)
            self._to_ask.put(ready)

    def _ask(self) -> None:
        while batch := self._to_ask.take(complete=lambda: self._cropping == 0):
            wanted = self._wanted(batch)
            if not wanted:
                continue
            self._metrics.batch.observe(len(wanted))
            wanted[0].errand.model.use_cores(self._cores)
            for photograph, answers in _each(wanted, _answer_together):
                self._leave(photograph, answers)

    def _wanted(self, batch: Sequence[SentPhotograph]) -> list[SentPhotograph]:
        """Return the photographs whose answer somebody waits for; the others leave."""
        for photograph in (given_up := [one for one in batch if one.errand.given_up]):
            self._leave(photograph, None)
        return [photograph for photograph in batch if photograph not in given_up]

    def _leave(self, photograph: SentPhotograph, answers: list[Answer] | Exception | None) -> None:
        with self._count:
            self._inside -= 1
        photograph.errand.settle(photograph, answers)


def _alike(photograph: SentPhotograph) -> tuple[int, bool]:
    return id(photograph.errand.model), photograph.errand.all_faces


def _model(photograph: SentPhotograph) -> int:
    return id(photograph.errand.model)


def _crop_together(batch: Sequence[SentPhotograph]) -> list[CroppedPhotograph]:
    errand = batch[0].errand
    errand.model.use_cores(1)
    return errand.model.croppers[errand.all_faces]([photograph.content for photograph in batch])


def _answer_together(batch: Sequence[SentPhotograph]) -> list[list[Answer]]:
    cropped = [photograph.cropped for photograph in batch if photograph.cropped is not None]
    answers: list[list[Answer]] = [[] for _ in batch]
    for answer in batch[0].errand.model.predictor.answer(cropped):
        answers[answer.photograph].append(answer)
    return answers


def _each(
    batch: Sequence[SentPhotograph], work: Callable[[Sequence[SentPhotograph]], list[ResultT]]
) -> Iterator[tuple[SentPhotograph, ResultT | Exception]]:
    """Yield the result for each photograph; one that fails does not spoil those of other requests."""
    if not batch:
        return
    try:
        yield from zip(batch, work(batch), strict=True)
    except Exception as error:  # noqa: BLE001 - it is the answer; the thread goes on
        if len(batch) == 1:
            _log.exception("a photograph failed")
            yield batch[0], error
            return
        for photograph in batch:
            yield from _each([photograph], work)
