"""The progress of a whole run and the time that is left."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskfold.launch.monitor import JobEvent, JobProgress
from maskfold.pace import ExpectedJob, Pace


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


JOBS = [
    ExpectedJob("prepare", seconds=10),
    ExpectedJob("crop", seconds=20),
    *(ExpectedJob(f"train_fold joint {fold}/4", seconds=30) for fold in range(1, 5)),
    ExpectedJob("ensemble", seconds=10),
]


def test_before_anything_is_seen_the_expectation_counts_and_trainings_share_the_machine() -> None:
    pace = Pace(JOBS, slots=2)
    assert pace.seconds_left() == pytest.approx(10 + 20 + 4 * 30 / 2 + 10)
    assert (pace.n_done, pace.n_jobs, pace.share()) == (0, 7, 0.0)


def test_a_job_twice_as_slow_as_expected_tells_of_all_like_it() -> None:
    clock = Clock()
    pace = Pace(JOBS, slots=2, clock=clock)
    for label in ("prepare", "crop"):
        pace.note(JobEvent(label, "reused"))
    pace.note(JobEvent("train_fold joint 1/4", "running"))
    pace.note(JobEvent("train_fold joint 2/4", "running"))
    clock.now = 30
    for fold in (1, 2):
        pace.note(JobEvent(f"train_fold joint {fold}/4", "running", JobProgress(50, 100, "images")))
    # 30 s left of each of two, 60 s for each of the other two, side by side; the vote as expected.
    assert pace.seconds_left() == pytest.approx((30 + 30 + 60 + 60) / 2 + 10)
    assert pace.n_done == 2


def test_a_restarted_job_begins_anew() -> None:
    clock = Clock()
    pace = Pace([ExpectedJob("crop", seconds=20)], clock=clock)
    pace.note(JobEvent("crop", "running"))
    clock.now = 10
    pace.note(JobEvent("crop", "running", JobProgress(9, 10, "images")))
    pace.note(JobEvent("crop", "restarting"))
    assert pace.seconds_left() == pytest.approx(20)


def test_a_job_that_nobody_expected_counts() -> None:
    pace = Pace()
    pace.note(JobEvent("weights resnet18", "running"))
    assert (pace.n_done, pace.n_jobs) == (0, 1)
    pace.note(JobEvent("weights resnet18", "done"))
    assert (pace.n_done, pace.n_jobs) == (1, 1)


@given(
    events=st.lists(
        st.tuples(
            st.sampled_from([job.label for job in JOBS]),
            st.sampled_from(["waiting", "running", "restarting", "reused", "done", "failed", "cancelled", "warning"]),
            st.integers(0, 10),
            st.floats(0, 100),
        )
    ),
    slots=st.integers(1, 8),
)
def test_share_and_time_left_are_always_sensible(events: list[tuple[str, str, int, float]], slots: int) -> None:
    clock = Clock()
    pace = Pace(JOBS, slots, clock)
    for label, state, done, seconds in events:
        clock.now += seconds
        progress = JobProgress(done, 10, "images") if state == "running" else None
        pace.note(JobEvent(label, state, progress))  # type: ignore[arg-type]
        assert 0 <= pace.share() <= 1
        assert pace.seconds_left() >= 0
    for job in JOBS:
        pace.note(JobEvent(job.label, "done"))
    assert pace.seconds_left() == 0
    assert pace.n_done == pace.n_jobs == len(JOBS)
