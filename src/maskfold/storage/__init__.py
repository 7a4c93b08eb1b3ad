"""The workspace: files under one URI, local or S3, published atomically and verified when read."""

from maskfold.regular import read_regular
from maskfold.storage.cache import alone
from maskfold.storage.checksummed import checksum_line, write_with_checksum
from maskfold.storage.external import fetch_external, locate_external
from maskfold.storage.sources import adopt, exists, foresee, is_file, link_out, list_folder, make_bucket, read_uri
from maskfold.storage.tensor_file import check_tensor_file
from maskfold.storage.tree import fetch_files, fetch_tree, fingerprint, list_tree
from maskfold.storage.workspace import Workspace, open_existing, open_workspace

__all__ = [
    "Workspace",
    "adopt",
    "alone",
    "check_tensor_file",
    "checksum_line",
    "exists",
    "fetch_external",
    "fetch_files",
    "fetch_tree",
    "fingerprint",
    "foresee",
    "is_file",
    "link_out",
    "list_folder",
    "list_tree",
    "locate_external",
    "make_bucket",
    "open_existing",
    "open_workspace",
    "read_regular",
    "read_uri",
    "write_with_checksum",
]
