"""A whole run on drawn photographs of another scheme: three attributes of 2, 4 and 5 values, one of them by bounds."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from flows.train import train
from maskfold.inference.network import read_card
from maskfold.recipe import load_recipe

COVERING = {"mask1": "cloth", "mask2": "cloth", "mask3": "paper", "incorrect_mask": "slipped", "normal": "none"}
"""Kinds of covering, by the drawn photograph's name; photographs of other names are left out."""
BOUNDS = "scheme.attributes.years.bounds=[25, 35, 50, 60]"
NETWORKS = [
    "networks=["
    + ", ".join(
        f"{{name: {target}, target: {target}, backbone: test_resnet, pretrained: none, epochs: 1, batch_size: 8,"
        " amp: 'off'}"
        for target in ("joint", "sex", "covering", "years")
    )
    + "]"
]


@pytest.fixture(scope="module")
def table(drawn_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of the drawn photographs; the last two people are to be predicted."""
    folder = tmp_path_factory.mktemp("scheme") / "drawn people"
    people = sorted(path for path in (drawn_data / "train" / "images").iterdir() if path.is_dir())
    rows = [["path", "person", "sex", "covering", "years", "split"]]
    for number, person in enumerate(people):
        _, sex, _, years = person.name.split("_")
        asked = number >= len(people) - 2
        for photograph in sorted(person.iterdir()):
            if photograph.stem in COVERING:
                copy = folder / "photographs" / person.name / photograph.name
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(photograph.read_bytes())
                labels = ["", "", "", "eval"] if asked else [sex, COVERING[photograph.stem], years, "train"]
                rows.append([str(copy.relative_to(folder)), "" if asked else person.name, *labels])
    with (folder / "people.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(rows)
    return folder / "people.csv"


@pytest.fixture(scope="module")
def finished(table: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    workspace = tmp_path_factory.mktemp("schemes") / "workspace"
    summary = train(data=str(table), workspace=str(workspace), recipe="smoke", set=[BOUNDS, *NETWORKS])
    return workspace, summary


def test_the_scheme_is_that_of_the_table(table: Path, finished: Any) -> None:
    workspace, _ = finished
    scheme = read_card(next(workspace.glob("train_fold/*/weights.safetensors"))).scheme
    sizes = {attribute.name: (attribute.size, attribute.of) for attribute in scheme.attributes}
    assert sizes == {"sex": (2, "person"), "covering": (4, "photograph"), "years": (5, "person")}
    assert scheme.n_classes == 40


def test_every_training_photograph_is_predicted_once_in_the_joint_classes(table: Path, finished: Any) -> None:
    workspace, _ = finished
    oof = pd.read_parquet(next(workspace.glob("ensemble/*/oof.parquet")))
    stated = pd.read_csv(table)
    training = stated[stated["split"] == "train"]
    assert sorted(oof["image"]) == sorted(training["path"])
    probabilities = oof[[f"p{number}" for number in range(40)]].to_numpy()
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    by_path = training.set_index("path").loc[oof["image"]]
    coverings = sorted(set(COVERING.values()))
    expected = [
        (["female", "male"].index(sex) * 4 + coverings.index(covering)) * 5 + int(np.digitize(years, [25, 35, 50, 60]))
        for sex, covering, years in zip(by_path["sex"], by_path["covering"], by_path["years"], strict=True)
    ]
    assert oof["true_class"].tolist() == expected


def test_the_answers_name_each_attribute(table: Path, finished: Any) -> None:
    _, summary = finished
    answers = pd.read_csv(summary["submission"])
    stated = pd.read_csv(table)
    assert answers["image"].tolist() == stated.loc[stated["split"] == "eval", "path"].tolist()
    names = [column for name in ("sex", "covering", "years") for column in (name, f"{name}_probability")]
    assert answers.columns.tolist() == ["image", "class", "class_name", *names]
    for row in answers.to_dict("records"):
        assert row["class_name"] == f"{row['sex']} / {row['covering']} / {row['years']}"
        assert all(0 < row[f"{name}_probability"] <= 1 for name in ("sex", "covering", "years"))
    assert "covering" in Path(summary["report"]).read_text(encoding="utf-8")


def test_presets_fit_it(table: Path) -> None:
    from maskfold.discovery import load

    found, recipe = load(str(table), "fast", [BOUNDS])
    assert found.reader == "table"
    assert [network.target for network in recipe.networks] == ["joint", "sex", "covering", "years"]
    assert load_recipe("fast").scheme.name == "mask"
