"""Averages of weights: their formulas, their place in a training, and that they survive interruptions."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn

from maskfold.errors import CancelledError, RecipeError
from maskfold.recipe import Network, load_recipe
from maskfold.training.averaging import WeightAverage, recompute_norms
from tests.training import drawn
from tests.training.test_loop import RICH, assert_equal_trainings, train


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.Flatten(), nn.LazyLinear(2))


def moved(model: nn.Module) -> None:
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter))


def ready() -> nn.Module:
    model = network()
    model(torch.randn(2, 3, 6, 6))
    return model


def test_the_mean_is_that_of_all_weights_seen():
    model = ready()
    average, seen = WeightAverage(model), []
    for _ in range(5):
        moved(model)
        average.update_mean()
        seen.append(model[0].weight.detach().clone())
    with average.swapped_in():
        assert torch.allclose(model[0].weight, torch.stack(seen).mean(dim=0), atol=1e-6)
    assert torch.equal(model[0].weight, seen[-1])


def test_the_exponential_average_equals_torchs_once_warmed_up():
    model = ready()
    average = WeightAverage(model)
    average.count = 10_000  # past the warm-up
    theirs = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    theirs.update_parameters(model)  # its first update copies
    for _ in range(6):
        moved(model)
        average.update_exponential(0.9)
        theirs.update_parameters(model)
    with average.swapped_in():
        assert torch.allclose(model[0].weight, theirs.module[0].weight, atol=1e-6)


def test_the_first_updates_forget_the_beginning_fast():
    model = ready()
    average = WeightAverage(model)
    with torch.no_grad():
        model[0].weight.fill_(1)
    average.update_exponential(0.999)
    with average.swapped_in():
        assert (model[0].weight > 0.85).all()  # a decay of 0.999 would leave it near its random start


def test_recomputed_statistics_equal_torchs_and_nothing_else_changes():
    model, other = ready(), ready()
    batches = [torch.randn(8, 3, 6, 6) for _ in range(3)]
    recompute_norms(model, batches, model)
    update_bn(batches, other)
    for name in ("running_mean", "running_var"):
        assert torch.allclose(getattr(model[1], name), getattr(other[1], name), atol=1e-6)
    assert model[1].momentum == 0.1
    assert model[1].num_batches_tracked == 1
    assert not model.training


AVERAGES = [{"averaging": {"ema": 0.9}}, {"averaging": {"last_epochs": 2}}]


@pytest.mark.slow
@pytest.mark.parametrize("settings", AVERAGES)
def test_a_training_stopped_anywhere_goes_on_bit_for_bit(settings: dict[str, object], tmp_path: Path):
    network = Network.model_validate({**RICH.model_dump(), **settings})
    whole = train(tmp_path / "whole", network)
    for stop_at in range(2, whole[3].looks + 1, 5):  # within steps, recomputing, validation, prediction
        folder = tmp_path / str(stop_at)
        with pytest.raises(CancelledError):
            train(folder, network, stop_at)
        assert_equal_trainings(train(folder, network), whole)


@pytest.mark.parametrize("settings", AVERAGES)
def test_kept_weights_are_the_averaged_ones_and_gave_the_kept_predictions(settings: dict[str, object], tmp_path: Path):
    network = drawn.network(epochs=3, keep="last", **settings)
    fit, weights, _, _ = train(tmp_path / "averaged", network)
    _, plain, _, _ = train(tmp_path / "plain", drawn.network(epochs=3, keep="last"))
    assert not torch.equal(weights["fc.weight"], plain["fc.weight"])
    data, pixels = drawn.fold_data(network.target)
    learner = drawn.learner(network)
    learner.load_snapshot(weights)
    again = learner.probabilities(drawn.images(pixels), data.valid.rows)
    assert np.array_equal(again, fit.kept.probabilities)


def test_the_mean_of_the_last_epochs_is_that_of_their_final_weights(tmp_path: Path):
    def weights(**settings: object) -> dict[str, torch.Tensor]:
        return train(tmp_path / str(settings), drawn.network(keep="last", schedule={"name": "constant"}, **settings))[1]

    averaged = weights(epochs=3, averaging={"last_epochs": 2})
    second, third = weights(epochs=2), weights(epochs=3)
    for name in ("fc.weight", "conv1.0.weight"):
        assert torch.allclose(averaged[name], (second[name] + third[name]) / 2, atol=1e-6)


def test_training_ends_after_epochs_without_progress(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    settings = {"epochs": 30, "schedule": {"name": "constant"}, "stopping": {"patience": 2}}
    with caplog.at_level("INFO"):
        fit, _, _, _ = train(tmp_path, drawn.network(**settings))
    scores = [record.valid_macro_f1 for record in fit.history]
    assert len(scores) < 30
    assert len(scores) - 1 - fit.kept.epoch == 2
    assert scores[fit.kept.epoch] == max(scores)
    assert f"early stopping after epoch {len(scores)}" in caplog.text


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["averaging={ema: 0.9, last_epochs: 1}"], "set one of them"),
        (["averaging.last_epochs=2"], "averaging.last_epochs 2 exceeds epochs 1"),
        (["averaging.last_epochs=1", "stopping.patience=3"], "set one"),
        (["averaging.ema=1"], "averaging.ema: Input should be less than 1"),
        (["stopping.patience=0"], "stopping.patience: "),
    ],
)
def test_settings_that_contradict_each_other_are_refused(overrides: list[str], message: str):
    with pytest.raises(RecipeError, match=message):
        load_recipe("smoke", [f"networks.0.{override}" for override in overrides])
