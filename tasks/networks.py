"""Build each network once, with its initial weights: what is wrong with one is said before anything is trained."""

from __future__ import annotations

import sys

from maskfold.launch import entry
from maskfold.specs import NetworksOutcome, NetworksSpec
from maskfold.training import backbones


def run(spec: NetworksSpec, job: entry.Job) -> NetworksOutcome:
    """Build, load, and look at one image with every network."""
    parameters = {}
    for done, (network, classes, size) in enumerate(zip(spec.networks, spec.classes, spec.sizes, strict=True), start=1):
        weights = spec.weights.get(network.backbone)
        file = job.workspace.fetch(weights.file) if weights else None
        parameters[network.name] = backbones.try_out(network, classes, size, weights, file)
        job.log.info("%s: %s, %.1f million parameters", network.name, network.backbone, parameters[network.name] / 1e6)
        job.progress(done, len(spec.networks), "networks")
    return NetworksOutcome(seconds=job.seconds, parameters=parameters)


if __name__ == "__main__":
    sys.exit(entry.main(run, NetworksSpec))
