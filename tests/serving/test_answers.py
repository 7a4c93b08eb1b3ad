"""The server answers as the model does, in each form of request, to one client and to many at a time."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from maskfold.inference.answers import answer_table
from maskfold.inference.predictor import Predictor
from tests.inference.trained import Trained
from tests.serving.running import RunningServer, form, picture

pytestmark = [pytest.mark.slow, pytest.mark.servers]


def test_photographs_get_the_answers_of_the_model(
    served: RunningServer, predictor: Predictor, photographs: list[bytes], trained: Trained
) -> None:
    sent = [*photographs[:4], b"not a photograph"]
    reply = served.predict(*sent)
    assert reply.status == 200
    assert reply.json["model"] == {
        "name": "maskfold-little",
        "key": predictor.model.key,
        "digest": trained.exported.digest,
    }
    expected = predictor.predict(sent)
    table = answer_table([f"{number}.jpg" for number in range(5)], expected, predictor.model.scheme)
    assert [row["name"] for row in reply.answers] == table["image"].tolist()
    for row, answer, (_, line) in zip(reply.answers, expected, table.iterrows(), strict=True):
        assert np.abs(np.array(row["probabilities"]) - answer.probabilities).max() < 2e-6
        assert (row["class"], row["status"], row["unsure"]) == (line["class"], line["face_status"], line["unsure"])
        assert row["class_name"] == f"{line['mask']} / {line['gender']}"
        assert [found["class"] for found in row["attributes"].values()] == [line["mask"], line["gender"]]
        shares = row["attributes"]["gender"]["probabilities"]
        assert list(shares) == ["male", "female"]
        assert shares["male"] == pytest.approx(sum(row["probabilities"][0::2]), abs=1e-5)
        assert (row["height"], row["width"]) == (answer.height, answer.width)
        if answer.box is not None:
            assert row["box"] == pytest.approx(answer.box, abs=0.01)
            assert row["confidence"] == pytest.approx(answer.confidence, abs=1e-5)
    last = reply.answers[-1]
    assert (last["status"], last["box"], last["confidence"]) == ("unreadable", None, None)
    assert "not an image" in last["problem"]


def test_each_form_of_request_gets_the_same_answer(served: RunningServer, photographs: list[bytes]) -> None:
    content = photographs[0]
    text = base64.b64encode(content).decode()
    replies = [
        served.predict(content),
        served.ask("/predict", json.dumps({"images": [text]}).encode(), "application/json"),
        served.ask("/predict", json.dumps({"images": [{"name": "a", "data": text}]}).encode(), "application/json"),
        served.ask("/predict", content, "image/jpeg"),
    ]
    assert [reply.status for reply in replies] == [200] * 4
    rows = [reply.answers[0] for reply in replies]
    assert [row.pop("name") for row in rows] == ["0.jpg", "", "a", ""]
    assert rows[1:] == rows[:1] * 3


def test_every_face(served: RunningServer, photographs: list[bytes]) -> None:
    reply = served.predict(photographs[0], picture(64, 64), query="?all_faces=true")
    assert reply.status == 200
    assert [row["image"] for row in reply.answers][-1] == 1
    nothing = reply.answers[-1]
    assert (nothing["status"], nothing["class"], nothing["attributes"]) == ("none", None, None)
    assert served.predict(photographs[0], query="?all_faces=perhaps").status == 422


def test_many_clients_get_their_own_answers(served: RunningServer, photographs: list[bytes]) -> None:
    alone = [served.predict(content).answers[0] for content in photographs]
    batches, images = (served.count(f"maskfold_batch_images_{kind}") for kind in ("count", "sum"))
    many = [number % len(photographs) for number in range(96)]
    with ThreadPoolExecutor(16) as pool:
        replies = list(pool.map(lambda number: served.predict(photographs[number]), many))
    assert [reply.status for reply in replies] == [200] * len(many)
    for number, reply in zip(many, replies, strict=True):
        (row,), expected = reply.answers, alone[number]
        assert (row["class"], row["box"], row["status"]) == (expected["class"], expected["box"], expected["status"])
        assert row["probabilities"] == pytest.approx(expected["probabilities"], abs=3e-6)
    assert served.count("maskfold_batch_images_sum") - images == len(many)
    assert served.count("maskfold_batch_images_count") - batches < len(many) / 2
    assert served.count("maskfold_queue_images") == 0
    assert served.count("maskfold_held_bytes") == 0


def test_nothing_readable_is_no_success(served: RunningServer) -> None:
    reply = served.predict(b"nothing", b"")
    assert reply.status == 422
    assert "no photograph" in reply.json["detail"]
    assert [row["status"] for row in reply.answers] == ["unreadable"] * 2


def test_health_and_metrics(served: RunningServer, trained: Trained) -> None:
    described = {name: served.described[name] for name in ("model", "key", "digest")}
    assert described["digest"] == trained.exported.digest
    reply = served.ask("/health")
    assert (reply.status, reply.json) == (200, {"ready": True, **described})
    served.ask("/predict", b"[]", "application/json")
    text = served.ask("/metrics").content.decode()
    for name in ("maskfold_request_seconds_bucket", "maskfold_batch_images_bucket", "maskfold_queue_images"):
        assert name in text
    assert served.count('maskfold_requests_total{code="400"}') >= 1
    model = f'maskfold_model{{digest="{described["digest"]}",key="{described["key"]}",name="maskfold-little"}}'
    assert served.count(model) == 1


def test_the_pages_load_nothing_from_elsewhere(served: RunningServer) -> None:
    for path, kind in (
        ("/", "text/html"),
        ("/page.css", "text/css"),
        ("/page.js", "text/javascript"),
        ("/docs", "text/html"),
    ):
        reply = served.ask(path)
        assert reply.status == 200
        assert reply.headers["content-type"].startswith(kind)
        assert "default-src 'none'" in reply.headers["content-security-policy"]
        assert "unsafe" not in reply.headers["content-security-policy"]
        assert "access-control-allow-origin" not in reply.headers
        assert b"https://" not in reply.content
        assert b"//cdn" not in reply.content
    assert b"POST /predict" in served.ask("/docs").content
    described = served.ask("/openapi.json").json
    assert set(described["paths"]) == {"/predict", "/health", "/metrics"}
    assert {"200", "400", "413", "429", "503"} <= set(described["paths"]["/predict"]["post"]["responses"])


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:PORT"}, 200),
        ({"Host": "evil.example:PORT"}, 403),
        ({"Host": "127.0.0.1"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:PORT"}, 200),
    ],
)
def test_pages_of_other_sites_are_refused(served: RunningServer, headers: dict[str, str], status: int) -> None:
    given = {name: value.replace("PORT", str(served.address[1])) for name, value in headers.items()}
    assert served.ask("/health", headers=given).status == status
    body, kind = form((b"nothing",))
    assert served.ask("/predict", body, kind, given).status == (422 if status == 200 else status)


def test_a_connection_serves_several_requests(served: RunningServer, photographs: list[bytes]) -> None:
    """Also after a refusal: nothing of a request is left on the connection."""
    connection = http.client.HTTPConnection(*served.address, timeout=240)
    body, kind = form((photographs[0],))
    statuses = []
    for content, content_type in ((body, kind), (b"{", "application/json"), (body, "text/plain"), (body, kind)):
        connection.request("POST", "/predict", content, {"Content-Type": content_type})
        reply = connection.getresponse()
        reply.read()
        statuses.append(reply.status)
    connection.close()
    assert statuses == [200, 400, 415, 200]


def test_a_client_that_leaves_costs_no_answer(served: RunningServer) -> None:
    before = served.count('maskfold_requests_total{code="499"}')
    body, kind = form((picture(3000, 3000, noise=True),))
    with socket.create_connection(served.address, timeout=60) as connection:
        head = f"POST /predict HTTP/1.1\r\nHost: 127.0.0.1:{served.address[1]}\r\nContent-Type: {kind}\r\n"
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    end = time.monotonic() + 120
    while served.count('maskfold_requests_total{code="499"}') == before:
        assert time.monotonic() < end, "the server does not notice"
        time.sleep(0.1)
    assert served.predict(picture(64, 64)).status == 200
