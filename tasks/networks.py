"""Build each network once, with its initial weights, so that errors are reported before any training."""

from __future__ import annotations

import sys

from maskfold.launch import entry
from maskfold.specs import NetworksOutcome, NetworksSpec
from maskfold.training import backbones


def run(spec: NetworksSpec, job: entry.Job) -> NetworksOutcome:
    """Build every network, load its weights and run it on one image."""
    parameters: dict[str, int] = {}
    loaded: dict[str, None] = {}
    for done, (network, classes, size) in enumerate(zip(spec.networks, spec.classes, spec.sizes, strict=True), start=1):
        weights = spec.weights.get(network.backbone)
        file = job.workspace.fetch(weights.file) if weights else None
        parameters[network.name], initial = backbones.try_out(network, classes, size, weights, file)
        if initial not in loaded:  # networks of one backbone load the same
            job.log.info("initial weights: %s", initial)
            loaded[initial] = None
        job.log.info("%s: %s, %.1f million parameters", network.name, network.backbone, parameters[network.name] / 1e6)
        job.progress(done, len(spec.networks), "networks")
    return NetworksOutcome(seconds=job.seconds, parameters=parameters)


if __name__ == "__main__":
    sys.exit(entry.main(run, NetworksSpec))
