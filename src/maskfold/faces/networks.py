"""MTCNN's three networks with facenet-pytorch's weights, laid out for speed."""

from __future__ import annotations

import torch
from facenet_pytorch.models.mtcnn import ONet, PNet, RNet
from torch import Tensor, nn
from torch.nn import functional as F

_VECTOR = 16
"""float32 values in a processor's widest vector register."""


def load_networks(device: torch.device) -> tuple[nn.Module, nn.Module, nn.Module]:
    """Return the networks that propose, refine and decide, for inputs in memory format channels-last.

    Each takes (n, 3, height, width) and returns offsets and probabilities; the third returns landmarks between them.
    """
    propose, refine, decide = PNet(), RNet(), ONet()
    _widen(propose)
    _widen(refine)
    proposing, refining, deciding = (
        network.eval().requires_grad_(False).to(device, memory_format=torch.channels_last)
        for network in (propose, refine, decide)
    )
    return proposing, refining, deciding


def _widen(network: PNet | RNet) -> None:
    """Pad the first layer with zero channels to a multiple of the vector width; the results stay the same.

    With the original 10 and 28 channels, activation and pooling process the remainder channel by channel, which takes a
    fifth of the time of the proposals.
    """
    more = -network.conv1.out_channels % _VECTOR
    network.conv1 = _convolution(
        F.pad(network.conv1.weight, (0, 0, 0, 0, 0, 0, 0, more)), F.pad(network.conv1.bias, (0, more))
    )
    network.prelu1.weight = nn.Parameter(F.pad(network.prelu1.weight, (0, more)))
    network.conv2 = _convolution(F.pad(network.conv2.weight, (0, 0, 0, 0, 0, more)), network.conv2.bias)


def _convolution(weight: Tensor, bias: Tensor) -> nn.Conv2d:
    outputs, inputs, height, width = weight.shape
    layer = nn.Conv2d(inputs, outputs, (height, width))
    layer.weight, layer.bias = nn.Parameter(weight), nn.Parameter(bias)
    return layer
