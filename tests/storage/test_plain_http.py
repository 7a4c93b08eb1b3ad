"""A session token that is sent readably."""

import pytest

from maskfold.storage.s3_client import Connection


@pytest.mark.parametrize(
    ("endpoint", "token", "warned"),
    [
        ("http://store.example:9000", "pl4nted-token", True),
        ("http://127.example.org", "pl4nted-token", True),
        ("http://anna:pl4nted-password@10.0.0.5", "pl4nted-token", True),
        ("https://store.example", "pl4nted-token", False),
        ("http://127.0.0.1:9000", "pl4nted-token", False),
        ("http://store.example:9000", "", False),
    ],
)
def test_it_is_said(
    endpoint: str, token: str, warned: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    values = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "pl4nted-secret", "AWS_DEFAULT_REGION": "us-east-1"}
    for name, value in {**values, "AWS_ENDPOINT_URL": endpoint, "AWS_SESSION_TOKEN": token}.items():
        monkeypatch.setenv(name, value)
    Connection()
    assert ("AWS_SESSION_TOKEN is sent to http://" in caplog.text) == warned
    assert "pl4nted" not in caplog.text
