"""A value of each setting to try: from the presets, or written here where they have none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final

from maskfold.recipe.loading import PRESETS, load_recipe
from maskfold.recipe.reference import EACH, Setting, written

_GIVEN: Final = "{source: given, mean: [0.5, 0.45, 0.4], std: [0.25, 0.25, 0.25]}"
_PIXELS: Final = "{unit: pixel, left: 30, top: 60, right: 30, bottom: 30}"
_WRITTEN: Final[dict[str, str]] = {
    "scheme": "mask",
    "scheme.attributes.*.name": "scheme={attributes: [{name: beard, values: [bearded, shaven]}]}",
    "scheme.attributes.*.values": "[worn, wrong, none]",
    "scheme.attributes.*.bounds": "[30, 60]",
    "scheme.attributes.*.lowest": "0",
    "scheme.attributes.*.highest": "120",
    "dataset.table": "faces.csv",
    "dataset.corrections": "corrections.csv",
    "dataset.external": "[more/faces.csv]",
    "dataset.max_quarantined": "0.05",
    "dataset.max_eval_unreadable": "0",
    "folds.seed": "1",
    "crop.min_probability": "0.8",
    "crop.margins.left": "0.3",
    "crop.margins.top": "0.5",
    "crop.margins.right": "0.3",
    "crop.margins.bottom": "0.1",
    "crop.margins.unit": f"crop.margins={_PIXELS}",
    "networks.*.name": "networks.0.name=whole-face",
    "networks.*.target": "networks.joint.target=mask",
    "networks.*.backbone": "resnet18",
    "networks.*.backbone_args": "{drop_rate: 0.2}",
    "networks.*.size": "[160, 120]",
    "networks.*.normalisation.source": f"networks.*.normalisation={_GIVEN}",
    "networks.*.normalisation.mean": f"networks.*.normalisation={_GIVEN}",
    "networks.*.normalisation.std": f"networks.*.normalisation={_GIVEN}",
    "networks.*.augmentation.flip": "0",
    "networks.*.augmentation.crop": "0.5",
    "networks.*.augmentation.crop_area": "[0.5, 1]",
    "networks.*.augmentation.crop_ratio": "[0.75, 1.33]",
    "networks.*.augmentation.affine": "0.5",
    "networks.*.augmentation.rotation": "[-20, 20]",
    "networks.*.augmentation.translation": "[-0.1, 0.1]",
    "networks.*.augmentation.scale": "[0.8, 1.2]",
    "networks.*.augmentation.shear": "[0, 0]",
    "networks.*.augmentation.jitter_p": "0.5",
    "networks.*.augmentation.randaugment": "2",
    "networks.*.augmentation.magnitude": "7",
    "networks.*.augmentation.grey": "0.1",
    "networks.*.augmentation.blur": "0.2",
    "networks.*.augmentation.blur_sigma": "[0.1, 3]",
    "networks.*.augmentation.noise": "0.2",
    "networks.*.augmentation.noise_std": "[0, 0.1]",
    "networks.*.augmentation.erasing_area": "[0.05, 0.3]",
    "networks.*.cutmix.alpha": "0.5",
    "networks.*.cutmix.share": "[0.5, 0.5]",
    "networks.*.mixup.p": "0.3",
    "networks.*.mixup.alpha": "0.4",
    "networks.*.loss.gamma": "1",
    "networks.*.loss.alpha": "0.5",
    "networks.*.loss.beta": "0.5",
    "networks.*.loss.log_zero": "-6",
    "networks.*.loss.effective_beta": "0.99",
    "networks.*.loss.weight": "0.5",
    "networks.*.loss.parts": "networks.*.loss={name: mixture, parts: [focal, {name: soft-f1, weight: 0.5}]}",
    "networks.*.optimizer.momentum": "0.95",
    "networks.*.optimizer.layer_decay": "0.8",
    "networks.*.optimizer.clip_norm": "1",
    "networks.*.schedule.min_lr": "0",
    "networks.*.schedule.step_epochs": "3",
    "networks.*.schedule.gamma": "0.1",
    "networks.*.schedule.cycle_epochs": "2",
    "networks.*.schedule.cycle_growth": "2",
    "networks.*.schedule.up_epochs": "0.5",
    "networks.*.schedule.down_epochs": "1",
    "networks.*.schedule.up_steps": "200",
    "networks.*.schedule.down_steps": "400",
    "networks.*.schedule.rise": "0.1",
    "networks.*.schedule.start_divisor": "10",
    "networks.*.binning.*.leave_out": "[[27, 29], [57, 59]]",
    "networks.*.binning.*.bins": "[20, 30, 40, 50, 60, 70]",
    "networks.*.epoch_fraction": "0.5",
    "networks.*.micro_batch": "8",
    "networks.*.averaging.ema": "0.999",
    "networks.*.averaging.last_epochs": "2",
    "networks.*.stopping.patience": "3",
    "networks.*.seed": "1",
    "ensemble.weights": "{joint: 2}",
    "checkpoint_seconds": "60",
    "max_job_restarts": "5",
}
"""Of the settings for which a value of the presets, or another choice, says little or does not exist. In full,
``KEY=VALUE``, where a setting makes sense only together with others."""


def example(setting: Setting) -> str:
    """Return ``KEY=VALUE``, as ``--set`` takes it, with a value that differs from the default.

    Args:
        setting: A setting that is no group, or a group that one value stands for.
    """
    value = _WRITTEN.get(setting.key)
    if value is None:
        used = [one for one in in_presets(setting) if one not in (setting.default, None)]
        choices = [one for one in setting.allowed.split(" | ") if one not in (written(setting.default), "null")]
        value = written(used[0]) if used else choices[0]
    return value if "=" in value else f"{setting.key}={value}"


def in_presets(setting: Setting) -> list[Any]:
    """Return the different values that a setting has in the presets, in their order."""
    found: list[Any] = []
    for value in (value for recipe in _presets() for value in _at(recipe, setting.path)):
        if value not in found:
            found.append(value)
    return found


@cache
def _presets() -> list[dict[str, Any]]:
    return [load_recipe(name).model_dump(mode="json") for name in PRESETS]


def _at(node: Any, path: Sequence[str]) -> Iterator[Any]:
    """Yield the values at a path; ``*`` is every entry of a list, or every value of a mapping."""
    if not path:
        yield node
    elif path[0] == EACH:
        for one in node.values() if isinstance(node, Mapping) else node:
            yield from _at(one, path[1:])
    else:
        yield from _at(node[path[0]], path[1:])
