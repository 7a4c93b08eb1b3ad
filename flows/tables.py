"""Tables that Prefect shows beside a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from prefect.artifacts import create_table_artifact
from prefect.logging import get_run_logger

from flows.server import said_by


def show_table(key: str, rows: Sequence[Mapping[str, Any]], description: str) -> None:
    """Show a table in Prefect; if the server does not accept it, a warning is logged and the run continues.

    Args:
        key: Of the artifact.
        rows: Values by column.
        description: For people.
    """
    try:
        create_table_artifact(key=key, table=[dict(row) for row in rows], description=description)
    except Exception as error:  # noqa: BLE001 - a table that cannot be shown must not stop a run
        get_run_logger().warning("Prefect does not accept the table %s: %s", key, said_by(error))
