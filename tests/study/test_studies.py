"""The study files that ship with maskfold: all their variants can be planned, and are what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.compare import Comparison
from maskfold.study.plan import Study, read_study
from maskfold.training.backbones import check_backbone

FOLDER = Path(__file__).parents[2] / "studies"
HOT6 = FOLDER / "hot6.yaml"


@pytest.mark.parametrize("path", sorted(FOLDER.iterdir()), ids=lambda path: path.name)
def test_every_variant_can_be_planned(path: Path, drawn_data: Path, tmp_path: Path) -> None:
    comparison = Comparison.make(read_study(str(path)), str(drawn_data), str(tmp_path / "workspace"))
    base = comparison.base.recipe.networks
    for variant, plan in comparison.variants[1:]:
        assert plan.recipe.networks != base, f"{variant.name} changes nothing"
    assert not (tmp_path / "workspace" / "prepare").exists()


def test_hot6_has_the_originals_experiments(drawn_data: Path, tmp_path: Path) -> None:
    comparison = Comparison.make(read_study(str(HOT6)), str(drawn_data), str(tmp_path / "workspace"))
    networks = [plan.recipe.networks[0] for _, plan in comparison.variants]
    assert {one.optimizer.name for one in networks} == {"madgrad", "adam", "adamw"}
    assert all((one.optimizer.lr, one.optimizer.momentum) == (0.001, 0.9) for one in networks)
    tried = {(one.loss.name, one.loss.class_weights) for one in networks} - {("focal", "none")}
    assert tried == {
        ("cross-entropy", "none"), ("cross-entropy", "inverse-frequency"), ("label-smoothing", "none"),
        ("soft-f1", "none"), ("symmetric", "none"),
    }  # fmt: skip
    schedules = {"cyclic", "constant", "step", "cosine", "cosine-restarts"}
    assert {one.schedule.name for one in networks} == schedules
    backbones = {one.backbone for one in networks} - {"efficientnet_b4"}
    assert len(backbones) == 8
    from timm.models import is_model_pretrained  # after maskfold's own import of torchvision

    for name in backbones:
        check_backbone(name)
        assert is_model_pretrained(name)  # the recipe requires weights
    assert len(comparison.variants) == 1 + 2 + 5 + 4 + 8
    assert len(comparison.trainings()) == len(comparison.variants) * 3 * 5


def test_it_can_be_made_small_on_the_command_line(drawn_data: Path, tmp_path: Path) -> None:
    lite = ("folds.k=2", "networks.*.epochs=1", "networks.*.size=[70,56]", "networks.*.pretrained=none")
    study: Study = read_study(str(HOT6)).model_copy(update={"set": lite, "seeds": 1})
    comparison = Comparison.make(study, str(drawn_data), str(tmp_path / "workspace"))
    for _, plan in comparison.variants:
        (network,) = plan.recipe.networks
        assert (network.epochs, network.size, network.pretrained) == (1, (70, 56), "none")
    assert len(comparison.trainings()) == len(comparison.variants) * 2
