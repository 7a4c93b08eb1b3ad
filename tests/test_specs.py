from pathlib import Path
from typing import Any

import pytest

from maskfold.recipe import Crop, Dataset, Ensemble, Folds, Network, Recipe, determining, load_recipe
from maskfold.scheme import Scheme
from maskfold.specs import (
    CropSpec,
    EnsembleSpec,
    ExternalSource,
    File,
    PrepareSpec,
    Spec,
    Tracking,
    TrainFoldSpec,
    TypicalFace,
    Weights,
)

SCHEME = load_recipe("smoke").scheme
FILE = File(path="a/b", sha256="00" * 32, size=1)
PREPARE: dict[str, Any] = {
    "workspace": "w",
    "data": "d",
    "fingerprint": "f",
    "dataset": Dataset(),
    "scheme": SCHEME,
    "folds": Folds(),
}
TRAIN: dict[str, Any] = {
    "workspace": "w",
    "network": Network(name="n"),
    "fold": 0,
    "n_folds": 5,
    "scheme": SCHEME,
    "crop": Crop(),
    "typical_face": None,
    "deterministic": True,
    "learnt_versions": ("1",),
    "folds_version": "2",
    "manifest": FILE,
    "folds": FILE,
    "pack": FILE,
    "index": FILE,
    "weights": None,
}


def test_the_key_ignores_where_things_lie() -> None:
    key = PrepareSpec(**PREPARE).key
    assert PrepareSpec(**{**PREPARE, "workspace": "elsewhere"}).key == key
    assert PrepareSpec(**{**PREPARE, "data": "moved"}).key == key
    assert PrepareSpec(**PREPARE, tracking=Tracking(uri="u", run_id="r")).key == key
    moved = File(path="other", sha256="00" * 32, size=1)
    assert TrainFoldSpec(**{**TRAIN, "pack": moved, "manifest": moved}).key == TrainFoldSpec(**TRAIN).key


def test_the_key_ignores_what_only_conducts_a_run() -> None:
    assert PrepareSpec(**{**PREPARE, "dataset": Dataset(max_quarantined=0.5)}).key == PrepareSpec(**PREPARE).key
    training = TrainFoldSpec(**TRAIN)
    changes = {"checkpoint_seconds": 1.0}, {"n_folds": 7}, {"network": Network(name="other")}
    assert {TrainFoldSpec(**{**TRAIN, **change}).key for change in changes} == {training.key}


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"name": "other"}, True),
        ({"description": "other"}, True),
        ({"checkpoint_seconds": 1.0}, True),
        ({"max_job_restarts": 0}, True),
        ({"dataset": Dataset(max_quarantined=0.5)}, True),
        ({"dataset": Dataset(corrections="agreed")}, False),
        ({"networks": (Network(name="other"),)}, False),
        ({"ensemble": Ensemble(weights={"n": 2.0})}, False),
        ({"folds": Folds(k=3)}, False),
    ],
    ids=str,
)
def test_the_vote_depends_on_all_of_the_recipe_but_what_only_conducts_a_run(change: dict[str, Any], same: bool) -> None:
    recipe = Recipe(networks=(Network(name="n"),))
    changed = recipe.model_copy(update=change)
    assert (determining(changed) == determining(recipe)) == same
    nothing: dict[str, Any] = dict.fromkeys(EnsembleSpec.model_fields)
    specs = [EnsembleSpec.model_construct(**{**nothing, "recipe": one}) for one in (recipe, changed)]
    assert (specs[0].key == specs[1].key) == same


