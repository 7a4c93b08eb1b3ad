"""Copies of packages for other machines."""

from __future__ import annotations

from maskfold.errors import InputError
from maskfold.inference.package import OpenPackage
from maskfold.specs.model import MODEL_FILE, SUMS_FILE
from maskfold.storage import open_existing, open_workspace
from maskfold.wording import first_few


def copy_package(package: OpenPackage, out: str) -> str:
    """Copy a verified package into a folder, ``model.json`` last: a copy that was interrupted is no model yet.

    The same copy again only adds what is missing.

    Args:
        package: The package.
        out: A folder that is empty or does not exist, or has a copy of the same package: a path, ``file://``, ``s3://``.

    Returns:
        The folder's full address.

    Raises:
        InputError: If the folder has anything else.
        UnavailableError: If the storage cannot be reached.
    """
    source, target = open_existing(package.uri), open_workspace(out)
    texts = {name: source.read(name) or b"" for name in (SUMS_FILE, MODEL_FILE)}
    there = target.list()
    foreign = [name for name in there if name not in {*package.paths, *texts}]
    if foreign:
        raise InputError(
            f"--out {out}: the folder has other files ({first_few(foreign)}); name a new folder. Nothing was written"
        )
    described = target.read(MODEL_FILE)
    if described is not None and described != texts[MODEL_FILE]:
        raise InputError(f"--out {out}: the folder has another model; name a new folder. Nothing was written")
    for name, path in package.paths.items():
        target.publish(path, name)
    for name, content in texts.items():
        target.write(name, content)
    return target.uri
