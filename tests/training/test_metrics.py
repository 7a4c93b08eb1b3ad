import math

import numpy as np
import pytest

from maskfold.training.metrics import score


def test_scores_equal_their_definitions():
    classes = np.array([0, 0, 1, 1, 2])
    probabilities = np.array(
        [[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.1, 0.8, 0.1], [0.3, 0.6, 0.1], [0.5, 0.3, 0.2]], dtype=np.float32
    )
    found = score(classes, probabilities)
    # Answers 0 1 1 1 0: class 0 has 1 hit of 2 answers and 2 truths, class 1 has 2 of 3 and 2, class 2 none.
    assert found.macro_f1 == pytest.approx((0.5 + 0.8 + 0.0) / 3)
    assert found.accuracy == pytest.approx(0.6)
    assert found.loss == pytest.approx(-sum(map(math.log, (0.8, 0.2, 0.8, 0.6, 0.2))) / 5, rel=1e-5)


def test_a_class_that_never_occurs_counts_zero_and_is_not_dropped():
    assert score(np.array([0, 1]), np.eye(4, dtype=np.float32)[:2]).macro_f1 == pytest.approx(0.5)


def test_a_certain_wrong_answer_has_a_finite_loss():
    assert math.isfinite(score(np.array([0]), np.array([[0.0, 1.0]], dtype=np.float32)).loss)
