"""Which of several boxes is the face: necklaces, posters, T-shirts, passers-by."""

import numpy as np
import pytest

from maskfold.faces.choice import Typical, choose, fallback, is_confident, learn_typical
from maskfold.faces.detector import Candidates

HEIGHT, WIDTH = 320, 240
FACE = (70.0, 70.0, 170.0, 200.0)


def candidates(*found: tuple[tuple[float, float, float, float], float]) -> Candidates:
    return Candidates.ordered(
        np.array([box for box, _ in found], np.float32).reshape(-1, 4),
        np.array([probability for _, probability in found], np.float32),
    )


def pick(found: Candidates, typical: Typical | None, again: bool = False) -> tuple[float, ...] | None:
    face = choose(found, HEIGHT, WIDTH, typical, min_probability=0.9, again=again)
    return face and face.box


@pytest.fixture
def typical() -> Typical:
    """Learned from forty portraits that differ a little."""
    rng = np.random.default_rng(0)
    found = [(candidates((tuple(np.array(FACE) + rng.normal(0, 5, 4)), 0.999)), HEIGHT, WIDTH) for _ in range(40)]
    learned = learn_typical(found, 0.9)
    assert learned is not None
    return learned


@pytest.mark.parametrize(
    ("name", "other", "probability"),
    [
        ("necklace", (75, 190, 165, 310), 0.999),
        ("larger poster behind", (0, 0, 240, 90), 0.999),
        ("T-shirt", (95, 240, 145, 300), 0.999),
        ("tiny false positive on the mask", (110, 150, 130, 172), 0.999),
        ("passer-by", (185, 60, 235, 125), 0.999),
    ],
)
def test_the_face_wins_over(
    name: str, other: tuple[float, float, float, float], probability: float, typical: Typical
) -> None:
    found = candidates((other, probability), (FACE, 0.93))
    assert tuple(found.boxes[0]) == other  # the wrong one is more probable
    assert pick(found, typical) == FACE


def test_of_two_equally_placed_boxes_the_more_probable(typical: Typical) -> None:
    left, right = (60.0, 70.0, 160.0, 200.0), (80.0, 70.0, 180.0, 200.0)
    centred = Typical((0.5, 135 / 320, float(np.log(130 / 320))), (0.05, 0.05, 0.2), (0, 0, 1, 1), 40)
    assert pick(candidates((left, 0.95), (right, 0.99)), centred) == right
    assert pick(candidates((left, 0.99), (right, 0.95)), centred) == left


def test_an_unusual_portrait_keeps_its_face(typical: Typical) -> None:
    aside = (110.0, 80.0, 215.0, 215.0)
    assert pick(candidates((aside, 0.95)), typical) == aside


def test_a_lone_necklace_is_no_face(typical: Typical) -> None:
    assert pick(candidates(((75, 200, 165, 320), 0.999)), typical) is None


def test_improbable_boxes_do_not_count(typical: Typical) -> None:
    assert pick(candidates((FACE, 0.89)), typical) is None
    assert pick(candidates(), typical) is None


def test_a_second_look_takes_less_but_only_in_place(typical: Typical) -> None:
    assert pick(candidates((FACE, 0.65)), typical, again=True) == FACE
    assert pick(candidates((FACE, 0.55)), typical, again=True) is None
    assert pick(candidates(((70, 120, 170, 250), 0.65)), typical, again=True) is None


def test_without_a_typical_face_size_and_probability_decide() -> None:
    small = (10.0, 10.0, 40.0, 50.0)
    assert pick(candidates((small, 0.99), (FACE, 0.95)), None) == FACE
    assert pick(candidates((small, 0.65)), None, again=True) is None


def test_few_confident_boxes_rank_but_reject_nothing() -> None:
    learned = learn_typical([(candidates((FACE, 0.999)), HEIGHT, WIDTH)], 0.9)
    far = (0.0, 250.0, 60.0, 320.0)
    assert pick(candidates((far, 0.999)), learned) == far
    assert pick(candidates((far, 0.999), (FACE, 0.91)), learned) == FACE


def test_the_typical_face_is_learned_from_confident_boxes_only() -> None:
    assert is_confident(candidates((FACE, 0.995)), 0.9)
    assert not is_confident(candidates((FACE, 0.98)), 0.9)
    assert not is_confident(candidates((FACE, 0.999), ((0, 0, 20, 20), 0.95)), 0.9)
    assert is_confident(candidates((FACE, 0.999), ((0, 0, 20, 20), 0.8)), 0.9)
    assert not is_confident(candidates(), 0.9)
    assert learn_typical([(candidates((FACE, 0.98)), HEIGHT, WIDTH)], 0.9) is None


def test_the_fallback_is_the_median_in_relative_coordinates() -> None:
    boxes = [(24, 32, 120, 160), (48, 64, 168, 224), (72, 96, 216, 288)]
    found = [(candidates((box, 0.999)), 320, 240) for box in boxes]
    found.append((candidates(((96, 128, 336, 448), 0.999)), 640, 480))  # the second portrait at twice the size
    learned = learn_typical(found, 0.9)
    assert fallback(learned, 320, 240) == pytest.approx((48, 64, 168, 224))
    assert fallback(learned, 512, 384) == pytest.approx((76.8, 102.4, 268.8, 358.4))


def test_one_wild_box_does_not_move_the_fallback() -> None:
    found = [(candidates((FACE, 0.999)), HEIGHT, WIDTH)] * 9 + [(candidates(((0, 0, 9, 9), 0.999)), HEIGHT, WIDTH)]
    assert fallback(learn_typical(found, 0.9), HEIGHT, WIDTH) == pytest.approx(FACE)


def test_without_any_confident_box_the_whole_portrait() -> None:
    assert fallback(None, 320, 240) == (0, 0, 240, 320)


def test_boxes_without_extent_are_never_chosen(typical: Typical) -> None:
    assert pick(candidates(((120, 80, 120, 200), 0.999)), typical) is None
