"""Covers drawn on faces: which images change, what becomes of their classes, and what is hidden."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from maskfold.faces.geometry import crop_box, cut
from maskfold.faces.pack import IndexRow, index_table
from maskfold.recipe import Covering, Crop, Margins
from maskfold.scheme import Scheme
from maskfold.training.cover_drawing import NOSE, UNIT, Drawn, cover_share, distance_inside, draw_covers, face_grid
from maskfold.training.cover_kinds import WORN, WRONG
from maskfold.training.cover_shapes import OF_USE, Use, draw_kinds, draw_shapes
from maskfold.training.covering import TYPICAL_FACE, Covers
from maskfold.training.face_place import face_place
from maskfold.training.randomness import Position, Purpose
from tests.training import drawn

SIZE = (64, 48)
VEILS = Scheme.model_validate(
    {
        "name": "veils",
        "attributes": [
            {"name": "hall", "values": ["north", "south"]},
            {"name": "veil", "values": ["askew", "none", "unclear", "full"]},
            {"name": "stature", "bounds": [1.5], "of": "person"},
        ],
    }
)
ASKEW, NONE, UNCLEAR, FULL = range(4)
NAMED = {"attribute": "veil", "bare": "none", "worn": "full", "wrong": "askew"}


def covering(**settings: object) -> Covering:
    return Covering.model_validate({**NAMED, **settings})


def faces(count: int, size: tuple[int, int] = SIZE) -> torch.Tensor:
    """Return noise, so that whatever is drawn changes it."""
    return torch.rand((count, 3, *size), generator=torch.Generator().manual_seed(1))


def draws(seed: int = 0) -> np.random.Generator:
    return Position(seed, 0).draws(Purpose.COVERING)


def point(u: float, v: float, size: tuple[int, int] = SIZE) -> tuple[int, int]:
    """Return the pixel of a point of the face."""
    left, top, right, bottom = TYPICAL_FACE
    x, y = left + (right - left) * (NOSE[0] + UNIT[0] * u), top + (bottom - top) * (NOSE[1] + UNIT[1] * v)
    return int(y * size[0]), int(x * size[1])


def changed(before: torch.Tensor, after: torch.Tensor) -> np.ndarray:
    return (before != after).flatten(1).any(1).numpy()


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 12),
    st.sampled_from([0.0, 0.4, 1.0]),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.sampled_from([0.0, 0.5]),
    st.sampled_from([0.0, 0.5]),
    st.integers(0, 1000),
)
def test_classes_change_with_the_covers_and_in_the_attribute_alone(count, p, wrong_share, other, recolour, seed):
    chosen = covering(p=p, wrong_share=wrong_share, other=other, recolour=recolour)
    labels = np.random.default_rng(seed).integers((2, 4, 2), size=(count, 3))
    before = faces(count)
    images, classes = Covers(chosen, VEILS, "joint")(before.clone(), VEILS.encode(labels), draws(seed))
    found = VEILS.decode(classes)
    assert images.shape == before.shape
    assert images.min() >= 0
    assert images.max() <= 1
    assert (found[:, [0, 2]] == labels[:, [0, 2]]).all()
    bare, moved = labels[:, 1] == NONE, found[:, 1] != labels[:, 1]
    assert (bare | ~moved).all()
    assert set(found[moved, 1]) <= {FULL, ASKEW}
    touched = changed(before, images)
    assert touched[moved].all()
    assert not touched[labels[:, 1] == UNCLEAR].any()
    if recolour == 0:
        assert not touched[~bare].any()
    if other == 0:
        assert (touched[bare] == moved[bare]).all()
    if p == 1:
        assert moved[bare].all()
    if wrong_share in (0.0, 1.0):
        assert (found[moved, 1] == (FULL, ASKEW)[int(wrong_share)]).all()


def test_the_joint_target_and_the_attribute_alone_agree():
    labels = np.random.default_rng(0).integers((2, 4, 2), size=(40, 3))
    chosen = covering(p=0.5, other=0.5, recolour=0.5)
    joint = Covers(chosen, VEILS, "joint")(faces(40), VEILS.encode(labels), draws())
    alone = Covers(chosen, VEILS, "veil")(faces(40), labels[:, 1], draws())
    assert torch.equal(joint[0], alone[0])
    assert (VEILS.decode(joint[1])[:, 1] == alone[1]).all()


def test_a_target_without_the_attribute_keeps_its_classes():
    before, classes = faces(40), np.arange(40) % 2
    images, found = Covers(covering(p=0.5, recolour=0.5), VEILS, "hall")(before.clone(), classes, draws())
    assert 5 < changed(before, images).sum() < 35
    assert (found == classes).all()


def test_shares_of_finer_classes_and_of_partly_known_images_move_along_the_attribute_alone():
    """Two halls, four veils, and a number in two groups that are trained as five bins; some images lack the veil."""
    settings = covering(p=0.9, recolour=0.3)
    random = np.random.default_rng(0)
    labels = random.integers((2, 4, 2), size=(60, 3))
    shape, blocks = (2, 4, 5), ((0, 1, 2), (1,), (0, 2))
    spread = random.dirichlet(np.ones(5), size=60).astype(np.float32)
    kind = np.arange(60) % 3  # all is known, the veil alone, all but the veil
    parts = [np.zeros((60, 2, 4, 5), np.float32), np.zeros((60, 4), np.float32), np.zeros((60, 2, 5), np.float32)]
    for row, (hall, veil, _) in enumerate(labels):
        if kind[row] == 0:
            parts[0][row, hall, veil] = spread[row]
        elif kind[row] == 1:
            parts[1][row, veil] = 1
        else:
            parts[2][row, hall] = spread[row]
    shares = np.concatenate([part.reshape(60, -1) for part in parts], axis=1)
    classes = np.where(kind == 0, VEILS.encode(labels), -1)
    before, given = faces(60), shares.copy()
    cover = Covers(settings, VEILS, "joint", shape=shape, blocks=blocks)
    images, found = cover(before.clone(), classes, draws(), shares)

    first, second, third = (shares[:, a:b] for a, b in ((0, 40), (40, 44), (44, 54)))
    cube = first.reshape(60, 2, 4, 5)
    new = np.where(kind == 0, cube.sum(axis=(1, 3)).argmax(axis=1), second.argmax(axis=1))
    moved = (kind < 2) & (new != labels[:, 1])
    assert moved.sum() > 5
    assert (labels[moved, 1] == NONE).all()
    assert set(new[moved]) == {FULL, ASKEW}
    assert (third == given[:, 44:]).all()
    assert np.allclose(cube.sum(axis=2), given[:, :40].reshape(60, 2, 4, 5).sum(axis=2))
    assert np.allclose(shares.sum(axis=1), 1)
    assert (shares[~moved] == given[~moved]).all()
    assert (found[kind > 0] == -1).all()
    assert (VEILS.decode(found[kind == 0])[:, 1] == new[kind == 0]).all()
    assert not changed(before, images)[kind == 2].any()


def test_without_a_class_for_wrong_ones_all_covers_are_worn():
    chosen = covering(p=1, wrong="", wrong_share=1)
    _, found = Covers(chosen, VEILS, "veil")(faces(30), np.full(30, NONE), draws())
    assert (found == FULL).all()


def test_the_shares_are_those_of_the_settings():
    chosen = covering(p=0.3, wrong_share=0.25, other=0.5, recolour=0.2)
    classes = np.repeat([NONE, FULL], 2000)
    before = faces(4000, (8, 8))
    images, found = Covers(chosen, VEILS, "veil")(before.clone(), classes, draws())
    touched, moved = changed(before, images), found != classes
    assert moved[:2000].mean() == pytest.approx(0.3, abs=0.04)
    assert (found[moved] == ASKEW).mean() == pytest.approx(0.25, abs=0.06)
    # Some things beside the face are outside of so small an image, or as good as.
    assert 0.4 < touched[:2000][~moved[:2000]].mean() < 0.55
    assert touched[2000:].mean() == pytest.approx(0.2, abs=0.04)


def test_draws_depend_on_the_place_alone():
    chosen, classes = covering(p=0.6, other=0.3, recolour=0.5), np.arange(24) % 4

    def at(place: Position) -> tuple[torch.Tensor, np.ndarray]:
        return Covers(chosen, VEILS, "veil")(faces(24), classes, place.draws(Purpose.COVERING))

    first, again, next_step = at(Position(3, 1, 2, 5)), at(Position(3, 1, 2, 5)), at(Position(3, 1, 2, 6))
    assert torch.equal(first[0], again[0])
    assert (first[1] == again[1]).all()
    assert not torch.equal(first[0], next_step[0])


def test_the_batch_may_be_empty_or_of_one_image_and_images_of_any_size():
    cover = Covers(covering(p=1), VEILS, "veil")
    images, classes = cover(faces(0), np.zeros(0, dtype=np.int64), draws())
    assert len(images) == len(classes) == 0
    for size in ((8, 8), (33, 21), (200, 160)):
        before = faces(1, size)
        images, classes = cover(before.clone(), np.array([NONE]), draws())
        assert images.shape == before.shape
        assert changed(before, images).all()
        assert classes[0] in (FULL, ASKEW)


def shares(use: Use, count: int = 1500) -> tuple[torch.Tensor, np.ndarray]:
    """Return how much of each pixel many covers hide, and their kinds."""
    source = np.random.default_rng(0)
    kinds = draw_kinds(np.full(count, use), source)
    values = {**draw_shapes(kinds, source), "tint": np.zeros(count, np.float32)}
    table = torch.from_numpy(np.stack(list(values.values())))[:, :, None, None]
    cover = Drawn({name: number for number, name in enumerate(values)}, table)
    grid = face_grid(cover, SIZE, TYPICAL_FACE)
    return cover_share(cover, distance_inside(cover, grid), grid), kinds


def test_worn_covers_hide_nose_and_mouth():
    found, kinds = shares(Use.WORN)
    assert len(set(kinds)) == len(WORN)
    for u, v in ((0, 0), (0, 0.35), (-0.3, 0.35), (0.3, 0.35), (0, 0.6)):
        assert found[:, *point(u, v)].min() > 0.5, (u, v)
    assert found[:, *point(-0.66, -0.5)].max() < 0.5  # the eyes stay free


def test_wrong_covers_leave_the_nose_free():
    found, kinds = shares(Use.WRONG)
    assert len(set(kinds)) == len(WRONG)
    assert found[:, *point(0, 0)].max() < 0.5
    assert (found.flatten(1).sum(1) > 20).all()  # each is seen


def test_every_kind_is_drawn_as_often_as_its_weight_says():
    first = 0
    for use in Use:
        weights = np.array([kind.weight for kind in OF_USE[use]])
        kinds = draw_kinds(np.full(20_000, use), np.random.default_rng(1))
        counts = np.bincount(kinds - first, minlength=len(weights))
        assert counts / 20_000 == pytest.approx(weights / weights.sum(), abs=0.015)
        first += len(weights)


def test_a_tint_changes_what_looks_like_the_cloth_and_leaves_the_rest():
    images = torch.full((1, 3, *SIZE), 0.8)
    images[:, :, 36:54, 10:38] = torch.tensor([0.1, 0.2, 0.6]).view(3, 1, 1)
    changes = torch.zeros(SIZE)
    for seed in range(40):
        tinted = draw_covers(images, np.array([Use.WORN]), np.array([True]), TYPICAL_FACE, np.random.default_rng(seed))
        changes += (tinted - images).abs().sum(dim=1)[0] / 40
    assert changes[42:50, 16:32].min() > 0.1
    assert changes[:30].max() < 0.02
    assert changes[34:50, :8].max() < 0.02


def test_the_place_of_the_face_moves_the_cover_with_it():
    higher = tuple(edge - shift for edge, shift in zip(TYPICAL_FACE, (0, 0.25, 0, 0.25), strict=True))
    images = torch.full((1, 3, *SIZE), 0.5)

    def rows(face: tuple[float, ...]) -> float:
        one = draw_covers(images, np.array([Use.WORN]), np.array([False]), face, np.random.default_rng(3))
        weight = (one - images).abs().sum(dim=(0, 1, 3))
        return float((weight * torch.arange(SIZE[0])).sum() / weight.sum())

    assert rows(TYPICAL_FACE) - rows(higher) == pytest.approx(0.25 * SIZE[0], abs=3)


def test_a_learner_teaches_the_changed_classes():
    named = {"attribute": "mask", "bare": "not worn", "worn": "wear", "wrong": "incorrect", "p": 1, "wrong_share": 0}
    learner = drawn.learner(drawn.network(target="mask", covering=named))
    images = torch.full((6, 3, *drawn.SIZE), 128, dtype=torch.uint8)
    inputs, targets = learner.inputs(images, np.array([0, 1, 2, 0, 1, 2]), Position(0, 0))
    assert targets.argmax(dim=1).tolist() == [0, 1, 0, 0, 1, 0]
    touched = (inputs != 128 / 255).flatten(1).any(1)
    assert touched.tolist() == [False, False, True, False, False, True]


def test_other_draws_stay_as_they_are_without_covers():
    images = torch.randint(0, 255, (6, 3, *drawn.SIZE), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    classes = np.array([0, 1, 0, 0, 1, 1])  # none is bare, so nothing is drawn on
    named = {"attribute": "mask", "bare": "not worn", "worn": "wear", "wrong": "incorrect", "p": 1}
    augmented = {"augmentation": "strong", "cutmix": {"p": 1}}
    plain = drawn.learner(drawn.network(**augmented)).inputs(images, classes, Position(0, 0))
    with_covers = drawn.learner(drawn.network(**augmented, covering=named)).inputs(images, classes, Position(0, 0))
    assert torch.equal(plain[0], with_covers[0])
    assert torch.equal(plain[1], with_covers[1])


@pytest.mark.parametrize("aspect", ["stretch", "enlarge", "pad"])
@pytest.mark.parametrize("unit", ["box", "pixel"])
def test_the_place_of_faces_is_where_they_are_in_the_crops(aspect: str, unit: str):
    margins = (
        Margins(left=0.1, top=0.4, right=0.3, bottom=0.2)
        if unit == "box"
        else Margins(left=10, top=30, right=20, bottom=15, unit="pixel")
    )
    crop = Crop(face_size=(100, 80), margins=margins, aspect=aspect, border="pad")
    box = (100.0, 120.0, 180.0, 220.0)
    cut_out = crop_box(box, crop, 400, 300)
    photograph = np.zeros((400, 300, 3), np.uint8)
    photograph[120:220, 100:180] = 255
    packed = cut(photograph, cut_out, crop.face_size, keep_aspect=aspect == "pad")[..., 0] > 127
    rows, columns = np.flatnonzero(packed.any(1)), np.flatnonzero(packed.any(0))
    entries = [IndexRow("detected", 1.0, box, cut_out)] * 3 + [
        IndexRow("fallback", box=(0, 0, 9, 9), crop=(0, 0, 9, 9))
    ]
    index = index_table(pd.DataFrame({"image": list("abcd"), "part": "train"}), entries)
    seen = columns[0] / 80, rows[0] / 100, (columns[-1] + 1) / 80, (rows[-1] + 1) / 100
    assert face_place(index, crop) == pytest.approx(seen, abs=0.02)


def test_a_face_that_was_never_found_has_no_place():
    entries = [IndexRow("fallback"), IndexRow("detected", 1.0, (1, 1, 2, 2), (0, 0, 3, 3))]
    index = index_table(pd.DataFrame({"image": ["a", "b"], "part": ["train", "eval"]}), entries)
    assert face_place(index, Crop()) is None


def test_the_typical_face_is_that_of_the_default_margins():
    box = (100.0, 120.0, 180.0, 220.0)
    entries = [IndexRow("detected", 1.0, box, crop_box(box, Crop(), 400, 300))]
    assert face_place(index_table(pd.DataFrame({"image": ["a"], "part": "train"}), entries), Crop()) == pytest.approx(
        TYPICAL_FACE, abs=0.001
    )
