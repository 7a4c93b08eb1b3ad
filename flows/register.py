"""Makes a Prefect server know maskfold: credentials as secret blocks, work pools, deployments; and makes the bucket.

``python -m flows.register`` in the folder of ``prefect.yaml``. It takes from its environment what jobs are to get:
``AWS_*`` and ``MLFLOW_*``. Running it again brings everything up to date.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping

from prefect.blocks.system import Secret
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.exceptions import ObjectNotFound

from flows.pools import POOLS, Template, make_template
from flows.server import refuse_dead_server
from maskfold.errors import InputError, MaskfoldError
from maskfold.storage import make_bucket

SECRETS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "MLFLOW_TRACKING_PASSWORD")
PLAIN = (
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "MLFLOW_TRACKING_URI",
    "MLFLOW_TRACKING_USERNAME",
)
BUCKET_VARIABLE = "MASKFOLD_BUCKET"
NETWORK_VARIABLE = "MASKFOLD_NETWORK"


def main() -> int:
    """Register, saying what was done; return the exit code."""
    try:
        register(os.environ)
    except MaskfoldError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


def register(settings: Mapping[str, str]) -> None:
    """Make bucket, secrets, pools and deployments.

    Raises:
        InputError: If there is no Prefect server, or it refuses a deployment.
    """
    refuse_dead_server()
    bucket = settings.get(BUCKET_VARIABLE)
    if bucket:
        make_bucket(bucket)
        print(f"bucket {bucket}")
    environment = _save_secrets(settings) | {name: settings[name] for name in PLAIN if settings.get(name)}
    with get_client(sync_client=True) as client:
        templates = _templates(client)
        for pool, kind in POOLS.items():
            template = make_template(pool, templates[kind], environment, settings.get(NETWORK_VARIABLE))
            _save_pool(client, pool, kind, template)
            print(f"work pool {pool} ({kind})")
    deployed = subprocess.run(
        [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if deployed.returncode != 0:
        raise InputError(f"prefect deploy --all: {deployed.stdout}{deployed.stderr}")
    print("deployments of prefect.yaml")


def _save_secrets(settings: Mapping[str, str]) -> dict[str, str]:
    """Keep credentials in blocks, which the server encrypts; return how templates refer to them."""
    references = {}
    for name in SECRETS:
        if settings.get(name):
            block = f"maskfold-{name.lower().replace('_', '-')}"
            Secret(value=settings[name]).save(block, overwrite=True)
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
