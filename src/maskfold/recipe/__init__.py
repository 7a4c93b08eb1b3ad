"""Every setting of a run: frozen, validated, printable as YAML, with presets."""

from maskfold.recipe.augmentation import AUGMENTATION_PRESETS, Augmentation
from maskfold.recipe.base import OutsideKey, Settings, determining
from maskfold.recipe.conduct import Averaging, Normalisation, Stopping
from maskfold.recipe.learning import Ages, CutMix, Loss, MixUp, Optimizer, Schedule
from maskfold.recipe.loading import PRESETS, dump_recipe, load_recipe
from maskfold.recipe.network import Network
from maskfold.recipe.recipe import (
    Crop,
    Dataset,
    Ensemble,
    Folds,
    Labels,
    Margins,
    Recipe,
)

__all__ = [
    "AUGMENTATION_PRESETS",
    "PRESETS",
    "Ages",
    "Augmentation",
    "Averaging",
    "Crop",
    "CutMix",
    "Dataset",
    "Ensemble",
    "Folds",
    "Labels",
    "Loss",
    "Margins",
    "MixUp",
    "Network",
    "Normalisation",
    "Optimizer",
    "OutsideKey",
    "Recipe",
    "Schedule",
    "Settings",
    "Stopping",
    "determining",
    "dump_recipe",
    "load_recipe",
]
