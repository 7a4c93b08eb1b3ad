"""Every setting of a run: frozen, validated, printable as YAML, with presets."""

from maskfold.recipe.augmentation import AUGMENTATION_PRESETS, Augmentation
from maskfold.recipe.conduct import Averaging, Normalisation, Stopping
from maskfold.recipe.covering import Covering
from maskfold.recipe.learning import Binning, CutMix, Loss, MixUp, Optimizer, Schedule
from maskfold.recipe.loading import PRESETS, load_recipe
from maskfold.recipe.network import Network
from maskfold.recipe.printing import dump_explained, dump_recipe, dump_short
from maskfold.recipe.recipe import (
    Crop,
    Dataset,
    Ensemble,
    Folds,
    Margins,
    Recipe,
)
from maskfold.recipe.schema import json_schema
from maskfold.recipe.schemes import SCHEMES
from maskfold.settings import OutsideKey, Settings, determining

__all__ = [
    "AUGMENTATION_PRESETS",
    "PRESETS",
    "SCHEMES",
    "Augmentation",
    "Averaging",
    "Binning",
    "Covering",
    "Crop",
    "CutMix",
    "Dataset",
    "Ensemble",
    "Folds",
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
    "dump_explained",
    "dump_recipe",
    "dump_short",
    "json_schema",
    "load_recipe",
]
