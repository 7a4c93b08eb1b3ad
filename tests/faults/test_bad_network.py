"""All jobs of a run through a network that fails: what they leave is the same."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest

from flows.plan import plan_run
from maskfold.errors import EXIT_INPUT, MaskfoldError
from maskfold.specs import Outcome, Spec
from tests.faults.jobs import Undisturbed, run, whole_run
from tests.faults.outputs import Outputs
from tests.servers.proxy import CUT, SHORT, Instead, proxied
from tests.servers.s3 import S3Server

EXPIRED = b"<?xml version='1.0'?><Error><Code>ExpiredToken</Code><Message>The token has expired</Message></Error>"
FAULTS = (503, CUT, SHORT, 0.0)


class Weather:
    """Fails at the first request for about every second object, in a way that its name decides."""

    def __init__(self) -> None:
        self.seen: set[tuple[str, str]] = set()
        self.failed: set[int | float | str] = set()

    def __call__(self, method: str, path: str) -> int | float | str | Instead | None:
        if (method, path) in self.seen:
            return None
        self.seen.add((method, path))
        number = zlib.crc32(f"{method} {path}".encode()) % 8
        fault = FAULTS[number] if number < len(FAULTS) else None
        if fault is not None:
            self.failed.add(fault)
        return fault


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_nothing_is_lost_in_a_bad_network_and_with_an_expired_token(
    drawn_data: Path,
    undisturbed: Undisturbed,
    s3_server: S3Server,
    s3_bucket: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expected = undisturbed.outputs()
    weather = Weather()
    expired: dict[str, str] = {}

    with proxied(s3_server.ports["proxy"], keep_host=True) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", proxy.uri)
        monkeypatch.setenv("MASKFOLD_HOME", str(tmp_path / "home"))
        proxy.fault = weather

        def with_a_token_that_expires(spec: Spec[Outcome]) -> None:
            if spec.stage not in expired:
                proxy.fault = lambda method, path: Instead(400, EXPIRED) if method == "PUT" else weather(method, path)
                with pytest.raises(MaskfoldError, match="wrong or expired") as caught:
                    run(spec)
                assert caught.value.exit_code == EXIT_INPUT
                proxy.fault = weather
                expired[spec.stage] = str(caught.value)
            run(spec)

        plan = plan_run(str(drawn_data), f"s3://{s3_bucket}/w", "smoke")
        whole_run(plan, with_a_token_that_expires)
    assert weather.failed == set(FAULTS)
    assert Outputs.of_bucket(s3_server, s3_bucket, "w").differences(expected) == []
