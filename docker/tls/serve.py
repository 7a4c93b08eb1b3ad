"""Runs nginx as one of the two ends of TLS.

``serve.py PORT=SERVER:PORT ...`` accepts https on ports for servers. ``/run/secrets/tls_certificate`` and
``/run/secrets/tls_key`` are the user's. If both are empty, a self-signed certificate for ``TLS_NAME`` is made in
``TLS_FOLDER`` at the first start, and again at a start in its last month.

``serve.py --to PORT=PORT ...`` is the other end, on another machine: it accepts http from the containers there, and
sends it on as https to ports of the machine ``TLS_NAME``. ``/run/secrets/gateway_certificate`` is the certificate that
it trusts; if that is empty, those that the system trusts.
"""

import ipaddress
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

SECRETS = Path("/run/secrets")
DAYS = 397
"""Browsers accept no certificate that is valid for longer."""
MONTH = 30 * 24 * 3600
NAMES = ("localhost", "127.0.0.1", "tls")
"""In a self-signed certificate besides ``TLS_NAME``; the last is the proxy's name for containers."""
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")

CONFIG = """
daemon off;
worker_processes 2;
pid /tmp/nginx.pid;
error_log stderr warn;
events {{}}
http {{
  access_log off; # addresses of objects may be signed
  server_tokens off;
  client_body_temp_path /tmp/body; proxy_temp_path /tmp/proxy;
  fastcgi_temp_path /tmp/fastcgi; uwsgi_temp_path /tmp/uwsgi; scgi_temp_path /tmp/scgi;
  resolver 127.0.0.11 valid=5s{resolver}; # the engine's: a server that is started again has another address
  # Weights are large, and logs are followed as they come.
  client_max_body_size 0;
  proxy_request_buffering off;
  proxy_buffering off;
  proxy_read_timeout 1h;
  proxy_send_timeout 1h;
  # Prefect's pages and clients use websockets.
  map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
  proxy_http_version 1.1;
  proxy_set_header Upgrade $http_upgrade;
  proxy_set_header Connection $connection_upgrade;
  # Of the client's request: S3 signs it, MLflow checks it.
  proxy_set_header Host $http_host;
  proxy_set_header X-Forwarded-Proto https;
  proxy_set_header X-Forwarded-For $remote_addr;
{tls}{servers}}}
"""
ACCEPTED = """  ssl_certificate {certificate};
  ssl_certificate_key {key};
  ssl_protocols TLSv1.2 TLSv1.3;
  ssl_session_tickets off;
"""
SENT = """  proxy_ssl_protocols TLSv1.2 TLSv1.3;
  proxy_ssl_verify on;
  proxy_ssl_verify_depth 5;
  proxy_ssl_trusted_certificate {trusted};
  proxy_ssl_server_name on;
  proxy_ssl_name {name};
"""
SERVER = """  server {{
    listen {port} ssl;
    error_page 497 =307 https://$http_host$request_uri; # a browser that was told http
    set $server {server};
    location / {{ proxy_pass http://$server; }}
  }}
"""
WAY_OUT = """  server {{
    listen {port};
    set $server {name}:{to};
    location / {{ proxy_pass https://$server; }}
  }}
"""


class SettingsError(Exception):
    """The settings are wrong."""


def given_certificate(secrets: Path = SECRETS) -> tuple[Path, Path] | None:
    """Return the user's certificate and key; None if there are none.

    Raises:
        SettingsError: If one is missing, cannot be read, or they do not belong together.
    """
    certificate, key = secrets / "tls_certificate", secrets / "tls_key"
    for file, name in ((certificate, "TLS_CERTIFICATE"), (key, "TLS_KEY")):
        if not os.access(file, os.R_OK):
            raise SettingsError(
                f"{name}: this container's user {os.getuid()} cannot read the file; it must be the owner"
            )
    # The stack puts /dev/null where the user names no file.
    there = [file.read_bytes() != b"" for file in (certificate, key)]
    if not any(there):
        return None
    if not all(there):
        raise SettingsError(
            "TLS_CERTIFICATE and TLS_KEY: expected both or neither; one is not set, or its file is empty"
        )
    public = [
        _openssl("x509", "-in", certificate, "-noout", "-pubkey"),
        _openssl("pkey", "-in", key, "-passin", "pass:", "-pubout"),
    ]
    for text, what in zip(public, ("TLS_CERTIFICATE: expected a certificate", "TLS_KEY: expected a key"), strict=True):
        if not text:
            raise SettingsError(f"{what} in PEM form, without a password")
    if public[0] != public[1]:
        raise SettingsError(
            "TLS_KEY is not the key of TLS_CERTIFICATE; in a chain, the server's own certificate comes first"
        )
    return certificate, key


