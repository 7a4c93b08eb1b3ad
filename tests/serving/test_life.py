"""Start, change of the model, and end of a server."""

from __future__ import annotations

import json
import shutil
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.inference.trained import Trained
from tests.serving.running import PATIENCE, Reply, picture, running

pytestmark = [pytest.mark.slow, pytest.mark.servers]
TOKEN = "a-token-of-tests-0123456789"


def wait(condition, complaint: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, complaint
        time.sleep(0.05)


def changed(package: Path, temperature: float) -> None:
    """Put another model in the place of a package, at once, as publishing does."""
    described = json.loads((package / "model.json").read_text())
    (package / "new.json").write_text(json.dumps({**described, "temperature": temperature}))
    (package / "new.json").rename(package / "model.json")


def test_another_model_takes_over_without_a_lost_request_and_a_broken_one_does_not(
    trained: Trained, photographs: list[bytes], tmp_path: Path
) -> None:
    package = Path(shutil.copytree(trained.package, tmp_path / "package"))
    replies, ended = list[Reply](), threading.Event()
    with running(tmp_path, "--model", str(package), "--look-seconds", "0.2") as server:
        first = server.described["digest"]

        def ask() -> None:
            while not ended.is_set():
                replies.append(server.predict(photographs[0]))

        client = threading.Thread(target=ask)
        client.start()
        try:
            changed(package, 3.0)
            wait(lambda: server.ask("/health").json["digest"] != first, "the model does not change")
            count = len(replies)
            wait(lambda: len(replies) > count + 1, "nothing is answered after the change")
            second = server.ask("/health").json["digest"]
            (package / "model.json").write_text("{}")
            wait(lambda: server.count('maskfold_model_switches_total{outcome="failed"}') > 0, "the fault is not seen")
            assert server.ask("/health").json["digest"] == second
            (package / "model.json").unlink()
            count = len(replies)
            wait(lambda: len(replies) > count + 1, "nothing is answered after the fault")
        finally:
            ended.set()
            client.join()
        assert {reply.status for reply in replies} == {200}
        digests = [reply.json["model"]["digest"] for reply in replies]
        assert digests == sorted(digests, key=[first, second].index)
        confidences = {digest: reply.answers[0]["confidence"] for digest, reply in zip(digests, replies, strict=True)}
        assert len(confidences) == len(set(confidences.values())) == 2
        assert server.count('maskfold_model_switches_total{outcome="done"}') == 1
        said = server.log.read_text()
        assert said.count("now answers") == 1
        assert said.count("is not one of format") == 1
        assert server.stop() == 0


@pytest.mark.parametrize(("how", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_what_was_begun_is_finished(
    trained: Trained, photographs: list[bytes], tmp_path: Path, how: signal.Signals, code: int
) -> None:
    with running(tmp_path, "--model", trained.package) as server, ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(server.predict, *photographs[:6]) for _ in range(8)]
        wait(lambda: server.count("maskfold_queue_images") >= 12 or asked[0].done(), "nothing arrives")
        assert server.stop(how) == code
        replies = [reply.result() for reply in asked if reply.exception() is None]
        # Requests that had not arrived are told so, or find the port closed.
        assert {reply.status for reply in replies} <= {200, 503}
        assert sum(reply.status == 200 for reply in replies) >= 2
        assert all(isinstance(reply.exception(), OSError) for reply in asked if reply.exception() is not None)
        with pytest.raises(ConnectionRefusedError):
            server.ask("/health")
        assert "Traceback" not in server.log.read_text()


def test_a_damaged_model_is_refused_with_one_message(trained: Trained, tmp_path: Path) -> None:
    package = Path(shutil.copytree(trained.package, tmp_path / "package"))
    weights = bytearray((package / "joint-1.safetensors").read_bytes())
    weights[-1] ^= 1
    (package / "joint-1.safetensors").write_bytes(weights)
    with pytest.raises(AssertionError, match=r"joint-1\.safetensors"), running(tmp_path, "--model", str(package)):
        pass
    said = (tmp_path / "serve.log").read_text().splitlines()
    assert len(said) == 2  # which model was found, and what is wrong with it
    assert "Traceback" not in said[1]


def test_clients_elsewhere_need_the_token_and_answers_have_their_time(
    trained: Trained, photographs: list[bytes], tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    options = ["--model", trained.package, "--host", "0.0.0.0", "--token-file", str(file), "--timeout", "0.1"]
    with running(tmp_path, *options) as server:
        assert server.ask("/health").json == {"ready": True}
        assert server.ask("/").status == 200
        shown = {"Authorization": f"Bearer {TOKEN}"}
        assert server.ask("/health", headers=shown).json["digest"] == trained.exported.digest
        for wrong in ({}, {"Authorization": TOKEN}, {"Authorization": "Bearer "}, {"Authorization": f"Basic {TOKEN}"}):
            reply = server.predict(photographs[0], headers=wrong)
            assert reply.status == 401
            assert reply.headers["www-authenticate"] == "Bearer"
            assert server.ask("/metrics", headers=wrong).status == 401
        late = server.predict(*[picture(2000, 2000, noise=True)] * 2, headers=shown)
        assert late.status == 504
        assert "within 0.1 s" in late.json["detail"]
        assert TOKEN not in server.log.read_text()
        # What nobody waits for any more is left, and later requests find their place.
        assert server.ask("/metrics", headers=shown).status == 200


def test_a_full_queue_refuses_and_recovers(trained: Trained, tmp_path: Path) -> None:
    options = ["--model", trained.package, "--queue", "4", "--max-images", "4"]
    with running(tmp_path, *options) as server:
        sent = [picture(500, 500)] * 4
        with ThreadPoolExecutor(12) as pool:
            replies = list(pool.map(lambda _: server.predict(*sent), range(36)))
        statuses = [reply.status for reply in replies]
        assert set(statuses) == {200, 429}
        refused = next(reply for reply in replies if reply.status == 429)
        assert refused.headers["retry-after"] == "1"
        assert "try again" in refused.json["detail"]
        assert server.count('maskfold_requests_total{code="429"}') == statuses.count(429)
        assert server.predict(*sent).status == 200
        assert server.predict(*sent, sent[0]).status == 413
