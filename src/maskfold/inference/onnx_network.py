"""Networks computed by onnxruntime, which on processors is faster than torch; files of them are kept on the machine."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from maskfold.errors import InputError
from maskfold.home import PRIVATE_FILE
from maskfold.inference.network import FinishedNetwork, read_card
from maskfold.inference.onnx_export import export_onnx, with_weights
from maskfold.inference.pictures import pictures
from maskfold.inference.whole_model import TrainingModule
from maskfold.specs import NetworkCard
from maskfold.storage.aside import aside
from maskfold.storage.cache import cache_folder, locked, mark_used
from maskfold.storage.checksum import sha256_of
from maskfold.training.images import Images

AGREEMENT: Final = 1e-5
"""Largest difference of a probability from torch's with which an exported network is used."""
_FORM: Final = 2
"""Raised when exported files change."""
_INPUT: Final = "images"
_AT_ONCE: Final = 8
"""Images at once, whose activations stay in a core's cache: mobilenetv2_035 does a third more than with 64."""
_COMPARED: Final = 16
_NETWORK: Final = "network.onnx"
_CHECKED: Final = "checked.json"
"""Written last: digest of the network, and how much it differs from torch."""
_CPU: Final = torch.device("cpu")

log = logging.getLogger(__name__)


class OnnxNetwork:
    """A training of a network, computed by onnxruntime.

    Args:
        path: Its ONNX file.
        size: Height and width of its inputs.
        threads: Processor threads.
    """

    def __init__(self, path: Path, size: tuple[int, int], threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Threads that wait for work by spinning would take the processor from those that cut out faces.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self._size = size

    @property
    def size(self) -> tuple[int, int]:
        return self._size

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See :class:`maskfold.inference.voters.TrainedNetwork`."""
        planes = images.transpose(0, 3, 1, 2)
        starts = range(0, max(len(images), 1), _AT_ONCE)
        parts = [planes[start : start + _AT_ONCE].astype(np.float32) for start in starts]
        return np.concatenate([self._session.run(None, {_INPUT: part})[0] for part in parts])


@dataclass
class OnnxCache:
    """Exported networks, kept in this machine's cache by the digest of their weights.

    A graph is made once for each architecture, which takes seconds; trainings of the same differ in weights alone.
    """

    threads: int
    """Of the networks that are loaded."""
    _graphs: dict[str, Any] = field(default_factory=dict)

    def get(self, weights: Path, sha256: str) -> OnnxNetwork | None:
        """Return a network as it was exported before; else export it, and check it against torch.

        Args:
            weights: A training's ``weights.safetensors``.
            sha256: Of this file.

        Returns:
            None, with a warning, if it cannot be exported or differs from torch: then torch computes it.

        Raises:
            CorruptDataError: If the weights do not fit their card.
        """
        folder, card = _folder(sha256), read_card(weights)
        try:
            with locked(folder):
                if not _is_whole(folder) and not self._export(FinishedNetwork.load(weights, _CPU), folder):
                    return None
            mark_used(folder)
            return OnnxNetwork(folder / _NETWORK, card.input.size, self.threads)
        except InputError as error:
            log.warning("%s is computed by torch: %s", card.backbone, error)
        except OSError as error:
            log.warning("%s is computed by torch, because %s cannot be written: %s", card.backbone, folder, error)
        return None

    def _export(self, network: FinishedNetwork, folder: Path) -> bool:
        """Export a network into a folder; return whether it answers as by torch."""
        card, module = network.card, TrainingModule(network)
        structure = _structure(card)
        if structure not in self._graphs:
            self._graphs[structure] = export_onnx(module, [_INPUT], [torch.zeros(2, 3, *card.input.size)], False)
        target = folder / _NETWORK
        with aside(target) as path:
            path.write_bytes(with_weights(self._graphs[structure], module.state_dict()))
            path.chmod(PRIVATE_FILE)
            difference = _difference(network, OnnxNetwork(path, card.input.size, self.threads))
        if not difference < AGREEMENT:
            target.unlink()
            text = "%s is computed by torch: its probabilities by onnxruntime differ by %.1e, at most %.0e is allowed"
            log.warning(text, card.backbone, difference, AGREEMENT)
            return False
        with aside(folder / _CHECKED) as path:
            path.write_text(json.dumps({"sha256": sha256_of(target), "difference": difference}), encoding="ascii")
        return True


def _is_whole(folder: Path) -> bool:
    """Return whether a folder has a network as it was exported and checked."""
    try:
        said = json.loads((folder / _CHECKED).read_bytes())
        return bool(sha256_of(folder / _NETWORK) == said["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        return False


def suits(card: NetworkCard) -> bool:
    """Return whether onnxruntime computes a network as torch does: in float32."""
    return card.precision == "off"


def _difference(network: FinishedNetwork, exported: OnnxNetwork) -> float:
    """Return the largest difference between the probabilities of torch and of onnxruntime."""
    images = pictures(_COMPARED, network.card.input.size)
    expected = network.predict(Images(images, network.device), np.arange(len(images)))
    return float(np.abs(exported.probabilities(images) - expected).max())


def _structure(card: NetworkCard) -> str:
    """Return what two networks have in common that differ in weights alone."""
    return card.model_dump_json(include={"backbone", "backbone_args", "input", "counted_classes", "classes"})


def _folder(sha256: str) -> Path:
    made_by = "-".join(version(name) for name in ("torch", "onnxruntime"))
    return cache_folder() / "onnx" / f"{sha256}-{_FORM}-{made_by}"
