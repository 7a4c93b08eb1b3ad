"""Darknet-53, written from its paper.

Redmon & Farhadi 2018, YOLOv3: An Incremental Improvement, section 2.4 and table 1: 52 convolutions and one fully
connected layer. Every convolution is followed by batch norm and a leaky ReLU of slope 0.1 (the slope is of the
authors' own Darknet framework); five times a 3 x 3 convolution of stride 2 halves the picture and doubles the
channels, followed by 1, 2, 8, 8 and 4 residual blocks; there is no pooling before the end.

Modules are named as timm names those of its ``darknet53``, so that weights for that one can be loaded. The two
differ in the slope alone: timm's is 0.01.
"""

from __future__ import annotations

from typing import Any, Final

from torch import Tensor, nn

BLOCKS: Final = (1, 2, 8, 8, 4)
"""Residual blocks of each stage (table 1)."""


class _Convolution(nn.Module):
    """Convolution, batch norm, leaky ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, slope: float) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(outputs)
        self.act = nn.LeakyReLU(slope, inplace=True)
        nn.init.kaiming_normal_(self.conv.weight, a=slope, mode="fan_out", nonlinearity="leaky_relu")

    def forward(self, images: Tensor) -> Tensor:
        return self.act(self.bn(self.conv(images)))  # type: ignore[no-any-return]


class _Residual(nn.Module):
    """Half the channels by 1 x 1, back to all by 3 x 3, added to what came in."""

    def __init__(self, channels: int, slope: float) -> None:
        super().__init__()
        self.conv1 = _Convolution(channels, channels // 2, 1, 1, slope)
        self.conv2 = _Convolution(channels // 2, channels, 3, 1, slope)

    def forward(self, images: Tensor) -> Tensor:
        return images + self.conv2(self.conv1(images))  # type: ignore[no-any-return]


class _Stage(nn.Module):
    """Half the size, twice the channels, then residual blocks."""

    def __init__(self, inputs: int, outputs: int, depth: int, slope: float) -> None:
        super().__init__()
        self.conv_down = _Convolution(inputs, outputs, 3, 2, slope)
        self.blocks = nn.Sequential(*(_Residual(outputs, slope) for _ in range(depth)))

    def forward(self, images: Tensor) -> Tensor:
        return self.blocks(self.conv_down(images))  # type: ignore[no-any-return]


class _Head(nn.Module):
    """Mean over the picture, dropout, logits."""

    def __init__(self, channels: int, classes: int, drop_rate: float) -> None:
        super().__init__()
        self.drop = nn.Dropout(drop_rate)
        self.fc = nn.Linear(channels, classes)

    def forward(self, features: Tensor) -> Tensor:
        return self.fc(self.drop(features.mean(dim=(2, 3))))  # type: ignore[no-any-return]


class Darknet53(nn.Module):
    """Darknet-53: float32 images, (N, 3, H, W), normalised, become logits, (N, num_classes).

    Args:
        num_classes: Of the classifier; the paper's has 1000.
        drop_rate: Dropout before the classifier; the paper's has none.
        negative_slope: Of the leaky ReLUs.
    """

    def __init__(self, num_classes: int = 1000, drop_rate: float = 0.0, negative_slope: float = 0.1) -> None:
        super().__init__()
        self.pretrained_cfg: dict[str, Any] = {
            "architecture": "darknet53",
            "classifier": "head.fc",
            "first_conv": "stem.conv1.conv",
            "input_size": (3, 256, 256),
            "mean": (0.485, 0.456, 0.406),
            "std": (0.229, 0.224, 0.225),
        }
        self.stem = nn.Sequential()
        self.stem.add_module("conv1", _Convolution(3, 32, 3, 1, negative_slope))
        self.stages = nn.Sequential(
            *(_Stage(32 << n, 64 << n, depth, negative_slope) for n, depth in enumerate(BLOCKS))
        )
        self.head = _Head(1024, num_classes, drop_rate)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits."""
        return self.head(self.stages(self.stem(images)))  # type: ignore[no-any-return]
