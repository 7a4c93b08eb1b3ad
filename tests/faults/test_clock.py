"""A clock that somebody sets while a run works: nothing that protects data hangs on it."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.faults.jobs import Undisturbed
from tests.faults.outputs import Outputs, mlflow_faults
from tests.faults.sandbox import Sandbox, kind_of

# What the C library says of the time of day, moved by the seconds in a file as soon as that exists.
SHIM = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static long moved(void) {
    long seconds = 0;
    const char *name = getenv("MOVED_CLOCK");
    FILE *file = name ? fopen(name, "r") : NULL;
    if (file) {
        if (fscanf(file, "%ld", &seconds) != 1) seconds = 0;
        fclose(file);
    }
    return seconds;
}
int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int code = real(clock, now);
    if (code == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += moved();
    return code;
}
time_t time(time_t *where) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (where) *where = now.tv_sec;
    return now.tv_sec;
}
int gettimeofday(struct timeval *where, void *zone) {
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    where->tv_sec = now.tv_sec;
    where->tv_usec = now.tv_nsec / 1000;
    return 0;
}
"""
COMPILER = shutil.which("cc")


@pytest.mark.slow
@pytest.mark.servers
@pytest.mark.timeout(1200)
@pytest.mark.skipif(COMPILER is None, reason="needs a C compiler")
def test_a_clock_that_is_set_back_an_hour_in_mid_run(
    drawn_data: Path, tmp_path: Path, undisturbed: Undisturbed
) -> None:
    source, library, clock = tmp_path / "shim.c", tmp_path / "shim.so", tmp_path / "moved"
    source.write_text(SHIM)
    subprocess.run([str(COMPILER), "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    sandbox = Sandbox(tmp_path / "sandbox", {"LD_PRELOAD": str(library), "MOVED_CLOCK": str(clock)})
    workspace = tmp_path / "workspace"
    settings = ("--set", "networks.joint.epochs=40", "--set", "checkpoint_seconds=0.1")
    process = sandbox.start(
        "run", "--recipe", "smoke", *settings, "--data", str(drawn_data), "--workspace", str(workspace)
    )
    deadline = time.monotonic() + 200
    while not list(workspace.glob("train_fold/*/checkpoint/*.json")):
        assert process.poll() is None, sandbox.complained
        assert time.monotonic() < deadline
        time.sleep(0.05)
    clock.write_text("-3600")
    job = next(one for one in sandbox.processes() if kind_of(one) == "job")
    job.send_signal(signal.SIGKILL)  # so that the run also starts a job again under the other clock
    assert process.wait(400) == 0, sandbox.complained
    assert "restarting" in sandbox.complained
    found = Outputs.of_folder(workspace)
    assert found.differences(undisturbed.outputs("networks.joint.epochs=40")) == []
    assert mlflow_faults(sandbox.folder / "maskfold" / "mlflow.db", found.records) == []
    assert not sandbox.left_over(20)
