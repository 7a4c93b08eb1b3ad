"""Fetch a backbone's pretrained weights from timm's hub, once for all folds."""

from __future__ import annotations

import sys

from maskfold.errors import UnavailableError, WeightsError
from maskfold.launch import entry
from maskfold.launch.entry import Job
from maskfold.specs import Weights, WeightsOutcome, WeightsSpec
from maskfold.training import hub


def run(spec: WeightsSpec, job: Job) -> WeightsOutcome:
    """Download and publish the weights; if they are neither available nor required, return the reason."""
    path = job.scratch / f"{spec.backbone}.safetensors"
    try:
        found = hub.download(spec.backbone, path)
    except UnavailableError as error:
        if spec.pretrained == "required":
            raise WeightsError(
                f"pretrained weights of {spec.backbone} are required but not available: {error}. "
                f"Provide them with --weights DIR (a folder with {spec.backbone}.safetensors) or "
                f"--weights {spec.backbone}=URI, or set pretrained=if-available to start from scratch."
            ) from None
        job.log.warning("%s starts from scratch: %s", spec.backbone, error)
        return WeightsOutcome(seconds=job.seconds, weights=None, reason=str(error))
    file = job.workspace.publish(path, f"{job.address}/{path.name}")
    job.log.info("%s: %d bytes", found.origin, file.size)
    weights = Weights(file=file, mean=found.mean, std=found.std, origin=found.origin, backbone_args=found.arguments)
    return WeightsOutcome(seconds=job.seconds, weights=weights)


if __name__ == "__main__":
    sys.exit(entry.main(run, WeightsSpec))
