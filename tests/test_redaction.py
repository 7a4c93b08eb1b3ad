"""Credentials in texts."""

import logging
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from urllib.parse import unquote

import pytest

from maskfold import errors
from maskfold.redaction import redact_logs, redacted, without_password
from maskfold.specs import Failure
from maskfold.terminal import guard_logs

PLANTED = "pl4nted-Secret"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"http://anna:{PLANTED}@host:5000/a", "http://host:5000/a"),
        (f"postgresql+psycopg2://maskfold:{PLANTED}@db/mlflow: refused", "postgresql+psycopg2://db/mlflow: refused"),
        (f"via http://proxy:{PLANTED}@10.0.0.1:3128 to http://b/", "via http://10.0.0.1:3128 to http://b/"),
        (f"postgresql://db/mlflow?password={PLANTED}&sslmode=require", "postgresql://db/mlflow?password=***&sslmode=require"),
        (f"Authorization: AWS4-HMAC-SHA256 Credential=AKIA/x, Signature={PLANTED}", "Authorization: ***"),
        (f"{{'Authorization': 'Basic {PLANTED}'}}", "{'Authorization': ***"),
        (f"http://s3/b/k?X-Amz-Signature={PLANTED}&a=1", "http://s3/b/k?X-Amz-Signature=***&a=1"),
        (f"'AKIA:{PLANTED}@bucket' is not a bucket's name", "'bucket' is not a bucket's name"),
        ("http://host/path@2x.png and a@b.example", "http://host/path@2x.png and a@b.example"),
        ("crop: a@b.example, host:8080, fold 3: x", "crop: a@b.example, host:8080, fold 3: x"),
        ("300 photographs, 7 left out", "300 photographs, 7 left out"),
        (f"<Authorization>AWS4-HMAC-SHA256 Credential=A/x, Signature={PLANTED}</Authorization><Code>Odd</Code>",
         "<Authorization>***</Authorization><Code>Odd</Code>"),
        (f"('Authorization', 'Basic {PLANTED}')", "('Authorization', ***"),
        (f"got AWS4-HMAC-SHA256 Credential=AKIA/x, SignedHeaders=host;x, Signature={PLANTED}, at noon",
         "got AWS4-HMAC-SHA256 ***, at noon"),
        (f"sent Basic {PLANTED}== to it", "sent Basic *** to it"),
        ("Basic authentication is not Bearer authentication", "Basic authentication is not Bearer authentication"),
    ],
)  # fmt: skip
def test_known_forms_are_hidden_and_nothing_else(text: str, shown: str) -> None:
    assert redacted(text) == shown


@pytest.mark.parametrize(
    "name", ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "MLFLOW_TRACKING_PASSWORD", "PREFECT_API_AUTH_STRING"]
)
def test_secrets_of_the_environment_are_hidden_in_any_form(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, f"maskfold:{PLANTED}" if name.startswith("PREFECT") else PLANTED)
    assert PLANTED not in redacted(f"<Message>key {PLANTED} is not valid</Message>")
    assert PLANTED not in str(errors.WorkspaceError(f"cannot read: {PLANTED}"))
    assert PLANTED not in Failure.of(ValueError(f"bad value {PLANTED}")).message


def test_errors_keep_their_form() -> None:
    error = errors.JobFailedError(f"crop: http://a:{PLANTED}@h/", 137)
    assert (str(error), error.exit_code) == ("crop: http://h/", 137)


@pytest.mark.parametrize("name", ["HTTP_PROXY", "MLFLOW_TRACKING_URI", "PREFECT_SERVER_DATABASE_CONNECTION_URL"])
@pytest.mark.parametrize("password", [PLANTED, "pl4/nted:S@cret", "pl4%2Fnted%40-Secret"])
def test_logins_in_uris_of_the_environment_are_hidden_in_any_form(
    name: str, password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, f"postgresql+psycopg2://anna:{password}@host:5432/mlflow")
    for shown in (password, unquote(password), f"http://anna:{password}@host/"):
        text = redacted(f"cannot use {shown} of anna at noon")
        assert "nted" not in text
        assert text.endswith(" of anna at noon")


@pytest.fixture
def redacting() -> Iterator[None]:
    """Redacted logs in this process, until the end of the test."""
    before = logging.getLogRecordFactory(), sys.excepthook, threading.excepthook, warnings.formatwarning
    redact_logs()
    yield
    logging.setLogRecordFactory(before[0])
    sys.excepthook, threading.excepthook, warnings.formatwarning = before[1:]


def test_log_lines_of_libraries_are_redacted(caplog: pytest.LogCaptureFixture, redacting: None) -> None:
    log = logging.getLogger("urllib3")
    log.warning("retry of %s", f"http://a:{PLANTED}@h/")
    log.warning("retry %d of %s", f"http://a:{PLANTED}@h/")
    assert caplog.messages[0] == "retry of http://h/"
    assert PLANTED not in caplog.text


@pytest.mark.parametrize("printable", [False, True])
def test_tracebacks_are_redacted_with_all_their_causes(
    caplog: pytest.LogCaptureFixture, redacting: None, printable: bool
) -> None:
    if printable:
        guard_logs()
        redact_logs()  # again, as a flow and its launcher do
    try:
        try:
            raise ValueError(f"denied: http://a:{PLANTED}@h/")
        except ValueError as error:
            raise RuntimeError("outer") from error
    except RuntimeError:
        logging.getLogger("prefect").exception("details")
    assert "ValueError: denied: http://h/" in caplog.text
    assert "RuntimeError: outer" in caplog.text
    assert PLANTED not in caplog.text


@pytest.mark.parametrize(
    "raising",
    [
        "raise OSError(text)",
        "t = threading.Thread(target=int, args=(text,)); t.start(); t.join()",
        "warnings.warn(text)",
    ],
)
def test_what_python_itself_prints_is_redacted(raising: str) -> None:
    program = f"""
import threading, warnings
from maskfold.redaction import redact_logs
redact_logs()
text = "http://a:" + "pl4nted-" + "Secret@h/"
{raising}
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "http://h/" in done.stderr
    assert PLANTED not in done.stderr


def test_a_uri_keeps_the_rest() -> None:
    assert without_password(f"http://a:{PLANTED}@h:1/p?q=1#f") == "http://h:1/p?q=1#f"


@pytest.mark.parametrize("piece", ["-", "a+", ",a:", "://", "://a", "password=", "authorization:"])
def test_hostile_texts_take_no_time(piece: str) -> None:
    """A search that tries each end for each beginning would run into the time limit of all tests."""
    text = piece * 300_000
    assert redacted(f"{text} http://anna:{PLANTED}@host/").count(PLANTED) == 0
