from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maskfold.ensemble.combination import combine
from maskfold.report.figures import run_figures
from maskfold.report.page import Picture, draw
from maskfold.storage import open_workspace
from maskfold.theme import DARK, LIGHT, Palette
from tests.ensemble.synthetic import NETWORKS, World, recipe, spec


def rgb(color: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(color[1:]))


def is_cut_off(path: Path, palette: Palette) -> bool:
    pixels = np.asarray(Image.open(path).convert("RGB"))
    border = np.concatenate([pixels[[0, -1]].reshape(-1, 3), pixels[:, [0, -1]].reshape(-1, 3)])
    return bool((border != np.array(rgb(palette.paper))).any())


def test_every_figure_is_drawn_in_both_palettes_at_the_announced_size(pictures: list[Picture]) -> None:
    names = [picture.figure.name for picture in pictures]
    assert names == [
        "scores", "confusion_vote", "confusion_attributes", "classes", "ages", "learning", "learning_rate",
    ]  # fmt: skip
    for picture in pictures:
        for path, palette in ((picture.light, LIGHT), (picture.dark, DARK)):
            pixels = np.asarray(Image.open(path).convert("RGB"))
            assert pixels.shape[:2] == (picture.height, picture.width), picture.figure.name
            assert tuple(pixels[0, 0]) == rgb(palette.paper)
            drawn = (pixels != np.array(rgb(palette.paper))).any(axis=2).mean()
            assert drawn > 0.02, f"{path} is nearly empty"
            assert not is_cut_off(path, palette), f"{path} is cut off at its edge"


def test_alternative_texts_say_what_the_figures_show(finished_run, pictures: list[Picture]) -> None:
    alts = {picture.figure.name: picture.figure.alt for picture in pictures}
    scores = finished_run.combination.vote.scores
    assert f"vote {scores.macro_f1:.3f} (classes)" in alts["scores"]
    assert f"{scores.accuracy:.1%} of the images lie on the diagonal" in alts["confusion_vote"]
    assert f"age {scores.attributes['age']['accuracy']:.1%}" in alts["confusion_attributes"]
    assert "joint from" in alts["learning"]


def test_one_network_of_a_long_name_one_epoch_and_absent_classes_can_be_drawn(tmp_path) -> None:
    longest = {**NETWORKS[0], "name": "n" * 40}
    world = World(recipe=recipe([longest], k=2), ages=[45], n_people=4, n_eval=1)
    made = spec(world, open_workspace(str(tmp_path / "workspace")), tmp_path, epochs=1)
    combination = combine(world.recipe, world.manifest, world.folds, world.tables)
    seen: list[tuple[int, int]] = []
    pictures = draw(run_figures(made.recipe, combination, made.trained), tmp_path, lambda *done: seen.append(done))
    assert seen[-1] == (len(pictures), len(pictures))
    assert [picture.figure.name for picture in pictures if is_cut_off(picture.light, LIGHT)] == []


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
