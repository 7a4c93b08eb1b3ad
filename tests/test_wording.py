"""What messages share."""

from maskfold.wording import did_you_mean, first_few


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
