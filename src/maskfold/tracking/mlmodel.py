"""The files by which MLflow knows a model package as a model: its loader, its signature, an example.

They are written here and not by MLflow's ``save_model``, which needs torch to load the model and guesses what it
requires. The loader is a module of maskfold and the package its data, so the artifacts hold no code and no pickle.
https://mlflow.org/docs/latest/ml/model/#storage-format
"""

from __future__ import annotations

import base64
import json
import struct
import zlib
from datetime import UTC, datetime
from typing import Any, Final

import yaml

from maskfold.specs import ModelPackage

LOADER: Final = "maskfold.inference.pyfunc"
PACKAGE: Final = "package"
"""Folder of the package within the model."""
_MLMODEL, _EXAMPLE, _SERVING = "MLmodel", "input_example.json", "serving_input_example.json"
_REQUIREMENTS, _ENVIRONMENT = "requirements.txt", "python_env.yaml"
_INPUT: Final = {"type": "binary", "name": "image", "required": True}
_EXAMPLE_SIZE: Final = 64
"""Pixels; large enough for a photograph."""


def model_files(package: ModelPackage, model_id: str, location: str, run_id: str, at: int) -> dict[str, str]:
    """Return the texts beside the package, by their names.

    Args:
        package: Its description.
        model_id: Of the logged model.
        location: URI of its artifacts.
        run_id: Of the MLflow run that made it; empty if there is none.
        at: When it was made, in milliseconds since 1970.
    """
    from mlflow import __version__ as mlflow_version

    made = datetime.fromtimestamp(at / 1000, UTC).replace(tzinfo=None)
    example = [base64.b64encode(_picture(shift)).decode() for shift in (0, 128)]
    described: dict[str, Any] = {
        "artifact_path": location,
        "flavors": {
            "python_function": {
                "loader_module": LOADER,
                "data": PACKAGE,
                "env": {"virtualenv": _ENVIRONMENT},
                "python_version": package.versions["python"],
            }
        },
        # The loader checks its input itself: one signature has no room for bytes, arrays and tables alike.
        "is_signature_from_type_hint": True,
        "type_hint_from_example": False,
        "metadata": {"maskfold.key": package.key, "maskfold.name": package.name},
        "mlflow_version": mlflow_version,
        "model_id": model_id,
        "model_size_bytes": sum(file.size for file in package.files),
        "model_uuid": model_id,
        "saved_input_example_info": {
            "artifact_path": _EXAMPLE,
            "serving_input_path": _SERVING,
            "type": "json_object",
        },
        "signature": {"inputs": json.dumps([_INPUT]), "outputs": json.dumps(_outputs(package)), "params": None},
        "utc_time_created": made.isoformat(sep=" "),
        **({"run_id": run_id} if run_id else {}),
    }
    environment = {"python": package.versions["python"], "dependencies": [f"-r {_REQUIREMENTS}"]}
    required = (f"mlflow=={mlflow_version}", f"maskfold[train]=={package.versions['maskfold']}")
    return {
        _MLMODEL: yaml.safe_dump(described, default_flow_style=False),
        _REQUIREMENTS: "\n".join(required),
        _ENVIRONMENT: yaml.safe_dump(environment),
        _EXAMPLE: json.dumps(example),
        _SERVING: json.dumps({"inputs": example}),
    }


def _outputs(package: ModelPackage) -> list[dict[str, Any]]:
    """Return the columns of the answers; see ``maskfold.inference.answers``."""
    box = [f"face_{edge}" for edge in ("left", "top", "right", "bottom")]
    types = [
        ("string", ["image"]),
        ("integer", ["face", "class"]),
        ("string", package.scheme.names),
        ("double", ["confidence"]),
        ("boolean", ["unsure"]),
        ("string", ["face_status"]),
        ("float", ["face_probability", *box]),
        ("integer", ["height", "width"]),
        ("string", ["problem"]),
        ("double", [f"p{number}" for number in range(package.scheme.n_classes)]),
    ]
    return [{"type": kind, "name": name, "required": True} for kind, names in types for name in names]


def _picture(shift: int) -> bytes:
    """Return a picture of nothing as a PNG file: an example must not show a person of the data set."""
    line = bytes((place * 4 + shift) % 256 for place in range(_EXAMPLE_SIZE) for _ in range(3))
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", _EXAMPLE_SIZE, _EXAMPLE_SIZE, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress((b"\0" + line) * _EXAMPLE_SIZE)),
        (b"IEND", b""),
    )
    chunks = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
