"""The optimizers of a recipe."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from maskfold import torchvision_ops  # noqa: F401 - before timm, which imports torchvision
from maskfold.recipe import Optimizer

from timm.optim import param_groups_layer_decay, param_groups_weight_decay  # isort: skip

Groups = list[dict[str, Any]]


def make_optimizer(settings: Optimizer, model: nn.Module) -> torch.optim.Optimizer:
    """Build the optimizer of a network; the learning rate is set before each step by the schedule."""
    groups = parameter_groups(settings, model)
    if settings.name == "madgrad":
        from madgrad import MADGRAD  # here, since other recipes do not need it

        eps = 1e-6 if settings.eps is None else settings.eps
        madgrad: torch.optim.Optimizer = MADGRAD(
            groups, lr=settings.lr, momentum=settings.momentum, weight_decay=settings.weight_decay, eps=eps
        )
        return madgrad
    if settings.name == "sgd":
        return torch.optim.SGD(
            groups,
            lr=settings.lr,
            momentum=settings.momentum,
            weight_decay=settings.weight_decay,
            nesterov=settings.momentum > 0,
            fused=True,
        )
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[settings.name]
    chosen: torch.optim.Optimizer = kind(
        groups,
        lr=settings.lr,
        betas=(settings.momentum, 0.999),
        eps=1e-8 if settings.eps is None else settings.eps,
        weight_decay=settings.weight_decay,
        fused=True,  # one pass over the parameters: a tenth more images/s for small networks on a CPU
    )
    return chosen


def parameter_groups(settings: Optimizer, model: nn.Module) -> Groups:
    """Group the parameters by learning rate and weight decay.

    With ``layer_decay`` d < 1 a layer that is k layers below the head has d^k of the learning rate (Clark et al.
    2020, ELECTRA, appendix A, on fine-tuning; Bao et al. 2022, BEiT, section 3.1); timm defines the layers of its
    networks. Without ``decay_norms`` vectors and numbers (biases, scales and shifts of normalisation) and what
    the network itself exempts have no weight decay (He et al. 2019, Bag of Tricks for Image Classification, section
    3.1).

    Returns:
        Groups for an optimizer of torch; ``lr_scale`` is the factor of the learning rate.
    """
    exempt = _exempt(model) if not settings.decay_norms else ()
    if settings.layer_decay < 1:
        groups: Groups = param_groups_layer_decay(
            model,
            weight_decay=settings.weight_decay,
            no_weight_decay_list=exempt,
            weight_decay_exclude_1d=not settings.decay_norms,
            layer_decay=settings.layer_decay,
        )
        return groups
    if settings.decay_norms:
        return [{"params": list(model.parameters())}]
    split: Groups = param_groups_weight_decay(model, settings.weight_decay, no_weight_decay_list=exempt)
    return split


def _exempt(model: nn.Module) -> tuple[str, ...]:
    """Return the parameters that timm's network excludes from decay, such as position embeddings."""
    named = getattr(model, "no_weight_decay", None)
    return tuple(named()) if callable(named) else ()


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of the head; layers with a factor get their share of it."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("lr_scale", 1.0)


def clip_gradients(optimizer: torch.optim.Optimizer, scaler: torch.amp.GradScaler, longest: float | None) -> None:
    """Shorten the gradient to ``longest`` where it is longer, by the norm over all parameters together.

    Pascanu et al. 2013, On the difficulty of training recurrent neural networks, section 3.2, algorithm 1. Call it
    between the backward pass and the step; it first undoes the scaling of half precision. None does nothing.
    """
    if longest is None:
        return
    scaler.unscale_(optimizer)
    nn.utils.clip_grad_norm_([weight for group in optimizer.param_groups for weight in group["params"]], longest)
