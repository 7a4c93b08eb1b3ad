import math

import pytest
import torch

from maskfold.recipe import Optimizer
from maskfold.training.optimizers import clip_gradients, make_optimizer, set_learning_rate

import timm  # isort: skip - after maskfold.torchvision_ops


def trajectory(optimizer: torch.optim.Optimizer, parameter: torch.nn.Parameter, rates: list[float]) -> list[float]:
    """Minimise the sum of squares of (x - 3)."""
    found = []
    for rate in rates:
        set_learning_rate(optimizer, rate)
        optimizer.zero_grad()
        ((parameter - 3) ** 2).sum().backward()
        optimizer.step()
        found.append(parameter.detach()[0].item())
    return found


def parameter() -> torch.nn.Parameter:
    return torch.nn.Parameter(torch.tensor([0.0, 1.0]))


def alone(weight: torch.nn.Parameter) -> torch.nn.Module:
    return torch.nn.ParameterList([weight])


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd", "madgrad"])
def test_each_optimizer_goes_downhill_at_the_rate_it_is_given(name: str):
    weight = parameter()
    optimizer = make_optimizer(Optimizer(name=name, lr=0.05), alone(weight))
    path = trajectory(optimizer, weight, [0.05] * 300)
    assert path[-1] == pytest.approx(3, abs=0.1)
    before = path[-1]
    optimizer_stopped = trajectory(optimizer, weight, [0.0])
    assert optimizer_stopped[0] == pytest.approx(before, abs=1e-4)


@pytest.mark.parametrize(("name", "decoupled"), [("adam", False), ("adamw", True)])
def test_adam_and_adamw_equal_the_formula(name: str, decoupled: bool):
    lr, decay, beta, eps = 0.1, 0.3, 0.8, 1e-3
    weight = parameter()
    settings = Optimizer(name=name, lr=lr, weight_decay=decay, momentum=beta, eps=eps)
    found = trajectory(make_optimizer(settings, alone(weight)), weight, [lr] * 4)
    x = m = v = 0.0
    expected = []
    for t in range(1, 5):  # Kingma & Ba 2015, algorithm 1; Loshchilov & Hutter 2019, algorithm 2
        gradient = 2 * (x - 3) + (0 if decoupled else decay * x)
        x *= 1 - lr * decay if decoupled else 1
        m, v = beta * m + (1 - beta) * gradient, 0.999 * v + 0.001 * gradient**2
        x -= lr * (m / (1 - beta**t)) / ((v / (1 - 0.999**t)) ** 0.5 + eps)
        expected.append(x)
    assert found == pytest.approx(expected, rel=1e-4)


def test_madgrad_equals_the_formula():
    lr, momentum, eps = 0.1, 0.9, 1e-3
    weight = parameter()
    settings = Optimizer(name="madgrad", lr=lr, momentum=momentum, eps=eps)
    found = trajectory(make_optimizer(settings, alone(weight)), weight, [lr] * 4)
    x = s = v = 0.0
    expected = []
    for k in range(4):  # Defazio & Jelassi 2021, algorithm 1; the package adds eps to the rate as well
        gradient, step = 2 * (x - 3), (lr + eps) * (k + 1) ** 0.5
        s, v = s + step * gradient, v + step * gradient**2
        z = -s / (v ** (1 / 3) + eps)
        x = momentum * x + (1 - momentum) * z
        expected.append(x)
    assert found == pytest.approx(expected, rel=1e-4)


def test_sgd_equals_nesterovs_formula():
    lr, momentum, decay = 0.05, 0.8, 0.1
    weight = parameter()
    settings = Optimizer(name="sgd", lr=lr, momentum=momentum, weight_decay=decay)
    found = trajectory(make_optimizer(settings, alone(weight)), weight, [lr] * 5)
    x = velocity = 0.0
    expected = []
    for _ in range(5):  # Sutskever et al. 2013, section 2, in the form without a look-ahead point
        gradient = 2 * (x - 3) + decay * x
        velocity = momentum * velocity + gradient
        x -= lr * (gradient + momentum * velocity)
        expected.append(x)
    assert found == pytest.approx(expected, rel=1e-5)


