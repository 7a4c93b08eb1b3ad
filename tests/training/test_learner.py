import io

import numpy as np
import pytest
import torch

from maskfold.training.learner import Learner
from maskfold.training.randomness import Position
from tests.training import drawn


@pytest.fixture
def pixels() -> np.ndarray:
    return drawn.pack(drawn.tables()[0])


@pytest.fixture
def classes() -> np.ndarray:
    return drawn.classes(drawn.tables()[0], "mask")


def steps(learner: Learner, pixels: np.ndarray, classes: np.ndarray, count: int) -> list[float]:
    images = drawn.images(pixels)
    place = Position(0, 0)
    return [
        learner.step(images.batch(np.arange(len(classes))), classes, place.at(0, step), 0.003).item()
        for step in range(count)
    ]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"loss": {"name": "focal"}, "cutmix": {"p": 0.5, "shape": "box"}, "target": "gender"},
        {"augmentation": {"jitter": "one-of", "erasing": 0.5}, "optimizer": {"name": "madgrad", "lr": 0.003}},
        {"amp": "bf16", "loss": {"name": "label-smoothing", "smoothing": 0.1}, "backbone": "test_efficientnet"},
    ],
)
def test_steps_learn(settings: dict[str, object], pixels: np.ndarray):
    network = drawn.network(**settings)
    losses = steps(drawn.learner(network), pixels, drawn.classes(drawn.tables()[0], network.target), 30)
    assert np.mean(losses[-5:]) < 0.75 * np.mean(losses[:3])


def test_probabilities_cover_every_row_the_last_batch_too(pixels: np.ndarray):
    learner = drawn.learner(drawn.network(batch_size=8))
    rows = np.array([3, *range(20)])
    found = learner.probabilities(drawn.images(pixels), rows)
    learner.model.eval()
    with torch.no_grad():
        inputs = torch.from_numpy(pixels[rows]).permute(0, 3, 1, 2) / 255
        expected = learner.model((inputs - 0.5) / 0.5).softmax(dim=1)
    assert found.dtype == np.float32
    assert np.allclose(found, expected.numpy(), atol=1e-5)
    assert np.allclose(found[0], found[4], atol=1e-6)


def test_prediction_changes_nothing_that_is_learnt(pixels: np.ndarray):
    learner = drawn.learner(drawn.network())
    before = learner.snapshot()
    learner.probabilities(drawn.images(pixels), np.arange(10))
    after = learner.snapshot()
    assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "madgrad"])
def test_a_restored_state_goes_on_bit_for_bit(optimizer: str, pixels: np.ndarray, classes: np.ndarray):
    network = drawn.network(optimizer={"name": optimizer, "lr": 0.003}, backbone_args={"drop_rate": 0.3})
    first = drawn.learner(network)
    steps(first, pixels, classes, 3)
    buffer = io.BytesIO()
    torch.save(first.state(), buffer)
    buffer.seek(0)
    second = drawn.learner(network.model_copy(update={"seed": 9}))
    second.restore(torch.load(buffer, weights_only=True))
    torch.rand(7)  # the state of torch's own generator does not matter
    steps(first, pixels, classes, 2)
    steps(second, pixels, classes, 2)
    one, other = first.snapshot(), second.snapshot()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_snapshots_share_no_memory_with_the_network(pixels: np.ndarray, classes: np.ndarray):
    learner = drawn.learner(drawn.network())
    snapshot = learner.snapshot()
    before = {name: value.clone() for name, value in snapshot.items()}
    steps(learner, pixels, classes, 1)
    assert all(torch.equal(before[name], snapshot[name]) for name in before)
    assert all(value.is_contiguous() for value in snapshot.values())
    assert not torch.equal(learner.snapshot()["fc.weight"], before["fc.weight"])
    learner.load_snapshot(snapshot)
    assert torch.equal(learner.snapshot()["fc.weight"], before["fc.weight"])


def test_a_translated_network_is_the_one_that_is_trained(
    monkeypatch: pytest.MonkeyPatch, pixels: np.ndarray, classes: np.ndarray
):
    passes = []

    def translate(model: torch.nn.Module) -> object:
        return lambda inputs: (passes.append(len(inputs)), model(inputs))[1]

    monkeypatch.setattr(torch, "compile", translate)
    translated, plain = drawn.learner(drawn.network(compile=True)), drawn.learner(drawn.network())
    assert steps(translated, pixels, classes, 2) == steps(plain, pixels, classes, 2)
    assert passes == [len(classes)] * 2
    one, other = translated.snapshot(), plain.snapshot()
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
