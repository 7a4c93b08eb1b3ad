"""What a user can get wrong: one clear message and exit code 2, before anything is served."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from maskfold.cli import app
from maskfold.serving.token import TOKEN_VARIABLE

GOOD = "0123456789abcdef0123"


@pytest.fixture
def package(tmp_path: Path) -> str:
    """A folder that looks like a package from afar."""
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "model.json").write_text("{}")
    return str(folder)


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def refused(*arguments: str, **environment: str) -> str:
    done = CliRunner().invoke(app, ["serve", *arguments], env={TOKEN_VARIABLE: None, **environment})
    assert done.exit_code == 2, done.output
    assert not done.stdout.strip()
    message = done.stderr.strip()
    assert "Traceback" not in message
    return message


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--model", "nowhere"], "nowhere: there is no such folder"),
        (["--model", "EMPTY"], "no model here: expected a folder with model.json"),
        (["--model", "run:latest", "--workspace", "nowhere"], "nowhere: there is no such folder"),
        (["--model", "run:latest", "--workspace", "EMPTY"], "no run has finished yet"),
        (["--model", "run:abc", "--workspace", "EMPTY"], "run 'abc': there is no such run"),
        (["--model", "PACKAGE", "--host", "0.0.0.0"], "needs a token: --token-file FILE or MASKFOLD_SERVE_TOKEN"),
        (["--model", "PACKAGE", "--host", "127.0.0.1.example.org"], "needs a token"),
        (["--model", "PACKAGE", "--max-images", "9", "--queue", "8"], "--max-images 9: more than --queue 8"),
    ],
)
def test_one_message_says_what_to_do(arguments: list[str], said: str, package: str, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    given = [{"PACKAGE": package, "EMPTY": str(empty)}.get(argument, argument) for argument in arguments]
    message = refused(*given, "--port", "0")
    assert said in message
    assert message.count("\n") == 0


def test_a_taken_port_is_named(package: str, taken: int) -> None:
    message = refused("--model", package, "--port", str(taken))
    assert f"127.0.0.1:{taken} cannot be opened: another program listens there already" in message


def test_a_host_that_is_not_here(package: str) -> None:
    message = refused("--model", package, "--host", "192.0.2.1", MASKFOLD_SERVE_TOKEN=GOOD)
    assert "192.0.2.1:8000 cannot be opened: not an address of this machine" in message


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no such file or directory"),
        (b"", "has 0 characters"),
        (b"short", "has 5 characters"),
        (b"aaaaaaaaaaaaaaaaaaaaaaaa", "1 of them different"),
        (b"two words of the token", "without blanks"),
        ("ein-schlüssel-mit-umlaut".encode(), "without blanks"),
        (b"x" * 5000, "bytes"),
    ],
)
def test_a_bad_token_file_is_refused_and_not_shown(
    content: bytes | None, said: str, package: str, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    message = refused("--model", package, "--token-file", str(file))
    assert f"token file {file}" in message
    assert said in message
    assert not content or content.decode() not in message


def test_a_folder_or_a_pipe_is_no_token_file(package: str, tmp_path: Path) -> None:
    assert "token file" in refused("--model", package, "--token-file", str(tmp_path))
    assert "not an ordinary file" in refused("--model", package, "--token-file", "/dev/zero")


def test_a_bad_token_of_the_environment_is_named_without_its_value(package: str) -> None:
    message = refused("--model", package, MASKFOLD_SERVE_TOKEN="too-short")
    assert message.startswith("maskfold: MASKFOLD_SERVE_TOKEN: the token has 9 characters")
