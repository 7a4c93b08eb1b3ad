import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import f1_score
from torch.nn import functional as F

from maskfold.recipe import Loss
from maskfold.training.class_weights import class_weights
from maskfold.training.losses import focal_loss, make_loss, smooth_to_neighbours
from tests.training import drawn

LOGITS = hnp.arrays(np.float32, (5, 4), elements=st.floats(-8, 8, width=32))
MASSES = hnp.arrays(np.float32, (5, 4), elements=st.floats(0.125, 1, width=32))


def soft(masses: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(masses / masses.sum(axis=1, keepdims=True))


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@given(LOGITS, MASSES)
def test_cross_entropy_equals_the_formula(logits: np.ndarray, masses: np.ndarray):
    targets = soft(masses)
    expected = -(targets.numpy() * np.log(softmax(logits))).sum(axis=1).mean()
    assert make_loss(Loss())(torch.from_numpy(logits), targets).item() == pytest.approx(expected, rel=1e-4, abs=1e-5)


@given(LOGITS, MASSES, st.floats(0, 4))
def test_focal_equals_the_formula_for_soft_targets(logits: np.ndarray, masses: np.ndarray, gamma: float):
    targets, p = soft(masses), softmax(logits)
    expected = -(targets.numpy() * (1 - p) ** gamma * np.log(p)).sum(axis=1).mean()
    loss = make_loss(Loss(name="focal", gamma=gamma))(torch.from_numpy(logits), targets)
    assert loss.item() == pytest.approx(expected, rel=1e-3, abs=1e-4)


@given(LOGITS, st.lists(st.integers(0, 3), min_size=5, max_size=5), st.floats(0, 1))
def test_label_smoothing_equals_torch_on_hard_labels(logits: np.ndarray, classes: list[int], smoothing: float):
    hard = torch.tensor(classes)
    expected = F.cross_entropy(torch.from_numpy(logits), hard, label_smoothing=smoothing)
    loss = make_loss(Loss(name="label-smoothing", smoothing=smoothing))
    found = loss(torch.from_numpy(logits), F.one_hot(hard, 4).float())
    assert found.item() == pytest.approx(expected.item(), rel=1e-4, abs=1e-5)


@given(LOGITS, MASSES, st.floats(0, 1))
def test_label_smoothing_mixes_soft_targets_with_the_uniform_distribution(
    logits: np.ndarray, masses: np.ndarray, smoothing: float
):
    targets = soft(masses)
    mixed = targets.numpy() * (1 - smoothing) + smoothing / 4
    expected = -(mixed * np.log(softmax(logits))).sum(axis=1).mean()
    loss = make_loss(Loss(name="label-smoothing", smoothing=smoothing))
    assert loss(torch.from_numpy(logits), targets).item() == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_the_three_losses_differ():
    logits, targets = torch.tensor([[3.0, 0.0, -1.0]]), torch.tensor([[0.0, 1.0, 0.0]])
    values = {
        make_loss(Loss(name=name))(logits, targets).item() for name in ("cross-entropy", "focal", "label-smoothing")
    }
    assert len(values) == 3


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal_gradient_is_a_number_where_the_network_is_certain(gamma: float):
    logits = torch.tensor([[200.0, 0.0], [-200.0, 0.0]], requires_grad=True)
    focal_loss(logits, torch.tensor([[1.0, 0.0], [1.0, 0.0]]), gamma).backward()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()
    assert logits.grad[1, 0] < -0.4


COUNTS = np.array([50, 5, 500, 20])


@pytest.mark.parametrize("weights", ["inverse-frequency", "effective-number"])
@given(logits=LOGITS, masses=MASSES)
def test_class_weights_multiply_each_classs_part(weights: str, logits: np.ndarray, masses: np.ndarray):
    targets, log_p = soft(masses), np.log(softmax(logits))
    settings = Loss(class_weights=weights, effective_beta=0.99)
    w = class_weights(settings, COUNTS)
    expected = -(w * targets.numpy() * log_p).sum(axis=1).mean()
    found = make_loss(settings, counts=COUNTS)(torch.from_numpy(logits), targets).item()
    assert found == pytest.approx(expected, rel=1e-4, abs=1e-5)

    focal = Loss(name="focal", gamma=1.5, class_weights=weights, effective_beta=0.99)
    expected = -(w * targets.numpy() * (1 - np.exp(log_p)) ** 1.5 * log_p).sum(axis=1).mean()
    found = make_loss(focal, counts=COUNTS)(torch.from_numpy(logits), targets).item()
    assert found == pytest.approx(expected, rel=1e-3, abs=1e-4)


def test_class_weights_need_counts():
    with pytest.raises(ValueError, match="need the number of training images"):
        make_loss(Loss(class_weights="inverse-frequency"))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=12))
