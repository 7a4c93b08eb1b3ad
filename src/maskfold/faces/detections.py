"""Detections, stored in the workspace separately from the packs.

Detection takes most of the time of cropping and depends on the photographs and the detector alone. So a run with other
margins or sizes reuses the detections of an earlier one, and an interrupted run continues after the last complete
shard. A shard is a parquet file of some hundred photographs. It is written atomically, and its name contains the digest
of its bytes. A damaged shard is ignored, and its photographs are searched again.
"""

from __future__ import annotations

import hashlib
import io
import logging
from collections.abc import Iterator
from typing import Final, Literal

import numpy as np
import pandas as pd

from maskfold.dataset.frame import read_frame
from maskfold.errors import CorruptDataError
from maskfold.faces.detector import Candidates
from maskfold.faces.passes import Sighting
from maskfold.faces.picture import least_side
from maskfold.recipe import Crop
from maskfold.specs import digest
from maskfold.storage import Workspace

DETECTOR_VERSION: Final = 3
"""Raised whenever the cascade or the choice finds different faces in the same photographs."""
SHARD_IMAGES: Final = 256
"""Photographs of a shard: a few seconds of work."""

LookName = Literal["first", "closer"]
Found = tuple[int, int, Candidates]
"""Height and width of a photograph, and its candidates."""
_EDGES = ["left", "top", "right", "bottom"]
_COLUMNS: Final = {"image": "str", "height": "int32", "width": "int32"} | dict.fromkeys(
    ("probability", *_EDGES), "float32"
)
_log = logging.getLogger(__name__)


class Detections:
    """The detections of one set of photographs.

    Args:
        workspace: Where they are stored.
        images_version: Digest of the training photographs.
        crop: Its least probability determines which photographs get a closer look; its sizes determine the resolution
            of decoding.
        share: Number, from 1, and count of shares if several jobs divide the photographs: each writes into a folder of
            its own and reads only that. Without it all are read.
    """

    def __init__(
        self, workspace: Workspace, images_version: str, crop: Crop, share: tuple[int, int] | None = None
    ) -> None:
        finds = [images_version, crop.min_probability, least_side(crop)]
        key = digest(["detections", DETECTOR_VERSION, *finds])[:16]
        self.address = f"detections/{key}"
        self._below = "" if share is None else f"/{share[0]}-of-{share[1]}"
        self._workspace = workspace
        self._fresh: dict[LookName, list[tuple[str, Sighting]]] = {"first": [], "closer": []}
        self._kept: dict[LookName, set[str]] = {"first": set(), "closer": set()}

    def load(self, look: LookName) -> dict[str, Found]:
        """Return the stored detections of photographs that were searched before, by image."""
        known: dict[str, Found] = {}
        for address in self._workspace.list(f"{self.address}/{look}{self._below}"):
            content = self._workspace.read(address)
            try:
                if content is None or hashlib.sha256(content).hexdigest() not in address:
                    raise CorruptDataError
                known.update(_rows(read_frame(io.BytesIO(content), "a shard of detections", _COLUMNS)))
            except CorruptDataError:
                _log.warning("%s is damaged; its photographs are searched again", self._workspace.locate(address))
        self._kept[look].update(known)
        return known

    def add(self, look: LookName, image: str, seen: Sighting) -> None:
        """Add the detections of a photograph unless they are stored; they are published with the next full shard."""
        if image in self._kept[look]:
            return
        self._kept[look].add(image)
        self._fresh[look].append((image, seen))
        if len(self._fresh[look]) == SHARD_IMAGES:
            self._publish(look)

    def flush(self) -> None:
        """Publish the remaining detections."""
        for look in self._fresh:
            self._publish(look)

    def _publish(self, look: LookName) -> None:
        fresh = self._fresh[look]
        if not fresh:
            return
        content = _table(fresh).to_parquet(index=False)
        self._workspace.write(
            f"{self.address}/{look}{self._below}/{hashlib.sha256(content).hexdigest()}.parquet", content
        )
        fresh.clear()


def _table(fresh: list[tuple[str, Sighting]]) -> pd.DataFrame:
    """Return one row per candidate, and one without a probability for each photograph without candidates."""
    counts = [max(1, len(seen.found)) for _, seen in fresh]
    nothing = Candidates(np.full((1, 4), np.nan, np.float32), np.full(1, np.nan, np.float32))
    found = [seen.found if len(seen.found) else nothing for _, seen in fresh]
    table = pd.DataFrame(
        {
            "image": np.repeat([image for image, _ in fresh], counts),
            "height": np.repeat([seen.height for _, seen in fresh], counts).astype(np.int32),
            "width": np.repeat([seen.width for _, seen in fresh], counts).astype(np.int32),
            "probability": np.concatenate([candidates.probabilities for candidates in found]),
        }
    )
    table[_EDGES] = np.concatenate([candidates.boxes for candidates in found])
    return table


def _rows(table: pd.DataFrame) -> Iterator[tuple[str, Found]]:
    begins = np.flatnonzero(table["image"].ne(table["image"].shift()))
    boxes, probabilities = table[_EDGES].to_numpy(np.float32), table["probability"].to_numpy(np.float32)
    images, heights, widths = (table[name].tolist() for name in ("image", "height", "width"))
    for begin, end in zip(begins, [*begins[1:], len(table)], strict=True):
        if np.isnan(probabilities[begin]):
            end = begin
        # Copies, so that a photograph does not keep its whole shard in memory.
        found = Candidates(boxes[begin:end].copy(), probabilities[begin:end].copy())
        yield images[begin], (heights[begin], widths[begin], found)