def test_sgd_without_momentum_is_plain_descent():
    weight = parameter()
    optimizer = make_optimizer(Optimizer(name="sgd", lr=0.1, momentum=0), alone(weight))
    assert trajectory(optimizer, weight, [0.1] * 2) == pytest.approx([0.6, 1.08])


def decays(optimizer: torch.optim.Optimizer, model: torch.nn.Module) -> dict[str, tuple[float, float]]:
    """Weight decay and factor of the rate of each parameter, by name."""
    found = {
        id(weight): (group["weight_decay"], group.get("lr_scale", 1.0))
        for group in optimizer.param_groups
        for weight in group["params"]
    }
    return {name: found[id(weight)] for name, weight in model.named_parameters()}


@pytest.mark.parametrize("layer_decay", [1.0, 0.7])
@pytest.mark.parametrize("name", ["adam", "adamw", "sgd", "madgrad"])
def test_norms_and_biases_can_be_spared_the_decay(name: str, layer_decay: float):
    model = timm.create_model("test_resnet", num_classes=3)
    settings = {"name": name, "weight_decay": 0.05, "layer_decay": layer_decay}
    everything = decays(make_optimizer(Optimizer.model_validate(settings), model), model)
    assert {decay for decay, _ in everything.values()} == {0.05}
    spared = decays(make_optimizer(Optimizer.model_validate({**settings, "decay_norms": False}), model), model)
    for module_name, module in model.named_modules():
        for weight_name, _ in module.named_parameters(recurse=False):
            kept = isinstance(module, torch.nn.Conv2d | torch.nn.Linear) and weight_name == "weight"
            assert spared[f"{module_name}.{weight_name}"][0] == (0.05 if kept else 0)


def test_position_embeddings_are_spared_too():
    model = timm.create_model("test_vit", num_classes=3, img_size=(32, 32))
    found = decays(make_optimizer(Optimizer(weight_decay=0.05, decay_norms=False), model), model)
    assert found["pos_embed"][0] == 0
    assert found["blocks.0.mlp.fc1.weight"][0] == 0.05


@pytest.mark.parametrize("backbone", ["test_resnet", "mobilenetv2_035", "test_efficientnet", "test_vit"])
def test_layers_further_from_the_head_learn_more_slowly(backbone: str):
    model = timm.create_model(backbone, num_classes=3)
    optimizer = make_optimizer(Optimizer(lr=0.1, layer_decay=0.5), model)
    scale = {name: factor for name, (_, factor) in decays(optimizer, model).items()}
    head = [name for name in scale if name.startswith(model.pretrained_cfg["classifier"])]
    assert {scale[name] for name in head} == {1.0}
    first = next(iter(scale))
    assert scale[first] == min(scale.values()) < 0.5
    assert all(math.log2(factor).is_integer() for factor in scale.values())
    set_learning_rate(optimizer, 0.01)
    rates = {id(weight): group["lr"] for group in optimizer.param_groups for weight in group["params"]}
    for name, weight in model.named_parameters():
        assert rates[id(weight)] == pytest.approx(0.01 * scale[name])


@pytest.mark.parametrize(("longest", "factor"), [(None, 1.0), (100.0, 1.0), (2.5, 0.5)])
def test_long_gradients_are_shortened_over_all_parameters_together(longest: float | None, factor: float):
    model = torch.nn.ParameterList([torch.nn.Parameter(torch.zeros(2)), torch.nn.Parameter(torch.zeros(1))])
    optimizer = make_optimizer(Optimizer(name="sgd"), model)
    model[0].grad, model[1].grad = torch.tensor([0.0, 3.0]), torch.tensor([4.0])
    clip_gradients(optimizer, torch.amp.GradScaler("cpu", enabled=False), longest)
    assert [*model[0].grad.tolist(), *model[1].grad.tolist()] == pytest.approx([0, 3 * factor, 4 * factor], rel=1e-5)


def test_clipping_measures_the_gradient_and_not_its_scaled_form():
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = make_optimizer(Optimizer(name="sgd", lr=1, momentum=0), alone(weight))
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    scaler.scale((weight * 3).sum()).backward()
    clip_gradients(optimizer, scaler, 5.0)
    assert weight.grad is not None
    assert weight.grad.item() == pytest.approx(3)
