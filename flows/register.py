"""Registers maskfold on a Prefect server: secret blocks, work pools, deployments, automations; creates the bucket.

``python -m flows.register [POOL ...]`` in the folder of ``prefect.yaml``; without names, all pools. It passes ``AWS_*``
and ``MLFLOW_*`` of its environment to jobs, those with a password by secret blocks, and does not change other pools.
Running it again updates everything; schedules and automations stay switched on or off as they were.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from uuid import UUID

from prefect.blocks.system import Secret
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.exceptions import ObjectNotFound

from flows.lost_jobs import watch
from flows.pools import POOLS, WAITING, Template, make_template
from flows.server import is_open_to_all, refuse_dead_server
from maskfold.errors import InputError, MaskfoldError
from maskfold.loopback import never_proxy_loopback
from maskfold.redaction import redact_logs, without_password
from maskfold.storage import make_bucket

SECRETS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "MLFLOW_TRACKING_PASSWORD")
PLAIN = (
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "MLFLOW_TRACKING_URI",
    "MLFLOW_TRACKING_USERNAME",
    "MASKFOLD_MLFLOW_PAGE",
)
FLOWS = (*WAITING, "job")
BUCKET_VARIABLE = "MASKFOLD_BUCKET"
NETWORK_VARIABLE = "MASKFOLD_NETWORK"
OPEN_SERVER = """\
WARNING: this Prefect server answers without a password. Everyone who can reach its port, and any web page open in a
browser beside it, can read the credentials that are stored there and start processes on all its workers. Stop it, start
it with PREFECT_SERVER_API_AUTH_STRING=user:password, and set PREFECT_API_AUTH_STRING to the same here and for workers.
"""


def main() -> int:
    """Register and print what was done; return the exit code."""
    never_proxy_loopback()
    redact_logs()
    try:
        register(sys.argv[1:] or list(POOLS), os.environ)
    except MaskfoldError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


def register(pools: Sequence[str], settings: Mapping[str, str]) -> None:
    """Create bucket, secrets, pools, deployments and the automations that notice lost runs.

    Args:
        pools: Names of pools.
        settings: Environment variables for jobs, by name.

    Raises:
        InputError: If there is no such pool or no Prefect server, or if the server rejects a deployment.
        WorkspaceError: If the bucket cannot be created.
    """
    unknown = [pool for pool in pools if pool not in POOLS]
    if unknown:
        raise InputError(f"work pool {unknown[0]!r}: prefect.yaml has deployments for {', '.join(POOLS)}")
    refuse_dead_server()
    if is_open_to_all():
        print(OPEN_SERVER, end="", file=sys.stderr)
    bucket = settings.get(BUCKET_VARIABLE)
    if bucket:
        make_bucket(bucket)
        print(f"bucket {bucket}")
    plain = {name: settings[name] for name in PLAIN if settings.get(name)}
    environment = plain | _save_secrets(settings)
    with get_client(sync_client=True) as client:
        templates = _templates(client)
        for pool in pools:
            template = make_template(pool, templates[POOLS[pool]], environment, settings.get(NETWORK_VARIABLE))
            _save_pool(client, pool, POOLS[pool], template)
            print(f"work pool {pool} ({POOLS[pool]})")
        switched = _switches(client)
        _deploy(pools)
        _restore(client, switched)
        print("automations", ", ".join(watch(client)))


def _deploy(pools: Sequence[str]) -> None:
    names = [part for pool in pools for flow in FLOWS for part in ("--name", f"{flow}/{pool}")]
    done = subprocess.run(  # noqa: S603 - a fixed program, names from a fixed list
        [sys.executable, "-m", "prefect", "--no-prompt", "deploy", *names],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode != 0:
        raise InputError(f"prefect deploy: {done.stdout}{done.stderr}")
    print("deployments", " ".join(f"{flow}/{pool}" for pool in pools for flow in FLOWS))


def _switches(client: SyncPrefectClient) -> dict[tuple[UUID, str], bool]:
    """Return which schedules are on, by deployment and slug."""
    return {
        (deployment.id, schedule.slug): bool(schedule.active)
        for deployment in client.read_deployments()
        for schedule in deployment.schedules
        if schedule.slug
    }


def _restore(client: SyncPrefectClient, switched: Mapping[tuple[UUID, str], bool]) -> None:
    """Switch schedules on or off as before: deploying resets them to the values of prefect.yaml."""
    for deployment in client.read_deployments():
        for schedule in deployment.schedules:
            active = switched.get((deployment.id, schedule.slug or ""), schedule.active)
            if schedule.id is not None and active != schedule.active:
                client.update_deployment_schedule(deployment.id, schedule.id, active=active)


def _save_secrets(settings: Mapping[str, str]) -> dict[str, str]:
    """Store credentials in blocks, which the server encrypts; return the references to them for templates.

    A URI with a password is one of them.
    """
    references = {}
    for name in (*SECRETS, *PLAIN):
        value = settings.get(name, "")
        if value and (name in SECRETS or without_password(value) != value):
            block = f"maskfold-{name.lower().replace('_', '-')}"
            Secret(value=value).save(block, overwrite=True)
            references[name] = f"{{{{ prefect.blocks.secret.{block} }}}}"
            print(f"secret block {block}")
    return references


def _templates(client: SyncPrefectClient) -> dict[str, Template]:
    """Return Prefect's base job template for each type of pool."""
    return {
        kind: worker["default_base_job_configuration"]
        for package in client.read_worker_metadata().values()
        for kind, worker in package.items()
    }


def _save_pool(client: SyncPrefectClient, pool: str, kind: str, template: Template) -> None:
    try:
        client.read_work_pool(pool)
    except ObjectNotFound:
        client.create_work_pool(WorkPoolCreate(name=pool, type=kind, base_job_template=template))
    else:
        client.update_work_pool(pool, WorkPoolUpdate(base_job_template=template))


if __name__ == "__main__":
    sys.exit(main())
