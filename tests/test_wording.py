"""What messages share."""

import pytest

from maskfold.wording import did_you_mean, duration, first_few


def test_the_closest_name_is_offered() -> None:
    assert did_you_mean("cutmx", ["mixup", "cutmix"]) == " Did you mean 'cutmix'?"
    assert did_you_mean("resnet19", ["resnet18", "vgg", "resnet10"], limit=2).count(" or ") == 1
    assert did_you_mean("adam", ["mixup"]) == ""


def test_a_long_list_is_cut_short_and_says_so() -> None:
    assert first_few(["a", "b", "c"], limit=3) == "a, b, c"
    assert first_few(["a", "b", "c", "d"], limit=2) == "a, b, and 2 more"
    assert first_few([1, 2, 3], limit=2, separator="; ") == "1; 2; and 1 more"
    assert first_few(range(3000), limit=1) == "0, and 2,999 more"
    assert first_few([]) == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (185, "3 min 05 s"),
     (7620, "2 h 07 min")],
)  # fmt: skip
def test_durations_are_for_people(seconds: float, text: str) -> None:
    assert duration(seconds) == text
