"""What happens to a run in a cluster: containers are killed, workers are lost, runs are cancelled.

The name sorts this file after ``test_run.py``, so that the crops of that run are reused.
"""

from collections import Counter
from collections.abc import Iterator
from uuid import UUID

import pytest
from prefect.client.schemas.objects import FlowRun
from prefect.states import Cancelling

from tests.docker.stack import PROJECT, Stack, container_of, run

pytestmark = [pytest.mark.docker, pytest.mark.timeout(2400), pytest.mark.slow]

# Long enough to be caught in the middle, short enough to be waited for.
EPOCHS = 40
ENDS = ("Completed", "Failed", "Crashed", "Cancelled")


@pytest.fixture
def started(stack: Stack, request: pytest.FixtureRequest) -> Iterator[UUID]:
    """A run whose folds train for a while; every test has its own, all share what comes before."""
    seed = 1 + [name for name in globals() if name.startswith("test_")].index(request.node.name)
    flow_run = stack.start("run", f"networks.joint.epochs={EPOCHS}", f"networks.joint.seed={seed}")
    yield flow_run
    if stack.state(flow_run) not in ENDS:
        with stack.prefect() as client:
            client.set_flow_run_state(flow_run, Cancelling())
        stack.finish(flow_run)


def folds(stack: Stack, flow_run: UUID) -> list[FlowRun]:
    return [job for job in stack.jobs(flow_run) if job.name.startswith("train_fold")]


def in_the_middle(stack: Stack, flow_run: UUID) -> list[FlowRun]:
    """Return the fold jobs that run and have saved a checkpoint."""

    def saved(job: FlowRun) -> bool:
        folder = "run/{stage}/{key}/checkpoint/".format_map(job.parameters)
        return any(key.endswith(".json") for key in stack.keys(folder))

    assert stack.state(flow_run) not in ENDS, stack.said(flow_run)
    return [job for job in folds(stack, flow_run) if job.state_name == "Running" and saved(job)]


def continued(stack: Stack, job: FlowRun) -> bool:
    return any("continuing from a checkpoint" in log.message for log in stack.run_logs(job.id))


def test_a_killed_container_alone_is_repeated_from_its_checkpoint(stack: Stack, started: UUID) -> None:
    victim = stack.wait(lambda: in_the_middle(stack, started), "a fold in the middle")[0]
    run(["docker", "kill", *container_of(victim.id)])
    assert stack.finish(started) == "Completed"
    jobs = stack.jobs(started)
    again = [job for job in jobs if job.name == victim.name]
    assert Counter(job.state_name for job in again) == {"Crashed": 1, "Completed": 1}
    (repeated,) = [job for job in again if job.state_name == "Completed"]
    assert continued(stack, repeated)
    (crashed,) = [job for job in again if job.state_name == "Crashed"]
    assert crashed.state is not None
    assert "137" in str(crashed.state.message)
    others = [job for job in jobs if job.name != victim.name]
    assert Counter(job.name for job in others).most_common(1)[0][1] == 1
    assert any("137" in log.message for log in stack.run_logs(started))


def test_cancelling_leaves_no_container(stack: Stack, started: UUID) -> None:
    stack.wait(lambda: in_the_middle(stack, started), "a fold in the middle")

    def left() -> list[str]:
        return [name for one in (started, *(job.id for job in stack.jobs(started))) for name in container_of(one)]

    assert len(left()) >= 2
    with stack.prefect() as client:
        client.set_flow_run_state(started, Cancelling())
    stack.wait(lambda: not left(), "the end of all containers")
    stack.wait(lambda: stack.state(started) == "Cancelled", "the state")
    assert {job.state_name for job in folds(stack, started)} <= {"Cancelled"}


def test_a_run_survives_the_loss_of_its_workers(stack: Stack, started: UUID) -> None:
    running = stack.wait(lambda: in_the_middle(stack, started), "a fold in the middle")
    stack.compose("kill", "worker")
    stack.compose("rm", "--force", "worker")
    # Of one job the container goes with its worker: no one is left to report it.
    run(["docker", "kill", *container_of(running[0].id)])
    stack.two_workers()
    assert stack.finish(started) == "Completed"
    again = [job for job in folds(stack, started) if job.name == running[0].name]
    assert Counter(job.state_name for job in again) == {"Crashed": 1, "Completed": 1}
    assert any("no sign of life" in str(job.state and job.state.message) for job in again)
    assert any(continued(stack, job) for job in again)


def test_a_lost_train_is_reported_and_frees_the_place_of_the_next(stack: Stack, started: UUID) -> None:
    """Its container and the conductor go at once, as with their machine: no one is left to report it."""
    stack.wait(lambda: in_the_middle(stack, started), "a fold in the middle")
    stack.compose("kill", "conductor")
    run(["docker", "kill", *container_of(started)])
    stack.compose("up", "--detach", "--wait", "--no-recreate", "conductor")
    second = stack.start("run")
    assert stack.finish(started) == "Crashed"
    assert "no sign of life" in stack.message(started)
    assert stack.finish(second) == "Completed", stack.said(second)
    assert stack.jobs(second) == []  # all that it needs is there


def test_stack_down_takes_the_containers_of_jobs_along(stack: Stack) -> None:
    """What ran is over in Prefect, too, and does not start again with the stack; data stay."""
    left_out = stack.start("run", f"networks.joint.epochs={EPOCHS}", "networks.joint.seed=77")
    stack.wait(lambda: in_the_middle(stack, left_out), "a fold in the middle")
    stack.make("stack-down")
    try:
        network = ["--filter", f"network={PROJECT}"]
        assert not run(["docker", "ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={PROJECT}"])
        assert not run(["docker", "ps", "--all", "--quiet", "--filter", "label=maskfold", *network])
        assert PROJECT not in run(["docker", "network", "ls", "--format", "{{.Name}}"]).split()
    finally:
        stack.make("stack")
        stack.two_workers()
    assert stack.state(left_out) == "Cancelled"
    assert {job.state_name for job in stack.jobs(left_out)} <= {"Completed", "Cancelled"}
    assert any(key.endswith(".json") for key in stack.keys("run/train_fold/"))
    again = stack.start("run")
    assert stack.finish(again) == "Completed", stack.said(again)
