from __future__ import annotations

import pytest

from maskfold.report import facts
from tests.ensemble.synthetic import THREE, World, recipe_of, run_of


def test_unreadable_images_are_named_with_their_answer(finished_run) -> None:
    image = finished_run.combination.evaluation["image"][1]
    likely = finished_run.combination.prior.argmax()
    (warning,) = facts.warnings(*finished_run)
    assert warning.startswith(
        f"1 evaluation image cannot be read; predicted as the most frequent class, {likely} (wear"
    )
    assert warning.endswith(image)


def test_absent_classes_and_unequal_crops_are_warned_of(tmp_path) -> None:
    made, combination = run_of(World(ages=[45], n_people=4), tmp_path)
    crops = made.cropped.model_copy(update={"fallback_share_eval": 0.2})
    made = made.model_copy(update={"cropped": crops})
    absent, unequal = facts.warnings(made, combination)
    assert "12 of 18 classes never occur in training" in absent
    assert "cannot exceed 0.333" in absent
    assert "2.1 % of the training but 20.0 % of the evaluation images" in unequal


def test_a_long_list_of_absent_classes_is_cut_short(tmp_path) -> None:
    (absent,) = facts.warnings(*run_of(World(recipe=recipe_of(THREE, k=2), n_people=4), tmp_path))
    assert "32 of 40 classes never occur in training" in absent
    assert absent.endswith("and 12 more")


def test_without_evaluation_images_no_faces_are_compared(tmp_path) -> None:
    made, combination = run_of(World(n_eval=0, n_people=36, ages=[20, 20, 40, 40, 60, 60]), tmp_path)
    crops = made.cropped.model_copy(update={"fallback_share_train": 0.9, "fallback_share_eval": 0.0})
    assert facts.warnings(made.model_copy(update={"cropped": crops}), combination) == []


def test_networks_sum_their_folds(finished_run) -> None:
    networks = facts.network_facts(finished_run.spec)
    assert [network.name for network in networks] == ["joint", "mask", "gender", "age"]
    assert networks[0].seconds == pytest.approx(3 * 65.2)
    assert networks[0].mean == pytest.approx(sum(networks[0].macro_f1) / 3)
    assert networks[3].input == "portrait"
    assert networks[0].device == "cpu"


def test_every_job_is_in_the_timetable_the_folds_of_a_network_together(finished_run) -> None:
    times = facts.job_times(finished_run.spec)
    assert [time.name for time in times[:3]] == ["prepare", "crop", "train_fold joint, 3 folds"]
    assert len(times) == 2 + 4 + 4
    assert times[2].seconds == pytest.approx(3 * 65.2)
    assert times[2].note == "3 epochs, kept 3, 3 and 3"
    assert times[-1].name == "predict_eval age"
    assert times[0].images_per_second == pytest.approx((finished_run.spec.prepared.n_train + 10) / 1.5)


def test_a_resumed_job_says_so(finished_run) -> None:
    first = finished_run.spec.trained[0].model_copy(update={"resumed_from_epoch": 1})
    made = finished_run.spec.model_copy(update={"trained": (first, *finished_run.spec.trained[1:])})
    assert facts.job_times(made)[2].note.endswith("; fold 1 resumed after an interruption, from epoch 2")


def test_what_networks_share_is_said_once(finished_run) -> None:
    common, differing = facts.settings_of(facts.network_facts(finished_run.spec))
    assert common == {
        "backbone": "mobilenetv2_035",
        "initial weights": "mobilenetv2_035.safetensors (sha256 0123abcd)",
        "device": "cpu, amp off",
    }
    assert differing == {"sees": ["face", "face", "face", "portrait"]}
