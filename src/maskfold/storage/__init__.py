"""The workspace: files under one URI, local or S3, published atomically and verified when read."""

from maskfold.storage.cache import alone
from maskfold.storage.external import fetch_external, locate_external
from maskfold.storage.sources import adopt, exists, is_file, list_folder, make_bucket, read_uri
from maskfold.storage.tree import fetch_tree, fingerprint, list_tree
from maskfold.storage.workspace import Workspace, open_workspace

__all__ = [
    "Workspace",
    "adopt",
    "alone",
    "exists",
    "fetch_external",
    "fetch_tree",
    "fingerprint",
    "is_file",
    "list_folder",
    "list_tree",
    "locate_external",
    "make_bucket",
    "open_workspace",
    "read_uri",
]
