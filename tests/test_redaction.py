"""Credentials in texts."""

import logging

import pytest

from maskfold import errors
from maskfold.redaction import redact_logs, redacted, without_password
from maskfold.specs import Failure

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


def test_log_lines_of_libraries_are_redacted(caplog: pytest.LogCaptureFixture) -> None:
    before = logging.getLogRecordFactory()
    redact_logs()
    try:
        logging.getLogger("urllib3").warning("retry of %s", f"http://a:{PLANTED}@h/")
    finally:
        logging.setLogRecordFactory(before)
    assert caplog.messages == ["retry of http://h/"]


def test_a_uri_keeps_the_rest() -> None:
    assert without_password(f"http://a:{PLANTED}@h:1/p?q=1#f") == "http://h:1/p?q=1#f"


@pytest.mark.parametrize("piece", ["-", "a+", ",a:", "://", "://a", "password=", "authorization:"])
def test_hostile_texts_take_no_time(piece: str) -> None:
    """A search that tries each end for each beginning would run into the time limit of all tests."""
    text = piece * 300_000
    assert redacted(f"{text} http://anna:{PLANTED}@host/").count(PLANTED) == 0
