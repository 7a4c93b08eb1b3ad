"""What one request, and all together, may cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MEBI: Final = 1024**2


@dataclass(frozen=True)
class Limits:
    """Bounds that keep the server's memory flat and its answers quick, whatever it is sent."""

    body_bytes: int = 32 * MEBI
    """Of one request."""
    images: int = 64
    """In one request."""
    pixels: int = 40_000_000
    """Of one photograph."""
    queue: int = 256
    """Photographs that wait or are worked on; more are refused until some are answered."""
    body_seconds: float = 30.0
    """Until all of a request must have arrived."""
    head_seconds: float = 10.0
    """Until the head of a request must have arrived, also on a connection that was just opened."""
    answer_seconds: float = 30.0
    """From the last byte of a request to its answer."""
    connections: int = 512
    """Open at a time."""

    @property
    def request_pixels(self) -> int:
        """Of all photographs of a request together: they are decoded one after the other, while others wait."""
        return 10 * self.pixels

    @property
    def held_bytes(self) -> int:
        """Of all requests that are being read or answered."""
        return 8 * self.body_bytes
