"""Command ``export``: the model of a finished run as a package, or as one file for other programs."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from maskfold import errors
from maskfold.cli.endings import exit_codes
from maskfold.cli.options import WORKSPACE, Json, WorkspaceOption
from maskfold.cli.results import print_result
from maskfold.wording import printable

if TYPE_CHECKING:
    from maskfold.inference.package import OpenPackage

Format = Literal["package", "onnx", "pt2", "safetensors"]


def export(
    workspace: WorkspaceOption = WORKSPACE,
    run: Annotated[
        str, typer.Option(metavar="latest|ID", help="Which run; the beginning of its id is enough.")
    ] = "latest",
    format: Annotated[
        Format, typer.Option(help="The model package, or one file with preprocessing and vote.")
    ] = "package",
    out: Annotated[
        str, typer.Option(metavar="DIR|FILE", help="Where to; default: the workspace, or NAME.FORMAT in this folder.")
    ] = "",
    json: Json = False,
) -> None:
    """Export the trained model of a run: its package, or one file (onnx, pt2, safetensors) for other programs."""
    with exit_codes(verbose=False):
        logging.basicConfig(format="%(message)s", level=logging.WARNING)
        if format != "package" and "://" in out and not out.startswith("file://"):
            raise errors.InputError(f"--out {out}: a format is written to a file on this machine; name a path")
        if format == "onnx":
            from maskfold.inference.onnx_export import require_packages

            require_packages()
        from maskfold import packages

        found = packages.package_of(run, workspace)
        from maskfold.inference.package import OpenPackage

        package = OpenPackage.open(found.uri, found.digest)
        result = _copied(package, out) if format == "package" else _written(package, format, out)
        print(printable(f"{found.said}: {result['model']}{result.pop('said', '')}"), file=sys.stderr)
        print_result(
            {"run": run, "name": package.model.name, "digest": package.digest, "format": format, **result}, json
        )


def _copied(package: OpenPackage, out: str) -> dict[str, Any]:
    if not out:
        return {"model": package.uri}
    from maskfold.inference.package_copy import copy_package

    return {"model": copy_package(package, out)}


def _written(package: OpenPackage, wanted: Literal["onnx", "pt2", "safetensors"], out: str) -> dict[str, Any]:
    from maskfold.inference.formats import COMPARED, write_file

    target = Path(out.removeprefix("file://") or ".").absolute()
    if target.is_dir():
        target /= f"{package.model.name}.{wanted}"
    written = write_file(package, wanted, target)
    said = f", {written.size / 1e6:,.1f} MB; on {COMPARED} images it differs from the model by {written.difference:.1e}"
    if written.mixed_difference > written.difference * 10:
        said += f" in float32, and by {written.mixed_difference:.1e} from its mixed precision"
    return {
        "model": str(written.path),
        "bytes": written.size,
        "inputs": list(written.inputs),
        "difference": written.difference,
        "mixed_precision_difference": written.mixed_difference,
        "said": said,
    }
