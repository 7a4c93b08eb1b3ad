"""Settings that are wrong and networks that fail, between a workspace and a real S3 server."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from maskfold import storage
from maskfold.errors import CorruptDataError, UnavailableError, WorkspaceError
from maskfold.storage import open_workspace
from tests.servers.proxy import CUT, SHORT, Fault, Instead, Proxy, proxied
from tests.servers.s3 import S3Server

EXPIRED = b"<?xml version='1.0'?><Error><Code>ExpiredToken</Code><Message>The token has expired</Message></Error>"
SLOW_DOWN = b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Reduce your request rate</Message></Error>"
LARGE = bytes(range(256)) * 1024


@pytest.fixture
def proxy(s3_server: S3Server, s3_bucket: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """A proxy before the server, as the endpoint of the code under test."""
    with proxied(s3_server.ports["proxy"], keep_host=True) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", proxy.uri)
        monkeypatch.setenv("MASKFOLD_S3_PATIENCE", "30")
        yield proxy


def first(count: int, answer: int | float | str | Instead, method: str = "") -> Fault:
    """Return a fault of the first requests only; of one method, if named."""
    left = [count]

    def fault(asked: str, path: str) -> int | float | str | Instead | None:
        if left[0] == 0 or (method and asked != method):
            return None
        left[0] -= 1
        return answer

    return fault


@pytest.mark.parametrize("variable", ["AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN"])
@pytest.mark.parametrize("break_", ["\n", "\r\nx"])
def test_credentials_with_a_line_break(
    variable: str, break_: str, s3_bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MASKFOLD_S3_PATIENCE", "300")
    monkeypatch.setenv(variable, f"planted{break_}value")
    with pytest.raises(WorkspaceError, match="credentials contain a line break") as caught:
        open_workspace(f"s3://{s3_bucket}/w")
    assert not re.search("planted|Signature", str(caught.value))


@pytest.mark.parametrize("content", [None, "no certificate", ""])
def test_a_bundle_of_certificates_that_is_none(
    content: str | None, s3_bucket: str, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bundle = tmp_path / "ca.pem"
    if content is not None:
        bundle.write_text(content)
    monkeypatch.setenv("MASKFOLD_S3_PATIENCE", "300")
    monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3_server.endpoint.replace("http:", "https:"))
    with pytest.raises(WorkspaceError, match=rf"AWS_CA_BUNDLE={bundle}: expected a file of trusted certificates"):
        open_workspace(f"s3://{s3_bucket}/w")


def test_https_to_a_server_of_http(s3_bucket: str, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASKFOLD_S3_PATIENCE", "300")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3_server.endpoint.replace("http:", "https:"))
    with pytest.raises(WorkspaceError, match=r"does not answer with TLS.*write http://"):
        open_workspace(f"s3://{s3_bucket}/w")


@pytest.mark.parametrize("patience", ["nan", "inf", "-1", "1e400"])
def test_a_patience_that_is_none(patience: str, s3_bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASKFOLD_S3_PATIENCE", patience)
    with pytest.raises(WorkspaceError, match="expected a number of seconds from 0 to"):
        open_workspace(f"s3://{s3_bucket}/w")


@pytest.mark.parametrize("bucket", ["Upper-Case", "under_score"])
def test_a_name_that_no_bucket_may_have(bucket: str, s3_bucket: str) -> None:
    with pytest.raises(WorkspaceError, match=r"no bucket or key that S3 allows .*lower-case"):
        open_workspace(f"s3://{bucket}/w")


@pytest.mark.parametrize("answer", [503, 500, 429, Instead(503, SLOW_DOWN), 0.0])
def test_a_storm_passes(answer: int | float | Instead, proxy: Proxy, s3_bucket: str) -> None:
    workspace = open_workspace(f"s3://{s3_bucket}/w")
    proxy.fault = first(5, answer)
    workspace.write("a", LARGE)
    proxy.fault = first(5, answer)
    assert workspace.read("a") == LARGE
    proxy.fault = first(5, answer)
    assert workspace.list("") == ["a"]


def test_bodies_that_are_cut_are_read_again(proxy: Proxy, s3_bucket: str) -> None:
    workspace = open_workspace(f"s3://{s3_bucket}/w")
    file = workspace.write("a.npy", LARGE)
    proxy.fault = first(2, CUT, "GET")
    assert workspace.read("a.npy") == LARGE
    proxy.fault = first(2, CUT, "GET")
    assert workspace.fetch(file).read_bytes() == LARGE


def test_a_listing_that_is_cut_is_never_taken_for_a_short_one(proxy: Proxy, s3_bucket: str) -> None:
    workspace = open_workspace(f"s3://{s3_bucket}/w")
    names = [f"n{number:02}" for number in range(20)]
    for name in names:
        workspace.write(name, b"")
    proxy.fault = first(2, CUT, "GET")
    assert workspace.list("") == names


def test_bodies_that_are_short_are_read_again(
    proxy: Proxy, s3_server: S3Server, s3_bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A gateway has cut them and corrected their length."""
    monkeypatch.setenv("MASKFOLD_HOME", str(tmp_path / "home"))
    workspace = open_workspace(f"s3://{s3_bucket}/w")
    file = workspace.write("a.npy", LARGE)
    proxy.fault = first(1, SHORT, "GET")
    assert workspace.read("a.npy") == LARGE
    proxy.fault = first(1, SHORT, "GET")
    assert workspace.fetch(file).read_bytes() == LARGE
    s3_server.client().put_object(Bucket=s3_bucket, Key="data/a.jpg", Body=LARGE)
    listed = storage.fingerprint(f"s3://{s3_bucket}/data")
    paths = {path for _, path in proxy.requests}
    proxy.fault = lambda method, path: SHORT if "a.jpg" in path and path not in paths and not paths.add(path) else None
    assert (storage.fetch_tree(f"s3://{s3_bucket}/data", listed) / "a.jpg").read_bytes() == LARGE