def test_soft_f1_of_certain_answers_is_scikit_learns_macro_f1(pairs: list[tuple[int, int]]):
    truth, answers = (torch.tensor(column) for column in zip(*pairs, strict=True))
    loss = make_loss(Loss(name="soft-f1"))(F.one_hot(answers, 4).float() * 200, F.one_hot(truth, 4).float())
    expected = f1_score(truth, answers, labels=truth.unique(), average="macro", zero_division=0)
    assert 1 - loss.item() == pytest.approx(expected, abs=1e-5)


@given(LOGITS, MASSES)
def test_soft_f1_equals_its_expected_counts(logits: np.ndarray, masses: np.ndarray):
    targets, p = soft(masses), softmax(logits)
    t = targets.numpy()
    tp, fp, fn = (p * t).sum(axis=0), (p * (1 - t)).sum(axis=0), ((1 - p) * t).sum(axis=0)
    expected = 1 - (2 * tp / (2 * tp + fp + fn)).mean()
    found = make_loss(Loss(name="soft-f1"))(torch.from_numpy(logits), targets).item()
    assert found == pytest.approx(expected, abs=1e-4)


def test_soft_f1_leads_to_the_truth():
    logits = torch.zeros(6, 3, requires_grad=True)
    targets = F.one_hot(torch.tensor([0, 0, 0, 0, 1, 1]), 3).float()
    optimizer = torch.optim.SGD([logits], lr=5)
    for _ in range(200):
        optimizer.zero_grad()
        loss = make_loss(Loss(name="soft-f1"))(logits, targets)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.02
    assert logits.argmax(dim=1).tolist() == [0, 0, 0, 0, 1, 1]


@given(LOGITS, st.lists(st.integers(0, 3), min_size=5, max_size=5), st.floats(-9, -0.5))
def test_symmetric_is_the_published_closed_form_on_hard_labels(logits: np.ndarray, classes: list[int], log_zero: float):
    p = softmax(logits)[np.arange(5), classes]
    settings = Loss(name="symmetric", alpha=0.3, beta=0.7, log_zero=log_zero)
    found = make_loss(settings)(torch.from_numpy(logits), F.one_hot(torch.tensor(classes), 4).float())
    # Section 3.2: with log 0 = A, the reverse cross-entropy of a one-hot target is -A (1 - p of the true class).
    expected = 0.3 * -np.log(p).mean() + 0.7 * (-log_zero * (1 - p)).mean()
    assert found.item() == pytest.approx(expected, rel=1e-4, abs=1e-4)


@given(LOGITS, MASSES)
def test_symmetric_takes_soft_targets(logits: np.ndarray, masses: np.ndarray):
    targets, p = soft(masses), softmax(logits)
    found = make_loss(Loss(name="symmetric", alpha=0, beta=1, log_zero=-1))(torch.from_numpy(logits), targets)
    expected = -(p * np.maximum(np.log(targets.numpy()), -1)).sum(axis=1).mean()
    assert found.item() == pytest.approx(expected, rel=1e-4, abs=1e-4)


def test_symmetric_is_not_a_multiple_of_cross_entropy():
    logits, targets = torch.tensor([[3.0, 0.0], [0.5, 0.0]]), torch.eye(2)[[0, 0]]
    symmetric, plain = make_loss(Loss(name="symmetric")), make_loss(Loss())
    ratios = [symmetric(row[None], t[None]) / plain(row[None], t[None]) for row, t in zip(logits, targets, strict=True)]
    assert ratios[0] > 1.05 * ratios[1]


