"""What a run leaves behind: the files of its workspace that must be equal, and what MLflow shows of it."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tests.servers.s3 import S3Server

_COMPARED = (".csv", ".parquet", ".safetensors", ".npy", ".yaml")


@dataclass(frozen=True)
class Outputs:
    """A workspace as it is after a run."""

    files: dict[str, bytes]
    """Content of tables, predictions, weights and crops, by address."""
    records: frozenset[str]
    """Ids of the runs that worked in it."""

    @classmethod
    def of_folder(cls, workspace: Path) -> Outputs:
        """Read a workspace on the disk."""
        names = [str(path.relative_to(workspace)) for path in workspace.rglob("*") if path.is_file()]
        return cls({name: (workspace / name).read_bytes() for name in names if _is_compared(name)}, _records(names))

    @classmethod
    def of_bucket(cls, server: S3Server, bucket: str, prefix: str) -> Outputs:
        """Read a workspace on S3, by a client that is none of ours."""
        client, names = server.client(), list(listed(server, bucket, prefix))
        read = {
            name: client.get_object(Bucket=bucket, Key=f"{prefix}/{name}")["Body"].read()
            for name in names
            if _is_compared(name)
        }
        return cls(read, _records(names))

    def differences(self, other: Outputs) -> list[str]:
        """Return the addresses of files that are not equal, or that only one of the two has."""
        names = sorted(self.files.keys() | other.files.keys())
        return [name for name in names if self.files.get(name) != other.files.get(name)]

    def contents(self) -> Counter[tuple[str, bytes]]:
        """Return stage and content of each file, whatever the keys: those of another data set's URI differ.

        Texts of a model package name its key, so that only its weights are compared.
        """
        texts = [name for name in self.files if name.startswith("models/") and not name.endswith(".safetensors")]
        return Counter((name.split("/")[0], content) for name, content in self.files.items() if name not in texts)


def listed(server: S3Server, bucket: str, prefix: str) -> dict[str, datetime]:
    """Return when each object below a prefix was written, by its address there."""
    pages = server.client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/")
    entries = [entry for page in pages for entry in page.get("Contents", [])]
    return {entry["Key"].removeprefix(f"{prefix}/"): entry["LastModified"] for entry in entries}


def mlflow_faults(database: Path, records: frozenset[str]) -> list[str]:
    """Say what is wrong with the runs of a workspace in MLflow: without an end, doubled, or missing."""
    query = """
        SELECT run.status, record.value, coalesce(job.value, '') FROM runs run
        JOIN tags record ON record.run_uuid = run.run_uuid AND record.key = 'maskfold.run'
        LEFT JOIN tags job ON job.run_uuid = run.run_uuid AND job.key = 'maskfold.job'
        WHERE run.lifecycle_stage = 'active'
    """
    with closing(sqlite3.connect(database)) as opened:
        shown = [row for row in opened.execute(query) if row[1] in records]
    counts = Counter((record, job) for _, record, job in shown)
    return [
        *(f"run {record} {job}: shown as {status}" for status, record, job in shown if status == "RUNNING"),
        *(f"run {record} {job}: shown {count} times" for (record, job), count in counts.items() if count > 1),
        *(f"run {record}: not shown" for record in sorted(records) if (record, "") not in counts),
    ]


def _records(names: list[str]) -> frozenset[str]:
    return frozenset(name.split("/")[1] for name in names if name.startswith("runs/") and name.endswith("/run.json"))


def _is_compared(name: str) -> bool:
    # The scores of folds also say how long each took.
    if name.startswith("models/"):  # who is champion, and what MLflow has, have times
        return not name.endswith(".champion.json") and "/registered-" not in name
    return name.endswith(_COMPARED) and "detections/" not in name and not name.endswith("fold_scores.csv")
