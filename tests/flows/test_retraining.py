"""What is trained again when the data set changes: just what learns from what has changed."""

from __future__ import annotations

import csv
import logging
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from flows.plan import Plan, plan_run
from maskfold.launch import entry
from maskfold.specs import CropOutcome, File, PrepareOutcome, TypicalFace
from tasks import prepare

NOWHERE = File(path="x", sha256="0" * 64, size=1)
CROPPED = CropOutcome(
    seconds=1.0,
    faces=NOWHERE,
    portraits=NOWHERE,
    index=NOWHERE,
    n_images=1,
    fallback_share_train=0.0,
    fallback_share_eval=0.0,
    images_per_second=1.0,
    typical_face=TypicalFace(centre=(0.5, 0.4, -1.0), spread=(0.1, 0.1, 0.2), box=(0.3, 0.2, 0.7, 0.6), count=9),
)


@pytest.fixture
def data(drawn_data: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "data"
    shutil.copytree(drawn_data, copy)
    return copy


def prepared(data: Path, *overrides: str) -> tuple[Plan, PrepareOutcome]:
    made = plan_run(str(data), str(data.parent / "workspace"), "fast", overrides)
    outcome = entry.run_spec(prepare.run, made.prepare(corrections_of(made)), logging.getLogger("test"))
    assert isinstance(outcome, PrepareOutcome)
    return made, outcome


def corrections_of(made: Plan) -> File | None:
    if made.own_corrections is None:
        return None
    return made.workspace.write("inputs/corrections.csv", Path(made.own_corrections).read_bytes())


def keys(data: Path, *overrides: str) -> dict[str, list[str]]:
    """Return the keys of all trainings by network."""
    made, outcome = prepared(data, *overrides)
    found: dict[str, list[str]] = {}
    for spec in made.train_folds(outcome, CROPPED, {}):
        found.setdefault(spec.network.name, []).append(spec.key)
    return found


def changed(before: dict[str, list[str]], after: dict[str, list[str]]) -> set[str]:
    return {name for name in before if set(before[name]) & set(after[name]) != set(before[name])}


def write_csv(path: Path, rows: Sequence[Sequence[str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(rows)
    return path


def external(data: Path, tmp_path: Path, columns: Sequence[str], labels: Sequence[str]) -> str:
    """Make an external table of one photograph; its pixels differ from those of the data set."""
    folder = tmp_path / "external"
    folder.mkdir(exist_ok=True)
    photograph = next(iter(sorted((data / "eval" / "images").iterdir())))
    (folder / "a.jpg").write_bytes(photograph.read_bytes() + b"\0")
    table = write_csv(folder / "t.csv", [["path", *columns], ["a.jpg", *labels]])
    return f"dataset.external=[{table}]"


def test_an_external_table_of_masks_trains_networks_of_masks_alone(data: Path, tmp_path: Path) -> None:
    usual = keys(data)
    assert changed(usual, keys(data, external(data, tmp_path, ["mask"], ["wear"]))) == {"mask"}
    aged = external(data, tmp_path, ["mask", "age"], ["wear", "33"])
    assert changed(usual, keys(data, aged)) == {"mask", "age", "age-2"}
    everything = external(data, tmp_path, ["mask", "gender", "age"], ["wear", "male", "33"])
    assert changed(usual, keys(data, everything)) == {"joint", "mask", "gender", "age", "age-2"}


def test_a_sampler_that_looks_at_another_attribute_learns_from_it(data: Path, tmp_path: Path) -> None:
    balanced = "networks.mask.sampler=balanced-age"
    # A photograph whose age alone is known is not among those that the mask network learns from.
    aged = external(data, tmp_path, ["age"], ["33"])
    assert changed(keys(data, balanced), keys(data, balanced, aged)) == {"age", "age-2"}
    known = external(data, tmp_path, ["mask", "age"], ["wear", "33"])
    older = keys(data, balanced, known)
    write_csv(tmp_path / "external" / "t.csv", [["path", "mask", "age"], ["a.jpg", "wear", "73"]])
    assert changed(older, keys(data, balanced, known)) == {"mask", "age", "age-2"}


def test_a_correction_of_a_gender_leaves_networks_of_masks_and_ages(data: Path, tmp_path: Path) -> None:
    person = sorted(path.name for path in (data / "train" / "images").iterdir())[0]
    other = "female" if "_male_" in person else "male"
    rows = [["folder", "gender", "age", "swap"], [person, other, "", ""]]
    corrections = write_csv(tmp_path / "own.csv", rows)
    # Folds are stratified by gender as the data set states it, so that the person stays in the same fold.
    assert changed(keys(data), keys(data, f"dataset.corrections={corrections}")) == {"joint", "gender"}
    swap = [["folder", "gender", "age", "swap"], [person, "", "", "incorrect_mask/normal"]]
    swapped = keys(data, f"dataset.corrections={write_csv(tmp_path / 'swap.csv', swap)}")
    assert changed(keys(data), swapped) == {"joint", "mask"}


def test_evaluation_images_that_come_or_go_cost_predictions_and_no_training(data: Path) -> None:
    made, before = prepared(data)
    usual = keys(data)
    table = data / "eval" / "info.csv"
    header, first, *rest = table.read_text(encoding="utf-8").splitlines()
    table.write_text("\n".join([header, *rest]) + "\n", encoding="utf-8")
    (data / "eval" / "images" / first.partition(",")[0]).unlink()
    after_plan, after = prepared(data)
    assert after.n_eval == before.n_eval - 1
    assert changed(usual, keys(data)) == set()
    folds = made.train_folds(before, CROPPED, {})
    assert before.eval_version != after.eval_version
    assert [spec.key for spec in after_plan.train_folds(after, CROPPED, {})] == [spec.key for spec in folds]


def test_bounds_of_ages_leave_networks_of_masks_and_genders(data: Path) -> None:
    taught = keys(data, "labels.train_age_bounds=[30, 58]")
    assert changed(keys(data), taught) == {"joint", "age", "age-2"}
