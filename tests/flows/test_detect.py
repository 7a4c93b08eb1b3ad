"""The search for faces, shared by the workers of a real work pool."""

from __future__ import annotations

from pathlib import Path

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags

from flows.fit import make_ready
from flows.jobs import NoTracker, launched
from flows.plan import plan_run
from maskfold.launch import make_launcher
from maskfold.specs import CropOutcome

pytestmark = [pytest.mark.slow, pytest.mark.servers]


@pytest.mark.timeout(900)
def test_the_packs_are_the_same_bytes_with_any_number_of_shards_on_two_workers(
    drawn_data: Path, two_workers: str, tmp_path: Path
) -> None:
    contents = []
    for shards, size in ((0, 20_000), (2, 75), (7, 20)):  # without shards the job crop searches itself
        settings = ["crop.face_size=[48,36]", "crop.portrait_size=[32,24]", f"dataset.shard_images={size}"]
        plan = plan_run(str(drawn_data), str(tmp_path / str(shards)), "smoke", settings)

        @flow(name="cut")
        def cut() -> CropOutcome:
            with launched(plan.workspace, make_launcher(f"pool:{two_workers}", jobs=1), 0, NoTracker()) as jobs:  # noqa: B023
                return make_ready(plan, jobs).cropped  # noqa: B023

        found = cut()
        assert len(list(tmp_path.glob(f"{shards}/detect/*/outcome.json"))) == shards
        contents.append((found.faces.sha256, found.portraits.sha256, found.index.sha256))
    assert contents[0] == contents[1] == contents[2]
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(flow_run_filter=FlowRunFilter(tags=FlowRunFilterTags(all_=["detect"])))
    assert {run.labels.get("prefect.worker.name") for run in runs} == {"first", "second"}