def test_neighbour_smoothing_of_ages_reaches_adjacent_ages_alone():
    found = smooth_to_neighbours(torch.eye(4), [4], [0], 0.2)
    expected = [[0.8, 0.2, 0, 0], [0.1, 0.8, 0.1, 0], [0, 0.1, 0.8, 0.1], [0, 0, 0.2, 0.8]]
    assert found.numpy() == pytest.approx(np.array(expected))


@pytest.mark.parametrize("bins", [3, 5])
def test_neighbour_smoothing_of_joint_classes_keeps_mask_and_gender(bins: int):
    found = smooth_to_neighbours(torch.eye(6 * bins), [3, 2, bins], [2], 0.3)
    assert found.sum(dim=1).numpy() == pytest.approx(np.ones(6 * bins))
    for true, other in zip(*np.nonzero(found.numpy()), strict=True):
        assert true // bins == other // bins
        assert abs(true % bins - other % bins) <= 1
    assert found.diagonal().numpy() == pytest.approx(np.full(6 * bins, 0.7))


def test_neighbour_smoothing_moves_along_each_ordered_attribute():
    found = smooth_to_neighbours(torch.eye(24)[[0]], [3, 2, 4], [0, 2], 0.5).view(3, 2, 4)
    assert found[:, 1].sum() == 0  # the second attribute has no order
    assert found[:, 0].numpy() == pytest.approx(np.outer([0.5, 0.5, 0], [0.5, 0.5, 0, 0]))


BINS = drawn.SCHEME.with_bounds({"age": (20, 40, 60)})
"""Four age groups."""


@given(LOGITS, MASSES)
def test_neighbour_smoothing_is_cross_entropy_with_the_smoothed_targets(logits: np.ndarray, masses: np.ndarray):
    targets = soft(masses)
    moved = np.array([[0, 1, 0, 0], [0.5, 0, 0.5, 0], [0, 0.5, 0, 0.5], [0, 0, 1, 0]])
    mixed = 0.75 * targets.numpy() + 0.25 * targets.numpy() @ moved
    expected = -(mixed * np.log(softmax(logits))).sum(axis=1).mean()
    loss = make_loss(Loss(name="neighbour-smoothing", smoothing=0.25), BINS, "age")
    assert loss(torch.from_numpy(logits), targets).item() == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_neighbour_smoothing_takes_the_ages_of_its_target():
    logits = torch.zeros(1, 18)
    logits[0, 3] = 9.0  # the class after 2, but of another gender
    targets = F.one_hot(torch.tensor([2]), 18).float()
    settings = Loss(name="neighbour-smoothing", smoothing=0.5)
    years = drawn.SCHEME.with_bounds({"age": tuple(range(20, 105, 5))})
    joint = make_loss(settings, drawn.SCHEME, "joint")(logits, targets).item()
    age = make_loss(settings, years, "age")(logits, targets).item()
    assert joint == pytest.approx(make_loss(Loss())(logits, targets).item())
    assert age < joint - 1


@given(LOGITS, MASSES)
def test_a_mixture_is_the_weighted_sum(logits: np.ndarray, masses: np.ndarray):
    inputs, targets = torch.from_numpy(logits), soft(masses)
    parts = (Loss(name="focal", weight=0.25), Loss(name="soft-f1", weight=2), Loss())
    expected = sum(part.weight * make_loss(part)(inputs, targets).item() for part in parts)
    assert make_loss(Loss(name="mixture", parts=parts))(inputs, targets).item() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("name", ["focal", "soft-f1", "symmetric", "neighbour-smoothing", "label-smoothing"])
def test_gradients_are_numbers_for_certain_networks_and_soft_targets(name: str):
    logits = (torch.tensor([[200.0, -200.0, 0.0], [-90.0, 90.0, 0.0]])).requires_grad_()
    make_loss(Loss(name=name), drawn.SCHEME, "age")(logits, torch.tensor([[0.0, 0.6, 0.4], [0.0, 1.0, 0.0]])).backward()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()
