"""What counts as this machine, and that no proxy stands before it."""

import os
import urllib.request

import pytest

from maskfold.loopback import is_loopback, never_proxy_loopback


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "::1", "[::1]", "localhost", "LOCALHOST"])
def test_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["127.example.org", "127.0.0.1.nip.io", "10.0.0.5", "::", "0.0.0.0", "127", ""])
def test_others_that_look_like_it(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize("given", [{}, {"NO_PROXY": "s3.example"}, {"no_proxy": "s3.example", "NO_PROXY": ""}])
def test_loopback_is_never_proxied(given: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "")
    for name, value in {"HTTP_PROXY": "http://proxy.example:3128", **given}.items():
        monkeypatch.setenv(name, value)
    never_proxy_loopback()
    for host in ("127.0.0.1:4200", "localhost"):
        assert urllib.request.proxy_bypass_environment(host)
    assert bool(urllib.request.proxy_bypass_environment("s3.example")) == bool(given)
    assert not urllib.request.proxy_bypass_environment("other.example")
    assert os.environ["NO_PROXY"] == os.environ["no_proxy"]
