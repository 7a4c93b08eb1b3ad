"""Numbers as people read them; the same number looks the same everywhere on the page."""

from __future__ import annotations

from collections.abc import Sequence


def score(value: float | None) -> str:
    """Return a score: ``0.513``; a dash where there is none."""
    return "–" if value is None else f"{value:.3f}"


def signed(value: float) -> str:
    """Return a difference: ``+0.013``."""
    return f"{value:+.3f}"


def span(low: float | None, high: float | None) -> str:
    """Return an interval of scores: ``0.462–0.553``; empty where there is none."""
    return "" if low is None or high is None else f"{low:.3f}–{high:.3f}"


def percent(share: float | None) -> str:
    """Return a share: ``97.3 %``; small ones with one more digit, and 0 and 100 only where nothing was rounded away."""
    if share is None:
        return "–"
    if 0 < share < 0.0001:
        return "<0.01 %"
    if 0.9999 < share < 1:
        return ">99.99 %"
    if share in (0, 1):
        return f"{share:.0%}".replace("%", " %")
    digits = 2 if share < 0.01 or share >= 0.9995 else 1
    return f"{100 * share:.{digits}f} %"


def percent_span(low: float | None, high: float | None) -> str:
    """Return an interval of shares: ``94.1–96.0 %``; empty where there is none."""
    return "" if low is None or high is None else f"{100 * low:.1f}–{100 * high:.1f} %"


def whole_percent(share: float) -> str:
    """Return a share in little room: ``97%``; never ``100%`` where something is missing, nor ``0%`` of something."""
    if 0 < share < 0.005:
        return "<1%"
    if 0.995 <= share < 1:
        return ">99%"
    return f"{share:.0%}"


def thousands(value: float) -> str:
    """Return a whole number: ``12,600``."""
    return f"{round(value):,}"


def listed(items: Sequence[object]) -> str:
    """Return ``30 and 60``; ``1.5, 1.65 and 1.8``."""
    *first, last = (f"{item:g}" if isinstance(item, float) else str(item) for item in items)
    return f"{', '.join(first)} and {last}" if first else last


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return ``1 image``, ``1,200 images``."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"
