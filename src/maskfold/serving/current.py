"""The model that answers now, and the look for a newer one."""

from __future__ import annotations

import hashlib
import logging
import threading
from typing import TYPE_CHECKING, Final

from maskfold.errors import InputError, MaskfoldError, UnavailableError
from maskfold.models import FoundModel, find_model
from maskfold.serving.metrics import Metrics
from maskfold.specs.model import MODEL_FILE
from maskfold.storage import open_existing

if TYPE_CHECKING:
    from maskfold.serving.loaded import LoadedModel

_SOON: Final = 0.5
"""Seconds in which a thread ends that has nothing to do."""
_log = logging.getLogger(__name__)


class CurrentModel:
    """What a reference means; the meaning of ``champion`` and ``run:latest`` changes while the server runs.

    Args:
        reference: Which model; see :func:`maskfold.models.find_model`.
        workspace: Of the runs.
        metrics: Shows which model answers.
    """

    def __init__(self, reference: str, workspace: str, metrics: Metrics) -> None:
        self._reference, self._workspace, self._metrics = reference, workspace, metrics
        self._refused = ""
        self._complaint = ""
        self.loaded: LoadedModel | None = None
        """None until the first one is loaded. Changing it is one assignment: a request takes what is there."""

    def load(self, found: FoundModel) -> None:
        """Load a model, and let it answer from now on.

        Raises:
            MaskfoldError: If it cannot be loaded; the one before goes on.
        """
        from maskfold.serving.loaded import LoadedModel  # torch: only when the port is open already

        self._take(LoadedModel.load(found))

    def look(self) -> bool:
        """Look what the reference means now, load it if it is another model, and return whether it was.

        Whatever fails, the model before goes on: it is said once, and tried again at the next look.
        """
        digest = ""
        try:
            found = find_model(self._reference, self._workspace)
            digest = found.digest or digest_of(found)
            if self.loaded is None or digest in (self.loaded.digest, self._refused):
                return False
            if found.warning:  # it only stands in for what cannot be asked now
                raise UnavailableError(found.warning)
            before = self.loaded
            self.load(found)
        except Exception as error:  # noqa: BLE001 - whatever it is, the server goes on with what it has
            self._fail(error, digest)
            return False
        self._complaint = ""
        self._metrics.switches.labels("done").inc()
        _log.warning("now answers: %s, %s; before: %s", found.said, digest[:16], before.digest[:16])
        return True

    def _take(self, model: LoadedModel) -> None:
        before, self.loaded = self.loaded, model
        self._metrics.model.labels(model.model.name, model.model.key, model.digest).set(1)
        if before is not None:
            self._metrics.model.remove(before.model.name, before.model.key, before.digest)

    def _fail(self, error: Exception, digest: str) -> None:
        # What is not there at the moment may be there at the next look; a damaged package stays so.
        if digest and isinstance(error, MaskfoldError) and not isinstance(error, UnavailableError):
            self._refused = digest
        self._metrics.switches.labels("failed").inc()
        if str(error) != self._complaint:
            self._complaint = str(error)
            _log.warning("the model stays as it is: %s", error, exc_info=not isinstance(error, MaskfoldError))


class Lookout:
    """A thread that looks for another model from time to time.

    Args:
        current: What to keep up to date.
        seconds: Between two looks.
    """

    def __init__(self, current: CurrentModel, seconds: float) -> None:
        self._current, self._seconds = current, seconds
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="lookout", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> bool:
        """End, and return whether it has; a model that is being loaded is left to itself."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(_SOON)
        return not self._thread.is_alive()

    def _watch(self) -> None:
        while not self._ended.wait(self._seconds):
            self._current.look()


def digest_of(found: FoundModel) -> str:
    """Return the digest of a package as it is now, without looking at its other files.

    Raises:
        InputError: If there is no package.
        UnavailableError: If the storage cannot be reached.
    """
    content = open_existing(found.uri).read(MODEL_FILE)
    if content is None:
        raise InputError(
            f"{found.uri}: no model here: expected a folder with {MODEL_FILE}, such as WORKSPACE/models/<key>; or name "
            "champion, run:latest or run:ID with --workspace"
        )
    return hashlib.sha256(content).hexdigest()
