from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maskfold.report.figure import Figure
from maskfold.report.figures import run_figures
from maskfold.report.numbers import percent
from maskfold.report.picture import Picture, draw
from maskfold.theme import DARK, LIGHT, Palette
from tests.ensemble.synthetic import NETWORKS, ONE, THREE, Run, World, recipe, recipe_of, run_of


def rgb(color: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(color[1:]))


def is_cut_off(path: Path, palette: Palette) -> bool:
    pixels = np.asarray(Image.open(path).convert("RGB"))
    border = np.concatenate([pixels[[0, -1]].reshape(-1, 3), pixels[:, [0, -1]].reshape(-1, 3)])
    return bool((border != np.array(rgb(palette.paper))).any())


def test_every_figure_is_drawn_in_both_palettes_at_the_announced_size(pictures: list[Picture]) -> None:
    names = [picture.figure.name for picture in pictures]
    assert names == [
        "scores", "confusion_vote", "confusion_attributes", "classes", "age_groups", "learning", "learning_rate",
    ]  # fmt: skip
    for picture in pictures:
        wide, narrow = (picture.height, picture.width), (picture.narrow_height, picture.narrow_width)
        drawings = [
            (picture.light, LIGHT, wide), (picture.dark, DARK, wide),
            (picture.narrow_light, LIGHT, narrow), (picture.narrow_dark, DARK, narrow),
        ]  # fmt: skip
        for path, palette, size in drawings:
            pixels = np.asarray(Image.open(path).convert("RGB"))
            assert pixels.shape[:2] == size, picture.figure.name
            assert tuple(pixels[0, 0]) == rgb(palette.paper)
            drawn = (pixels != np.array(rgb(palette.paper))).any(axis=2).mean()
            assert drawn > 0.02, f"{path} is nearly empty"
            assert not is_cut_off(path, palette), f"{path} is cut off at its edge"


def test_alternative_texts_say_what_the_figures_show(finished_run, pictures: list[Picture]) -> None:
    alts = {picture.figure.name: picture.figure.alt for picture in pictures}
    scores = finished_run.combination.vote.scores
    assert f"vote {scores.macro_f1:.3f} (classes)" in alts["scores"]
    assert f"{percent(scores.accuracy)} of the images are on the diagonal" in alts["confusion_vote"]
    assert f"age {percent(scores.attributes['age']['accuracy'])}" in alts["confusion_attributes"]
    assert "joint from" in alts["learning"]


def test_one_network_of_a_long_name_one_epoch_and_absent_classes_can_be_drawn(tmp_path) -> None:
    longest = {**NETWORKS[0], "name": "n" * 40}
    world = World(recipe=recipe([longest], k=2), ages=[45], n_people=4, n_eval=1)
    made, combination = run_of(world, tmp_path, epochs=1)
    seen: list[tuple[int, int]] = []
    pictures = draw(run_figures(made.recipe, combination, made.trained), tmp_path, lambda *done: seen.append(done))
    assert seen[-1] == (len(pictures), len(pictures))
    for picture in pictures:
        assert not is_cut_off(picture.light, LIGHT), picture.figure.name
        assert not is_cut_off(picture.narrow_light, LIGHT), picture.figure.name


def drawn(run: Run, folder: Path) -> dict[str, Figure]:
    """Draw what depends on the scheme, on light paper."""
    figures = {figure.name: figure for figure in run_figures(run.spec.recipe, run.combination, run.spec.trained)}
    for figure in figures.values():
        if not figure.name.startswith("learning"):
            for narrow in (False, True):
                path = figure.save(folder, LIGHT, narrow=narrow)
                assert not is_cut_off(path, LIGHT), f"{figure.name} is cut off at its edge"
    return figures


