"""Databases that MLflow would wait for, and what their errors show."""

import socket
import threading
from collections.abc import Iterator

import pytest

from maskfold.tracking import store
from maskfold.tracking.logged import short

KINDS = ["postgresql", "postgresql+psycopg2", "mysql+pymysql"]


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A port that accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.mark.parametrize("kind", KINDS)
def test_a_database_that_accepts_and_never_answers_is_not_waited_for(
    kind: str, listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_ANSWER_SECONDS", 0.3)
    with pytest.raises(TimeoutError):
        store.connect(f"{kind}://anna:pl4nted-one@127.0.0.1:{listener.getsockname()[1]}/mlflow")


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_database_is_named(kind: str, listener: socket.socket) -> None:
    def hang_up() -> None:
        connection, _ = listener.accept()
        connection.recv(8) if kind.startswith("postgresql") else None
        connection.close()

    thread = threading.Thread(target=hang_up)
    thread.start()
    port = listener.getsockname()[1]
    with pytest.raises(ConnectionError, match=f"port {port} of 127.0.0.1 is no {kind.partition('+')[0]} server"):
        store.connect(f"{kind}://anna:pl4nted-one@127.0.0.1:{port}/mlflow")
    thread.join()


def test_an_error_that_is_cut_shows_no_part_of_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "pl4nted-password")
    for length in range(270, 310):
        assert "pl4" not in short(ValueError("x" * length + "pl4nted-password"))
        assert "pl4" not in short(ValueError("x" * length + " http://anna:pl4nted-uri@host/"))
