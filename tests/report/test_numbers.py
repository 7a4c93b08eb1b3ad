from __future__ import annotations

import pytest

from maskfold.report import numbers


@pytest.mark.parametrize(
    ("share", "text"),
    [(None, "–"), (0.0, "0 %"), (0.00001, "<0.01 %"), (0.0018, "0.18 %"), (0.0104, "1.0 %"), (0.973, "97.3 %"),
     (1998 / 2000, "99.9 %"), (0.9997, "99.97 %"), (0.99999, ">99.99 %"), (1.0, "100 %")],
)  # fmt: skip
def test_shares_are_only_0_or_100_percent_where_they_are(share: float | None, text: str) -> None:
    assert numbers.percent(share) == text


@pytest.mark.parametrize(
    ("share", "text"), [(0.0, "0%"), (0.001, "<1%"), (0.006, "1%"), (0.5, "50%"), (1998 / 2000, ">99%"), (1.0, "100%")]
)
def test_shares_in_little_room_too(share: float, text: str) -> None:
    assert numbers.whole_percent(share) == text


def test_intervals_and_lists() -> None:
    assert numbers.span(0.4621, 0.5534) == "0.462–0.553"
    assert numbers.span(None, None) == numbers.percent_span(None, None) == ""
    assert numbers.percent_span(0.9412, 0.96) == "94.1–96.0 %"
    assert numbers.listed([30.0, 60.0]) == "30 and 60"
    assert numbers.listed([1.5, 1.65, 1.8]) == "1.5, 1.65 and 1.8"
    assert numbers.listed(["one"]) == "one"
    assert numbers.counted(1, "person", "people") == "1 person"
    assert numbers.counted(1200, "image") == "1,200 images"
