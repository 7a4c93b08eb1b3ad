"""The photographs of one request on their way through the server."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from maskfold.inference.cropping import CroppedPhotograph
    from maskfold.inference.predictor import Answer
    from maskfold.serving.loaded import LoadedModel


class Errand:
    """What a request waits for.

    Args:
        model: The model that answers, also if another one is loaded meanwhile.
        all_faces: Whether every face is asked for.
        contents: The photographs' bytes.
        pixels: How many each has, as its header states.
    """

    def __init__(self, model: LoadedModel, all_faces: bool, contents: Sequence[bytes], pixels: Sequence[int]) -> None:
        self.model, self.all_faces = model, all_faces
        self.done: Future[list[list[Answer]]] = Future()
        """The answers for each photograph."""
        self.done.set_running_or_notify_cancel()  # so that who waits cannot cancel it while a thread completes it
        self.photographs = [
            SentPhotograph(self, place, content, size)
            for place, (content, size) in enumerate(zip(contents, pixels, strict=True))
        ]
        self._answers: list[list[Answer]] = [[] for _ in contents]
        self._open, self._lock = len(contents), threading.Lock()
        self._left = False

    def give_up(self) -> None:
        """Leave: nobody waits for the answers any more."""
        self._left = True

    @property
    def given_up(self) -> bool:
        """Whether further work on it is useless."""
        return self._left or self.done.done()

    def settle(self, photograph: SentPhotograph, answers: list[Answer] | Exception | None) -> None:
        """Take the answers for one photograph, or why there are none; None if it was given up."""
        photograph.content, photograph.cropped = b"", None
        with self._lock:
            self._open -= 1
            if isinstance(answers, list):
                self._answers[photograph.place] = answers
            elif answers is not None and not self.done.done():
                self.done.set_exception(answers)
            if self._open == 0 and not self.done.done():
                self.done.set_result(self._answers)


@dataclass(eq=False)
class SentPhotograph:
    """One photograph of a request."""

    errand: Errand
    place: int
    """Its number in the request."""
    content: bytes
    pixels: int
    """As its header states; it takes as much memory to decode."""
    cropped: CroppedPhotograph | None = None