def test_any_scheme_can_be_drawn(tmp_path) -> None:
    run = run_of(World(recipe=recipe_of(THREE), n_people=60), tmp_path)
    figures = drawn(run, tmp_path)
    assert list(figures) == [
        "scores", "confusion_vote", "confusion_attributes", "classes", "stature_groups", "learning", "learning_rate",
    ]  # fmt: skip
    assert "numbers count" not in figures["confusion_vote"].caption  # 40 classes: cells have no room
    assert figures["confusion_attributes"].caption.endswith("class: glasses, stature, hair.")
    assert "bounds at [1.5, 1.65, 1.8]" in figures["stature_groups"].alt


def test_the_only_attribute_is_drawn_once(tmp_path) -> None:
    run = run_of(World(recipe=recipe_of(ONE), n_people=30), tmp_path)
    figures = drawn(run, tmp_path)
    assert list(figures) == ["scores", "confusion_vote", "classes", "learning", "learning_rate"]
    assert "of-state" in figures["scores"].alt


def many(*sizes: int) -> dict:
    attributes = [
        {"name": f"kind{number}", "of": "person", "values": [f"v{value}" for value in range(size)]}
        for number, size in enumerate(sizes)
    ]
    return {"name": "many", "attributes": attributes}


def test_more_classes_than_can_be_drawn_are_left_out_and_named(tmp_path) -> None:
    world = World(recipe=recipe_of(many(12, 70), k=2), n_people=210, accuracy=0.6)
    run = run_of(world, tmp_path, epochs=1)
    figures = drawn(run, tmp_path)
    assert "confusion_vote" not in figures
    caption = figures["confusion_attributes"].caption
    assert "class: kind0." in caption
    assert "the matrix of the joint classes and of the classes of kind1" in caption
    n_there = len(np.unique(run.combination.vote.true))
    assert f"Of 840 classes {n_there} occur; shown are the 32 with the lowest" in figures["classes"].caption


def test_an_only_attribute_of_many_classes_says_what_is_left_out(tmp_path) -> None:
    figures = drawn(run_of(World(recipe=recipe_of(many(70), k=2), n_people=80), tmp_path, epochs=1), tmp_path)
    assert not {"confusion_vote", "confusion_attributes"} & set(figures)
    assert figures["classes"].caption.endswith("in the tables alone: the matrix of the joint classes.")


def test_long_names_of_classes_leave_room_for_the_figure(tmp_path) -> None:
    values = [f"{letter} of a very long name that somebody gave to a class of masks" for letter in "abcd"]
    scheme = {
        "name": "long",
        "attributes": [{"name": "kind", "values": values}, {"name": "other", "values": ["x", "y"]}],
    }
    run = run_of(World(recipe=recipe_of(scheme, k=2), n_people=16), tmp_path, epochs=1)
    assert {"confusion_vote", "confusion_attributes", "classes"} <= set(drawn(run, tmp_path))


def test_panels_wrap(tmp_path) -> None:
    run = run_of(World(recipe=recipe_of(many(2, 2, 2, 2, 2), k=2), n_people=64), tmp_path, epochs=1)
    heights = {name: figure.height for name, figure in drawn(run, tmp_path).items()}
    assert heights["scores"] == pytest.approx(2 * (1.0 + 0.34 * len(run.combination.voters)))
    assert heights["confusion_attributes"] == pytest.approx(2 * 2.9)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=lambda palette: palette.name)
def test_text_stands_out_from_the_paper(palette: Palette) -> None:
    """WCAG 2.2, 1.4.3: contrast of text at least 4.5; 1.4.11: of graphics at least 3."""

    def luminance(color: str) -> float:
        values = np.array(rgb(color)) / 255
        linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    def contrast(color: str) -> float:
        high, low = sorted((luminance(color), luminance(palette.paper)), reverse=True)
        return (high + 0.05) / (low + 0.05)

    assert min(contrast(palette.ink), contrast(palette.faint)) >= 4.5
    assert min(map(contrast, (palette.accent, *palette.series))) >= 3
