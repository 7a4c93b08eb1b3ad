"""Settings of the stack: random passwords at the first start, and which ones it rejects; needs no engine."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.docker.stack import PASSWORDS, ROOT

DOCKER = ROOT / "docker"
GOOD = PASSWORDS | {"BIND": "127.0.0.1", "TLS_BIND": "127.0.0.1", "CACHE_GB": "50"}


def check(**settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(DOCKER / "check_settings.py")],
        env=GOOD | settings,
        capture_output=True,
        text=True,
        check=False,
    )


def make(file: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(DOCKER / "make_settings.py"), str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def read(file: Path) -> dict[str, str]:
    lines = file.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def test_the_first_start_makes_private_random_passwords(tmp_path: Path) -> None:
    made = []
    for name in ("first", "second"):
        assert make(tmp_path / name).returncode == 0
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
        made.append(read(tmp_path / name))
        assert check(**made[-1]).returncode == 0
        assert len(made[-1]["SERVE_TOKEN"]) >= 32
    passwords = [found[name] for found in made for name in PASSWORDS]
    assert len(set(passwords)) == 2 * len(PASSWORDS)
    assert min(map(len, passwords)) >= 32
    assert made[0]["BIND"] == "127.0.0.1"


def test_settings_that_are_there_stay(tmp_path: Path) -> None:
    (tmp_path / "settings").write_text("mine", encoding="utf-8")
    done = make(tmp_path / "settings")
    assert done.returncode != 0
    assert "stays as it is" in done.stderr
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    assert make(tmp_path / "link").returncode != 0
    assert (tmp_path / "settings").read_text(encoding="utf-8") == "mine"
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("bind", ["127.0.0.1", "10.0.0.5", "::1"])
@pytest.mark.parametrize("name", list(PASSWORDS))
@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("example-of-a-password", "is an example password"),
        ("x", "has 1 characters"),
        ("", "has 0 characters"),
        ("fifteen-letters", "has 15 characters"),
        ("aaaaaaaaaaaaaaaaaaaaaaaa", "1 of them different"),
        ("with@sign/in:between-it", "only letters, digits"),
    ],
)
def test_weak_passwords_are_refused_on_loopback_too(name: str, value: str, said: str, bind: str) -> None:
    done = check(**{name: value, "BIND": bind})
    assert done.returncode == 2
    assert name in done.stderr
    assert said in done.stderr
    assert "openssl rand -hex 24" in done.stderr


@pytest.mark.parametrize("bind", ["127.example.org", "127.0.0.1.nip.io", "127.1", "localhost", "", "eth0"])
@pytest.mark.parametrize("name", ["BIND", "TLS_BIND"])
def test_only_an_address_is_an_address(name: str, bind: str) -> None:
    done = check(**{name: bind})
    assert done.returncode == 2
    assert f"docker/.env: {name}={bind}: expected an IP address" in done.stderr


@pytest.mark.parametrize("size", ["", "much", "-1", "1e3", "50GB"])
def test_the_size_of_the_cache_is_a_number(size: str) -> None:
    done = check(CACHE_GB=size)
    assert done.returncode == 2
    assert f"CACHE_GB={size}: expected the size" in done.stderr


@pytest.mark.parametrize(("bind", "open_to_others"), [("127.0.0.1", False), ("127.8.8.8", False), ("::1", False),
                                                      ("[::1]", False), ("0.0.0.0", True), ("::", True)])  # fmt: skip
def test_ports_that_others_can_reach_are_said(bind: str, open_to_others: bool) -> None:
    done = check(BIND=bind)
    assert done.returncode == 0
    assert ("opens the ports to other machines" in done.stdout) == open_to_others


def test_the_example_has_no_passwords() -> None:
    assert {name: value for name, value in read(DOCKER / ".env.example").items() if name in PASSWORDS} == dict.fromkeys(
        PASSWORDS, ""
    )


def test_the_stack_asks_for_each_of_them() -> None:
    text = (DOCKER / "compose.yaml").read_text(encoding="utf-8")
    for name in PASSWORDS:
        assert f"${{{name}:?run python3 docker/make_settings.py docker/.env}}" in text
        assert f"${{{name}:-" not in text


def test_settings_are_ignored_by_git() -> None:
    ignored = subprocess.run(["git", "check-ignore", "docker/.env"], cwd=ROOT, check=False, capture_output=True)
    assert ignored.returncode == 0
    assert (DOCKER / ".env.example").is_file()
