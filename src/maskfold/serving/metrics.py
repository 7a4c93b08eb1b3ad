"""What the server counts, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_SIZES = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """Counters of one server."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "maskfold_requests",
            "Requests to predict, and refused ones, by the status of the answer",
            ["code"],
            registry=self._registry,
        )
        self.images = Counter(
            "maskfold_images", "Photographs that were answered, by how the face was found", ["status"],
            registry=self._registry,
        )  # fmt: skip
        self.latency = Histogram(
            "maskfold_request_seconds", "From the head of a request to predict to its answer", buckets=_SECONDS,
            registry=self._registry,
        )  # fmt: skip
        self.batch = Histogram(
            "maskfold_batch_images", "Photographs in one call of the networks", buckets=_SIZES, registry=self._registry
        )
        self.switches = Counter(
            "maskfold_model_switches", "Changes of the model while serving, by outcome", ["outcome"],
            registry=self._registry,
        )  # fmt: skip
        self.model = Gauge("maskfold_model", "The model that answers: 1", ["name", "key", "digest"],
                           registry=self._registry)  # fmt: skip

    def count(self, status: int) -> None:
        """Count one request."""
        self.requests.labels(str(int(status))).inc()

    def watch(self, waiting: Callable[[], float], held: Callable[[], float]) -> None:
        """Show the length of the queue and the bytes that requests hold at the moment of each question."""
        Gauge("maskfold_queue_images", "Photographs that wait or are worked on", registry=self._registry).set_function(
            waiting
        )
        Gauge("maskfold_held_bytes", "Bytes of requests in memory", registry=self._registry).set_function(held)

    def text(self) -> bytes:
        """Return all of them in Prometheus' text format."""
        return generate_latest(self._registry)
