"""The job prepare: a spec in, three tables and an outcome out."""

import logging
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from maskfold.dataset import read_folds, read_manifest
from maskfold.dataset.competition.corrections import agreed_path
from maskfold.dataset.folds import folds_version
from maskfold.dataset.versions import dataset_version
from maskfold.errors import EXIT_INPUT, EXIT_OK, DatasetError
from maskfold.launch import entry, folder
from maskfold.recipe import Dataset, Folds
from maskfold.specs import PrepareOutcome, PrepareSpec
from maskfold.storage import fingerprint, open_workspace
from tasks.prepare import run
from tests.dataset.builder import MASK, DataSet


@pytest.fixture
def spec(tmp_path: Path) -> PrepareSpec:
    data = DataSet(tmp_path / "data").people().evaluation()
    data.person("006359_female_Asian_18")
    root = data.write()
    workspace = open_workspace(str(tmp_path / "workspace"))
    return PrepareSpec(
        workspace=workspace.uri,
        data=str(root),
        fingerprint=fingerprint(str(root)),
        dataset=Dataset(corrections="agreed"),
        corrections=workspace.publish(agreed_path(), "inputs/corrections.csv"),
        scheme=MASK,
        folds=Folds(k=3, seed=5),
    )


def execute(spec: PrepareSpec) -> PrepareOutcome:
    outcome = entry.run_spec(run, spec, logging.getLogger("test"))
    assert isinstance(outcome, PrepareOutcome)
    return outcome


def test_tables_and_outcome_agree(spec: PrepareSpec) -> None:
    outcome = execute(spec)
    workspace = open_workspace(spec.workspace)
    manifest = read_manifest(workspace.fetch(outcome.manifest))
    folds = read_folds(workspace.fetch(outcome.folds))
    quarantine = pd.read_parquet(workspace.fetch(outcome.quarantine))
    assert (outcome.n_people, outcome.n_train, outcome.n_eval) == (13, 91, 3)
    assert len(manifest) == 94
    assert set(folds["person"]) == set(manifest.query("part == 'train'")["person"])
    assert set(folds["fold"]) == {0, 1, 2}
    assert len(quarantine) == outcome.n_quarantined == 0
    assert sum(outcome.class_counts) == 91
    assert outcome.n_corrected == 7
    # What was written reads back as what was counted.
    assert dataset_version(manifest) == outcome.dataset_version
    assert folds_version(folds) == outcome.folds_version


def test_another_seed_changes_only_the_folds(spec: PrepareSpec) -> None:
    first = execute(spec)
    second = execute(spec.model_copy(update={"folds": Folds(k=3, seed=6)}))
    assert first.dataset_version == second.dataset_version
    assert first.images_version == second.images_version
    assert first.folds_version != second.folds_version


def test_too_much_damage_fails_before_anything_is_published(spec: PrepareSpec) -> None:
    for photograph in Path(spec.data).glob("train/images/000001*/*"):
        photograph.write_bytes(b"")
    with pytest.raises(DatasetError, match=r"7 of 91 training photographs \(7\.7%\) cannot be used"):
        execute(spec)
    assert open_workspace(spec.workspace).list(spec.address) == [f"{spec.address}/spec.json"]


@pytest.mark.slow
def test_runs_as_a_process_of_its_own(spec: PrepareSpec, tmp_path: Path) -> None:
    def start(argument: str) -> subprocess.CompletedProcess[str]:
        root = Path(__file__).parents[2]
        return subprocess.run(
            [sys.executable, "-m", "tasks.prepare", argument], cwd=root, capture_output=True, text=True, check=False
        )

    file = tmp_path / "spec.json"
    file.write_text(spec.model_dump_json())
    done = start(str(file))
    assert done.returncode == EXIT_OK, done.stdout + done.stderr
    assert find_outcome(spec) is not None
    wrong = spec.model_copy(update={"data": f"{spec.data}/nowhere", "fingerprint": "other"})
    failed = start(wrong.model_dump_json())
    assert failed.returncode == EXIT_INPUT
    assert "nowhere" in failed.stdout
    assert "train/train.csv" in failed.stdout
    assert "Traceback" not in failed.stdout + failed.stderr


def find_outcome(spec: PrepareSpec) -> object:
    return folder.find_outcome(open_workspace(spec.workspace), spec)
