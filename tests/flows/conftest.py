"""Flows of these tests run on a real server."""

import pytest


@pytest.fixture(autouse=True, scope="session")
def _server(prefect_server: str) -> str:
    return prefect_server
