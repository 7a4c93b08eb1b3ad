"""Predictions of the evaluation images, as the vote takes them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from maskfold.errors import InvariantError
from maskfold.inference.network import FinishedNetwork
from maskfold.training.images import Images


def predict_eval(
    network: FinishedNetwork, images: Images, index: pd.DataFrame, wanted: pd.DataFrame, fold: int
) -> pd.DataFrame:
    """Predict evaluation images.

    Args:
        network: What predicts.
        images: The pack, at the network's input size.
        index: Columns image, row, status: where each image is in the pack.
        wanted: The evaluation rows of the manifest.
        fold: Fold that the network's training held out; NO_FOLD where it held no one out.

    Returns:
        image, part ("eval"), fold, p0 .. p<classes-1>, in the order of ``wanted``. All classes of an image that cannot
        be read are equally probable; the vote answers it with the class shares of the training images.

    Raises:
        InvariantError: If an image is not in the pack.
    """
    table = wanted[["image"]].merge(index[["image", "row", "status"]], on="image", how="left", validate="one_to_one")
    missing = table.loc[table["row"].isna(), "image"]
    if len(missing):
        raise InvariantError(f"{len(missing)} evaluation images are not in the pack, first {missing.iloc[0]}")
    found = network.predict(images, table["row"].to_numpy(dtype=np.int64))
    unreadable = (table["status"] == "unreadable").to_numpy(dtype=bool)
    found[unreadable] = 1 / found.shape[1]
    answers = pd.DataFrame(found, columns=[f"p{number}" for number in range(found.shape[1])])
    answers.insert(0, "image", table["image"].astype(str))
    answers.insert(1, "part", "eval")
    answers.insert(2, "fold", np.int8(fold))
    return answers