def own_certificate(name: str, folder: Path) -> tuple[Path, Path]:
    """Return a self-signed certificate for a name, and its key.

    Raises:
        SettingsError: If it is not a name or an address.
    """
    if not re.fullmatch(r"[A-Za-z0-9.:-]+", name):
        raise SettingsError(f"TLS_NAME={name}: expected the name or address of this machine, such as box.example.org")
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    if key.exists() and _openssl("x509", "-in", certificate, "-noout", "-checkend", str(MONTH)):
        return certificate, key
    made = [folder / "new.pem", folder / "new.key"]
    alternatives = ",".join(dict.fromkeys(f"{'IP' if _is_address(one) else 'DNS'}:{one}" for one in (name, *NAMES)))
    os.umask(0o077)
    if not _openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", str(DAYS)),
        *("-subj", "/O=maskfold, self-signed", "-addext", f"subjectAltName={alternatives}"),
        *("-addext", "extendedKeyUsage=serverAuth", "-out", made[0], "-keyout", made[1]),
    ):
        raise SettingsError(f"no certificate can be made in {folder} for TLS_NAME={name}")
    made[1].replace(key)
    made[0].replace(certificate)
    return certificate, key


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _openssl(*arguments: str | Path) -> str:
    """Return what openssl prints; nothing if it fails."""
    command = ["openssl", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    return (done.stdout or "done") if done.returncode == 0 else ""


def trusted_certificate(secrets: Path = SECRETS) -> Path:
    """Return the certificate that the other machine must have, or those that the system trusts.

    Raises:
        SettingsError: If it cannot be read, or is none.
    """
    file = secrets / "gateway_certificate"
    if not os.access(file, os.R_OK):
        raise SettingsError(f"GATEWAY_CERTIFICATE: this container's user {os.getuid()} cannot read the file")
    if file.read_bytes() == b"":
        return AUTHORITIES
    if not _openssl("x509", "-in", file, "-noout", "-pubkey"):
        raise SettingsError("GATEWAY_CERTIFICATE: expected a certificate in PEM form")
    return file


def ways_out(name: str, pairs: list[str], trusted: Path) -> str:
    """Return nginx's settings for sending ports on to another machine.

    Raises:
        SettingsError: If it is not named by a name, which its certificate can be checked against.
    """
    if not re.fullmatch(r"[A-Za-z0-9.-]+", name) or _is_address(name):
        raise SettingsError(
            f"GATEWAY={name}: expected the name that TLS_NAME is on the first host, such as box.example.org; an "
            "address is none"
        )
    servers = "".join(WAY_OUT.format(port=port, name=name, to=to) for port, to in (one.split("=") for one in pairs))
    return CONFIG.format(resolver=" ipv6=off", tls=SENT.format(trusted=trusted, name=name), servers=servers)


def ways_in(pairs: list[str], certificate: Path, key: Path) -> str:
    """Return nginx's settings for accepting https for servers."""
    servers = "".join(SERVER.format(port=port, server=server) for port, server in (one.split("=") for one in pairs))
    return CONFIG.format(resolver="", tls=ACCEPTED.format(certificate=certificate, key=key), servers=servers)


def main(arguments: list[str]) -> None:
    """Become nginx."""
    if arguments[0] == "--to":
        trusted = trusted_certificate()
        text = ways_out(os.environ["TLS_NAME"], arguments[1:], trusted)
        print(f"to {os.environ['TLS_NAME']} by https, trusting {trusted}")
        _become_nginx(text)
    given = given_certificate()
    certificate, key = given or own_certificate(os.environ["TLS_NAME"], Path(os.environ["TLS_FOLDER"]))
    kind = "the given certificate" if given else f"a self-signed certificate, {certificate}"
    print(f"https with {kind}: {_openssl('x509', '-in', certificate, '-noout', '-fingerprint', '-sha256').strip()}")
    _become_nginx(ways_in(arguments, certificate, key))


def _become_nginx(text: str) -> NoReturn:
    config = Path("/tmp/nginx.conf")  # noqa: S108 - of this container
    config.write_text(text, encoding="utf-8")
    sys.stdout.flush()
    os.execvp("nginx", ["nginx", "-c", str(config), "-e", "stderr"])  # noqa: S606, S607 - of this image


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except SettingsError as error:
        print(f"docker/.env: {error}", file=sys.stderr)
        sys.exit(2)
