"""What all tests share: homes of their own for Prefect and MLflow, real servers, a small drawn data set."""

import contextlib
import logging
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from tests.servers.guard import FIXTURES, no_servers

# Before torch is imported. Its threads wait for each other in busy loops: of two test processes on two cores each then
# takes two to six times the processor time for training a small network, in this process or beside it.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# Before anything imports Prefect: the tests' runs stay out of the user's own history.
_HOME = tempfile.TemporaryDirectory(prefix="maskfold-tests-")
os.environ |= {
    "PREFECT_HOME": f"{_HOME.name}/prefect",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "MASKFOLD_HOME": f"{_HOME.name}/maskfold",
    "DO_NOT_TRACK": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "NO_COLOR": "1",
}
for name in ("PREFECT_API_URL", "MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_NAME"):
    os.environ.pop(name, None)

# Shells without job control start background commands that ignore SIGINT and SIGQUIT; all test processes would, too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)

pytest_plugins = ["tests.servers.s3", "tests.servers.mlflow", "tests.servers.prefect", "tests.inference.fixtures"]

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _no_servers_in_quick_tests(request: pytest.FixtureRequest) -> Iterator[None]:
    """See :mod:`tests.servers.guard`."""
    marked = any(map(request.node.get_closest_marker, ("servers", "slow", "docker")))
    with contextlib.nullcontext() if marked else no_servers():
        yield


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """Take away the log handlers that a job's entry point installs: they write to the output of that test."""
    before = list(logging.root.handlers)
    level = logging.root.level
    yield
    for handler in [handler for handler in logging.root.handlers if handler not in before]:
        logging.root.removeHandler(handler)
    logging.root.setLevel(level)


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this test session share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def drawn_data(shared_folder: Path) -> Path:
    """A drawn data set of 12 people, small enough for tests that run the whole pipeline; nobody changes it."""
    from portraits import draw

    folder = shared_folder / "drawn" / "data"
    with FileLock(shared_folder / "drawn.lock"):
        if not folder.exists():
            draw(folder.with_name("new"), people=12, seed=1, size=(192, 256))
            folder.with_name("new").rename(folder)
    return folder


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Real photographs in the competition's layout, if they are stored beside the project."""
    folder = ROOT.parent / "shared" / "realdata"
    if not folder.is_dir():
        pytest.skip(f"no real photographs at {folder}")
    return folder


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fast", action="store_true", help="only tests that are quick and start no server")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--fast"):
        # Before torch is imported. A thread for each core in each of the tests' processes only makes them wait.
        os.environ["OMP_NUM_THREADS"] = "1"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what uses a server, and order by length."""
    for item in items:
        if FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker("servers")
    if config.getoption("--fast"):
        left_out = [item for item in items if any(map(item.get_closest_marker, ("servers", "slow", "docker")))]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    # Begin with the files that take long, so that no worker is left with one of them at the end.
    long = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in long)
