"""A model as one file with its preprocessing, for programs without maskfold: ONNX, pt2, or safetensors.

ONNX and pt2 take uint8 images of the crop's size, (N, height, width, 3), RGB, called ``face`` and ``portrait`` (those
that the networks look at), N as you like, and return ``probabilities``, float32, (N, joint classes). safetensors has
the weights of all trainings and all that is needed to build the networks; :mod:`maskfold.inference.combined` reads it.
Each file has the model's description, and is run and compared with the model before it gets its name.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from maskfold.errors import InputError, MaskfoldError
from maskfold.inference.combined import read_combined, write_combined
from maskfold.inference.network import FinishedNetwork
from maskfold.inference.onnx_export import OUTPUT, export_onnx, require_packages
from maskfold.inference.package import OpenPackage
from maskfold.inference.pictures import pictures
from maskfold.inference.trainings import TorchNetwork
from maskfold.inference.voters import Voters
from maskfold.inference.whole_model import WholeModel, given_size, inputs
from maskfold.scheme import FloatArray
from maskfold.specs import ModelPackage
from maskfold.specs.network_card import HEADER
from maskfold.storage.aside import aside
from maskfold.storage.faults import disk_faults

FileFormat = Literal["onnx", "pt2", "safetensors"]
AGREEMENT: Final = 1e-5
"""Largest difference of a probability from the model's with which a file is handed out."""
COMPARED: Final = 64
"""Images that each file is run on before."""
_CPU: Final = torch.device("cpu")

Computed = Callable[[Sequence[NDArray[np.uint8]]], FloatArray]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class WrittenFile:
    """A model as one file."""

    path: Path
    size: int
    """Bytes."""
    inputs: tuple[str, ...]
    """Names of its inputs."""
    difference: float
    """Largest difference of a probability from the model's, both in float32, on 64 images."""
    mixed_difference: float
    """The same from the model in the precision that it was trained with; it is not limited."""


def write_file(package: OpenPackage, file_format: FileFormat, target: Path) -> WrittenFile:
    """Write a model as one file, run it, and compare it with the model; an older file is replaced only then.

    Args:
        package: The verified package.
        file_format: Which format.
        target: The file.

    Raises:
        InputError: If the format's packages are missing, or it cannot express the networks.
        MaskfoldError: If the file answers differently, or cannot be written.
    """
    if file_format == "onnx":
        require_packages()
    if target.is_dir():
        raise InputError(f"{target} is a folder; name a file")
    networks = {
        network.name: [_in_float32(FinishedNetwork.load(package.paths[file.name], _CPU)) for file in network.weights]
        for network in package.model.networks
    }
    with disk_faults(f"write {target}"):
        target.parent.mkdir(parents=True, exist_ok=True)
        with aside(target) as path:
            _WRITERS[file_format](package, networks, path)
            computed = _READERS[file_format](path)
            written = _compared(package, networks, computed, target, path.stat().st_size)
    log.info("%s: %d bytes, differs by %.1e", target, written.size, written.difference)
    return written


def _in_float32(network: FinishedNetwork) -> FinishedNetwork:
    return replace(network, card=network.card.model_copy(update={"precision": "off"}))


def _compared(
    package: OpenPackage, networks: Mapping[str, Sequence[FinishedNetwork]], computed: Computed, target: Path, size: int
) -> WrittenFile:
    model = package.model
    names = inputs(model)
    shown = {name: pictures(COMPARED, given_size(model, name)) for name in names}
    found = computed([shown[name] for name in names])
    faces, portraits = (shown.get(name, np.empty((COMPARED, 1, 1, 3), np.uint8)) for name in ("face", "portrait"))
    exact = Voters(model, {name: [*map(TorchNetwork, some)] for name, some in networks.items()})
    difference = float(np.abs(exact.probabilities(faces, portraits) - found).max())
    if not difference <= AGREEMENT:
        raise MaskfoldError(
            f"{target} was not written: on {COMPARED} images its probabilities differ by {difference:.1e} from the "
            f"model's, at most {AGREEMENT:.0e} is allowed; use another format"
        )
    trained = Voters.load(package, _CPU, "torch").probabilities(faces, portraits)
    return WrittenFile(target, size, tuple(names), difference, float(np.abs(trained - found).max()))


def _whole(
    model: ModelPackage, networks: Mapping[str, Sequence[FinishedNetwork]]
) -> tuple[WholeModel, list[torch.Tensor]]:
    module = WholeModel(model, networks).eval()
    module.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]  # as files have it
    return module, [torch.zeros(2, *given_size(model, name), 3, dtype=torch.uint8) for name in module.inputs]


def _write_onnx(package: OpenPackage, networks: Mapping[str, Sequence[FinishedNetwork]], path: Path) -> None:
    module, examples = _whole(package.model, networks)
    graph = export_onnx(module, module.inputs, examples)
    entry = graph.metadata_props.add()
    entry.key, entry.value = HEADER, package.model.model_dump_json()
    path.write_bytes(graph.SerializeToString())


def _read_onnx(path: Path) -> Computed:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [given.name for given in session.get_inputs()]

    def compute(images: Sequence[NDArray[np.uint8]]) -> FloatArray:
        found: FloatArray = session.run([OUTPUT], dict(zip(names, images, strict=True)))[0].astype(np.float64)
        return found

    return compute


def _write_pt2(package: OpenPackage, networks: Mapping[str, Sequence[FinishedNetwork]], path: Path) -> None:
    module, examples = _whole(package.model, networks)
    batch = torch.export.Dim("batch", min=1)
    shapes = (tuple({0: batch} for _ in examples),)
    try:
        with torch.no_grad():
            program = torch.export.export(module, tuple(examples), dynamic_shapes=shapes)
    except Exception as error:  # torch raises anything
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise InputError(f"pt2 cannot express this network ({first}); use safetensors") from error
    with path.open("wb") as stream:
        torch.export.save(program, stream, extra_files={HEADER: package.model.model_dump_json()})


def _read_pt2(path: Path) -> Computed:
    with path.open("rb") as stream:
        module = torch.export.load(stream).module()

    def compute(images: Sequence[NDArray[np.uint8]]) -> FloatArray:
        with torch.inference_mode():
            found: torch.Tensor = module(*map(torch.from_numpy, images))
        return np.asarray(found.numpy(), dtype=np.float64)

    return compute


def _write_safetensors(package: OpenPackage, _: Mapping[str, Sequence[FinishedNetwork]], path: Path) -> None:
    write_combined(package, path)


def _read_safetensors(path: Path) -> Computed:
    model, networks = read_combined(path, _CPU)
    exact = {name: [TorchNetwork(_in_float32(one)) for one in some] for name, some in networks.items()}
    names, voters = inputs(model), Voters(model, exact)

    def compute(images: Sequence[NDArray[np.uint8]]) -> FloatArray:
        given = dict(zip(names, images, strict=True))
        nothing = np.empty((len(images[0]), 1, 1, 3), np.uint8)
        return voters.probabilities(given.get("face", nothing), given.get("portrait", nothing))

    return compute


_WRITERS: Final[Mapping[str, Callable[[OpenPackage, Mapping[str, Sequence[FinishedNetwork]], Path], Any]]] = {
    "onnx": _write_onnx,
    "pt2": _write_pt2,
    "safetensors": _write_safetensors,
}
_READERS: Final[Mapping[str, Callable[[Path], Computed]]] = {
    "onnx": _read_onnx,
    "pt2": _read_pt2,
    "safetensors": _read_safetensors,
}
