"""Training losses over logits and soft targets.

Each takes logits, float32, (N, C), and targets: class probabilities, float32, (N, C), such as one-hot rows or mixtures
of them by CutMix or MixUp. Each returns a scalar.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from maskfold.recipe import Loss
from maskfold.scheme import JOINT, FloatArray, IntArray, Scheme
from maskfold.training.class_weights import class_weights
from maskfold.training.targets import centres

LossFunction = Callable[[Tensor, Tensor], Tensor]

_CPU = torch.device("cpu")


def make_loss(
    loss: Loss,
    taught: Scheme | None = None,
    target: str = JOINT,
    counts: IntArray | None = None,
    device: torch.device = _CPU,
    counted: IntArray | None = None,
) -> LossFunction:
    """Return a function from logits and targets to the mean loss.

    Args:
        loss: Which.
        taught: The scheme of the training classes; needed for ``neighbour-smoothing`` and ``expectation``.
        target: What the network predicts.
        counts: Training images of each class, int64, (C,); needed for class weights.
        device: Where logits and targets will be.
        counted: The class that each of the C classes counts as, int64, (C,), if ``counts`` are of those.

    Raises:
        ValueError: If class weights are asked for without counts, or a loss of ordered classes without a scheme.
    """
    terms = [
        (term.weight, _term(term, taught, target, _weights(term, counts, counted, device), device))
        for term in loss.terms()
    ]
    if loss.name != "mixture":
        return terms[0][1]
    return lambda logits, targets: torch.stack([weight * term(logits, targets) for weight, term in terms]).sum()


def _term(loss: Loss, taught: Scheme | None, target: str, weights: Tensor | None, device: torch.device) -> LossFunction:
    match loss.name:
        case "focal":
            return lambda logits, targets: focal_loss(logits, targets, loss.gamma, weights)
        case "soft-f1":
            return soft_f1_loss
        case "symmetric":
            return lambda logits, targets: symmetric_loss(logits, targets, loss.alpha, loss.beta, loss.log_zero)
        case "expectation":
            numbers = class_values(_ordering(taught, loss), target)
            values = torch.tensor(numbers, dtype=torch.float32, device=device)
            return lambda logits, targets: expectation_loss(logits, targets, values)
        case "neighbour-smoothing":
            members = _ordering(taught, loss).members(target)
            sizes = [attribute.size for attribute in members]
            ordered = [place for place, attribute in enumerate(members) if attribute.is_number]
            return lambda logits, targets: F.cross_entropy(
                logits, smooth_to_neighbours(targets, sizes, ordered, loss.smoothing), weight=weights
            )
    smoothing = loss.smoothing if loss.name == "label-smoothing" else 0.0
    return lambda logits, targets: F.cross_entropy(logits, targets, weight=weights, label_smoothing=smoothing)


def _ordering(taught: Scheme | None, loss: Loss) -> Scheme:
    if taught is None:
        raise ValueError(f"{loss.name} needs the scheme, which orders the classes")
    return taught


def _weights(loss: Loss, counts: IntArray | None, counted: IntArray | None, device: torch.device) -> Tensor | None:
    if loss.class_weights == "none":
        return None
    if counts is None:
        raise ValueError(f"class weights {loss.class_weights} need the number of training images of each class")
    weights = torch.tensor(class_weights(loss, counts), dtype=torch.float32, device=device)
    return weights if counted is None else weights[torch.from_numpy(counted).to(device)]


def focal_loss(logits: Tensor, targets: Tensor, gamma: float, weights: Tensor | None = None) -> Tensor:
    """Return the focal loss -sum_c w_c t_c (1 - p_c)^gamma log p_c, mean over images.

    Lin et al. 2017, Focal Loss for Dense Object Detection, section 3.2, eq. 4, with softmax for sigmoid, and as the
    expectation over soft targets; gamma 0 is cross-entropy. The weights are the alpha of eq. 5.

    Args:
        logits: Float32, (N, C).
        targets: Class probabilities, float32, (N, C).
        gamma: Focusing parameter, >= 0.
        weights: Of the classes, float32, (C,); none weighs all 1.
    """
    log_p = F.log_softmax(logits, dim=1)
    # expm1 keeps 1 - p exact where p is close to 1, and its gradient finite for gamma < 1 only above the floor.
    complement = (-torch.expm1(log_p)).clamp_min(torch.finfo(log_p.dtype).eps)
    weighted = targets if weights is None else targets * weights
    return -(weighted * complement**gamma * log_p).sum(dim=1).mean()


def soft_f1_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Return 1 - macro-F1 of the batch with probabilities in place of answers.

    Per class F1 = 2 tp / (2 tp + fp + fn) with the expected counts tp = sum p t, fp = sum p (1 - t), fn = sum (1 - p) t
    (Benedict et al. 2022, sigmoidF1, the smooth confusion counts, with softmax for the tuned sigmoid). The mean is over
    the classes that occur in the batch: the others have no gradient, and would only shift the loss. It does not add up
    over parts of a batch: where a batch goes through the network in micro-batches, it is the mean of theirs.

    Args:
        logits: Float32, (N, C).
        targets: Class probabilities, float32, (N, C).
    """
    p = logits.softmax(dim=1)
    hits, answers, truths = (p * targets).sum(dim=0), p.sum(dim=0), targets.sum(dim=0)
    occurs = truths > 0
    f1 = 2 * hits / (answers + truths).clamp_min(torch.finfo(p.dtype).tiny)  # 2 tp + fp + fn = sum p + sum t
    return 1 - (f1 * occurs).sum() / occurs.sum()