@pytest.mark.parametrize(
    "change",
    [
        {"fold": 1},
        {"network": Network(name="n", epochs=3)},
        {"scheme": load_recipe("smoke", ["labels.train_age_bounds=[30, 58]"]).scheme},
        {"learnt_versions": ("x",)},
        {"folds_version": "x"},
        {"crop": Crop(min_probability=0.8)},
        {"typical_face": TypicalFace(centre=(0, 0, 0), spread=(1, 1, 1), box=(0, 0, 1, 1), count=9)},
        {"deterministic": False},
        {"weights": Weights(file=FILE, origin="hub")},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_determines_the_result_changes_the_key(change: dict[str, Any]) -> None:
    assert TrainFoldSpec(**{**TRAIN, **change}).key != TrainFoldSpec(**TRAIN).key


def scheme_of(*overrides: str) -> Scheme:
    return load_recipe("smoke", overrides).scheme


@pytest.mark.parametrize(
    ("network", "looks_at_ages"),
    [
        (Network(name="n", target="mask"), False),
        (Network(name="n", target="gender", sampler="balanced-mask"), False),
        (Network(name="n", target="mask", sampler="balanced-age"), True),
        (Network(name="n", target="mask", sampler="balanced-cells"), True),
        (Network.model_validate({"name": "n", "target": "mask", "binning": {"age": {"leave_out": [[28, 29]]}}}), True),
        (Network(name="n", target="age"), True),
        (Network(name="n"), True),
    ],
    ids=lambda value: "-".join(value.label_sets()) if isinstance(value, Network) else None,
)
def test_a_training_depends_on_the_attributes_that_it_looks_at(network: Network, looks_at_ages: bool) -> None:
    usual, moved = SCHEME, scheme_of("labels.age_bounds=[45, 60]")
    keys = {TrainFoldSpec(**{**TRAIN, "network": network, "scheme": scheme}).key for scheme in (usual, moved)}
    assert (len(keys) == 2) == looks_at_ages


def test_where_weights_came_from_does_not_matter_what_they_are_does() -> None:
    here = Weights(file=FILE, origin="hub")
    there = Weights(file=File(path="x", sha256="00" * 32, size=1), origin="a folder")
    other = Weights(file=File(path="a/b", sha256="11" * 32, size=1), origin="hub")
    keys = [TrainFoldSpec(**{**TRAIN, "weights": weights}).key for weights in (here, there, other)]
    assert keys[0] == keys[1] != keys[2]


def test_covers_that_are_not_drawn_leave_the_key_as_it_was_before_there_were_any() -> None:
    covering = {"attribute": "mask", "bare": "not worn", "worn": "wear", "p": 0.5}
    specs = [TrainFoldSpec(**{**TRAIN, "network": Network(name="n", covering=one)}) for one in ({}, covering)]
    assert "covering" not in determining(specs[0])["network"]
    assert specs[0].key == TrainFoldSpec(**TRAIN).key
    assert specs[1].key != specs[0].key


def test_the_key_is_the_same_everywhere() -> None:
    """Keys name finished work: if this one changed, all finished work would be lost. Raise a version instead."""
    assert PrepareSpec(**PREPARE).key == "04166fc5c31e5386"


def test_preparing_depends_on_what_labels_mean_not_on_names_nor_on_bounds_of_training_labels() -> None:
    def key(*overrides: str, **dataset: str) -> str:
        return PrepareSpec(**{**PREPARE, "scheme": scheme_of(*overrides), "dataset": Dataset(**dataset)}).key  # type: ignore[arg-type]

    assert key("labels.train_age_bounds=[28, 58]") == key("scheme.name=other") == key()
    bounds = key("labels.age_bounds=[45, 60]")
    readers = key(reader="table", table="a.csv"), key(reader="table", table="b.csv"), key(reader="folders")
    assert len({key(), bounds, *readers}) == 5


TABLE = ExternalSource(folder="/faces", table="a.csv", fingerprint="1")


def prepare_key(*sources: ExternalSource) -> str:
    dataset = Dataset(external=tuple(f"{source.folder}/{source.table}" for source in sources))
    return PrepareSpec(**{**PREPARE, "dataset": dataset}, external=sources).key


def test_external_tables_count_by_what_they_hold_not_by_where_they_lie() -> None:
    moved = TABLE.model_copy(update={"folder": "s3://faces"})
    assert prepare_key(moved) == prepare_key(TABLE) != prepare_key()
    other = {"table": "b.csv"}, {"fingerprint": "2"}
    keys = {prepare_key(TABLE.model_copy(update=change)) for change in other}
    first, second = (TABLE.model_copy(update=change) for change in other)
    assert len(keys | {prepare_key(TABLE), prepare_key(first, second), prepare_key(second, first)}) == 5


def test_the_crop_depends_on_external_images_by_the_images_version_alone() -> None:
    where = {"workspace": "w", "data": "d", "fingerprint": "f", "manifest": FILE, "crop": Crop()}
    assert CropSpec(**where, images_version="1", external=(TABLE,)).key == CropSpec(**where, images_version="1").key
    assert CropSpec(**where, images_version="2", external=(TABLE,)).key != CropSpec(**where, images_version="1").key


def test_every_job_has_a_spec_that_knows_its_outcome() -> None:
    stages = {path.stem for path in (Path(__file__).parents[1] / "tasks").glob("[a-z]*.py")}
    specs = {stage: Spec.of_stage(stage) for stage in stages}
    found = {stage: spec.outcome_type().__name__ for stage, spec in specs.items() if spec}
    assert found == {stage: f"{stage.title().replace('_', '')}Outcome" for stage in stages}
    assert Spec.of_stage("nothing") is None


def test_specs_survive_json() -> None:
    for spec in (PrepareSpec(**PREPARE), TrainFoldSpec(**{**TRAIN, "weights": Weights(file=FILE, origin="hub")})):
        again = type(spec).model_validate_json(spec.model_dump_json())
        assert again == spec
        assert again.key == spec.key
