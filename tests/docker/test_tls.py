"""The proxy with TLS: which certificates it takes or makes; needs no engine."""

import importlib.util
import ssl
from pathlib import Path
from types import ModuleType

import pytest

from tests.docker.stack import ROOT


@pytest.fixture(scope="module")
def serve() -> ModuleType:
    """The program of the proxy's image."""
    spec = importlib.util.spec_from_file_location("tls_serve", ROOT / "docker" / "tls" / "serve.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """The folder of the user's certificate and key; both are empty."""
    folder = tmp_path / "secrets"
    folder.mkdir()
    for name in ("tls_certificate", "tls_key", "gateway_certificate"):
        (folder / name).write_bytes(b"")
    return folder


@pytest.mark.parametrize(
    ("name", "kind"), [("box.example.org", "DNS"), ("10.0.0.5", "IP Address"), ("fd00::5", "IP Address")]
)
def test_the_first_start_makes_one_for_the_name_and_loopback(
    serve: ModuleType, tmp_path: Path, name: str, kind: str
) -> None:
    certificate, key = serve.own_certificate(name, tmp_path)
    names = ssl._ssl._test_decode_cert(str(certificate))["subjectAltName"]  # type: ignore[attr-defined]
    assert (kind, name) in names or (kind, "FD00:0:0:0:0:0:0:5") in names
    assert {("DNS", "localhost"), ("IP Address", "127.0.0.1")} <= set(names)
    assert key.stat().st_mode & 0o777 == 0o600
    ssl.create_default_context().load_cert_chain(certificate, key)
    before = certificate.read_bytes()
    assert serve.own_certificate(name, tmp_path) == (certificate, key)
    assert certificate.read_bytes() == before
    serve.own_certificate("other.example.org", tmp_path)
    assert certificate.read_bytes() == before


def test_one_that_ends_soon_is_made_again(serve: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(serve, "DAYS", 29)
        certificate, _ = serve.own_certificate("box", tmp_path)
    before = certificate.read_bytes()
    serve.own_certificate("box", tmp_path)
    assert certificate.read_bytes() != before


@pytest.mark.parametrize("name", ["", "a b", "../../etc/passwd", "box,DNS:bank.example", "https://box"])
def test_a_name_is_a_name(serve: ModuleType, tmp_path: Path, name: str) -> None:
    with pytest.raises(serve.SettingsError, match="expected the name or address"):
        serve.own_certificate(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_users_own_is_taken(serve: ModuleType, tmp_path: Path, secrets: Path) -> None:
    assert serve.given_certificate(secrets) is None
    certificate, key = serve.own_certificate("box", tmp_path)
    (secrets / "tls_certificate").write_bytes(certificate.read_bytes())
    (secrets / "tls_key").write_bytes(key.read_bytes())
    assert serve.given_certificate(secrets) == (secrets / "tls_certificate", secrets / "tls_key")


@pytest.mark.parametrize(
    ("certificate", "key", "said"),
    [
        ("first.pem", "", "expected both or neither"),
        ("", "first.key", "expected both or neither"),
        ("first.key", "first.key", "TLS_CERTIFICATE: expected a certificate in PEM form"),
        ("first.pem", "first.pem", "TLS_KEY: expected a key in PEM form"),
        ("first.pem", "locked.key", "TLS_KEY: expected a key in PEM form, without a password"),
        ("first.pem", "second.key", "TLS_KEY is not the key of TLS_CERTIFICATE"),
    ],
)
def test_what_is_no_pair_is_refused(
    serve: ModuleType, tmp_path: Path, secrets: Path, certificate: str, key: str, said: str
) -> None:
    for name in ("first", "second"):
        serve.own_certificate(name, tmp_path)
    serve._openssl(
        "ec", "-in", tmp_path / "first.key", "-out", tmp_path / "locked.key", "-aes256", "-passout", "pass:abcd"
    )
    for wanted, name in ((certificate, "tls_certificate"), (key, "tls_key")):
        if wanted:
            (secrets / name).write_bytes((tmp_path / wanted).read_bytes())
    with pytest.raises(serve.SettingsError, match=said):
        serve.given_certificate(secrets)


def test_the_way_out_trusts_what_it_is_given_and_else_the_systems(
    serve: ModuleType, tmp_path: Path, secrets: Path
) -> None:
    assert serve.trusted_certificate(secrets) == Path("/etc/ssl/certs/ca-certificates.crt")
    file = secrets / "gateway_certificate"
    file.write_bytes(serve.own_certificate("box", tmp_path)[0].read_bytes())
    assert serve.trusted_certificate(secrets) == file
    text = serve.ways_out("box.example.org", ["4200=4243"], file)
    for line in (
        "proxy_ssl_verify on;",
        f"proxy_ssl_trusted_certificate {file};",
        "proxy_ssl_name box.example.org;",
        "set $server box.example.org:4243;",
        "proxy_pass https://$server;",
    ):
        assert line in text
    assert "http://$server" not in text
    file.write_text("none", encoding="utf-8")
    with pytest.raises(serve.SettingsError, match="GATEWAY_CERTIFICATE: expected a certificate in PEM form"):
        serve.trusted_certificate(secrets)


@pytest.mark.parametrize("name", ["", "10.0.0.5", "fd00::5", "https://box", "box; include /etc/passwd"])
def test_the_way_out_leads_to_a_name(serve: ModuleType, name: str) -> None:
    with pytest.raises(serve.SettingsError, match="expected the name that TLS_NAME is on the first host"):
        serve.ways_out(name, ["4200=4243"], Path("trusted.pem"))