def symmetric_loss(logits: Tensor, targets: Tensor, alpha: float, beta: float, log_zero: float) -> Tensor:
    """Return the symmetric cross-entropy alpha CE(t, p) + beta CE(p, t), mean over images.

    Wang et al. 2019, Symmetric Cross Entropy for Robust Learning with Noisy Labels, section 3.2 (reverse
    cross-entropy, where log 0 of the one-hot target is a constant A < 0) and 3.3 (their weighted sum). For soft
    targets log t is taken, but no lower than A.

    Args:
        logits: Float32, (N, C).
        targets: Class probabilities, float32, (N, C).
        alpha: Weight of the cross-entropy.
        beta: Weight of the reverse cross-entropy.
        log_zero: A, the logarithm of a target of zero.
    """
    reverse = -(logits.softmax(dim=1) * targets.log().clamp_min(log_zero)).sum(dim=1).mean()
    return alpha * F.cross_entropy(logits, targets) + beta * reverse


def expectation_loss(logits: Tensor, targets: Tensor, values: Tensor) -> Tensor:
    """Return by how much the expected number is wrong, |sum_c p_c v_c - sum_c t_c v_c|, mean over images.

    Gao et al. 2018, Expectation of Label Distribution Learning (DLDL-v2), section 3: the L1 loss of the expectation,
    added to the divergence from the label distribution, as in a ``mixture`` with ``cross-entropy``. The expectation of
    the target stands for the number, so that it can be mixed as well.

    Args:
        logits: Float32, (N, C).
        targets: Class probabilities, float32, (N, C).
        values: Number that each class stands for, of each ordered attribute, float32, (C, ordered attributes); several
            attributes add up.
    """
    return ((logits.softmax(dim=1) - targets) @ values).abs().sum(dim=1).mean()


def class_values(taught: Scheme, target: str) -> FloatArray:
    """Return the number that each class stands for, float64, (C, ordered attributes of the target)."""
    members = taught.members(target)
    places = np.indices([attribute.size for attribute in members]).reshape(len(members), -1)
    numbers = [
        centres(attribute.bounds)[place]
        for attribute, place in zip(members, places, strict=True)
        if attribute.is_number
    ]
    return np.stack(numbers, axis=1)


def smooth_to_neighbours(targets: Tensor, sizes: Sequence[int], ordered: Sequence[int], smoothing: float) -> Tensor:
    """Move a part of each class's mass to the adjacent classes of an ordered attribute, equally to both sides.

    Label smoothing (Szegedy et al. 2016, Rethinking the Inception Architecture, section 7) with the uniform
    distribution replaced by that over the neighbours in an ordered attribute: a person of 29 may pass for 30, never
    for 60, and all other attributes stay as they are. Several ordered attributes are smoothed one after the other.

    Args:
        targets: Class probabilities, float32, (N, C).
        sizes: Number of classes of each attribute that makes up the C classes, the last one changing fastest.
        ordered: Places in ``sizes`` of the ordered attributes.
        smoothing: Share of the mass that moves.

    Returns:
        Class probabilities of the same shape; mass moves along the ordered attributes alone.
    """
    cube = targets.view(len(targets), *sizes)
    for place in ordered:
        line = torch.ones(sizes[place] - 1, dtype=targets.dtype, device=targets.device)
        adjacent = torch.diag(line, 1) + torch.diag(line, -1)
        along = cube.movedim(place + 1, -1)
        moved = along @ (adjacent / adjacent.sum(dim=1, keepdim=True))
        cube = torch.lerp(along, moved, smoothing).movedim(-1, place + 1)
    return cube.reshape(targets.shape)