def test_an_object_that_is_damaged_is_said_after_a_few_reads(proxy: Proxy, s3_bucket: str) -> None:
    workspace = open_workspace(f"s3://{s3_bucket}/w")
    workspace.write("a", LARGE)
    proxy.fault = lambda method, path: SHORT
    with pytest.raises(CorruptDataError, match=r"expected sha256 .*delete it and run again"):
        workspace.read("a")


@pytest.mark.parametrize("page", [b"<html><body>Please log in</body></html>", b"", b"<x/>"])
def test_a_login_page_is_no_empty_workspace_and_no_written_object(page: bytes, proxy: Proxy, s3_bucket: str) -> None:
    workspace = open_workspace(f"s3://{s3_bucket}/w")
    workspace.write("a", b"x")
    for request in (lambda: workspace.list(""), lambda: workspace.write("b", b"y")):
        proxy.fault = first(2, Instead(200, page))
        request()
    assert workspace.list("") == ["a", "b"]


def test_a_login_page_for_ever_is_said(proxy: Proxy, s3_bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASKFOLD_S3_PATIENCE", "1")
    proxy.fault = lambda method, path: Instead(200, b"<html/>")
    with pytest.raises(UnavailableError, match="not of an S3 server; does a proxy answer"):
        open_workspace(f"s3://{s3_bucket}/w")


def test_a_token_that_expires_in_mid_run_is_reported_at_once(proxy: Proxy, s3_bucket: str) -> None:
    workspace = open_workspace(f"s3://{s3_bucket}/w")
    workspace.write("a", b"before")
    proxy.fault = lambda method, path: Instead(400, EXPIRED)
    before = len(proxy.requests)
    for request in (lambda: workspace.write("b", b"after"), lambda: workspace.read("a"), lambda: workspace.list("")):
        with pytest.raises(WorkspaceError, match=r"credentials are wrong or expired.*ExpiredToken"):
            request()
    assert len(proxy.requests) == before + 3


def test_a_storm_without_end_is_given_up(proxy: Proxy, s3_bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = open_workspace(f"s3://{s3_bucket}/w")
    monkeypatch.setenv("MASKFOLD_S3_PATIENCE", "1")
    proxy.fault = lambda method, path: Instead(503, SLOW_DOWN)
    began = time.monotonic()
    with pytest.raises(UnavailableError, match="overloaded"):
        workspace.write("a", b"x")
    assert time.monotonic() - began >= 1.0
