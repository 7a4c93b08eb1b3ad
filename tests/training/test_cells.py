import numpy as np

from maskfold.labels import N_CLASSES, decode
from maskfold.training.cells import attributes_of, cells_of

EVERYTHING = np.array(
    [(mask, gender, group) for mask in range(-1, 3) for gender in range(-1, 2) for group in range(-1, 3)]
)


def test_every_combination_has_a_number_of_its_own_and_is_found_again():
    cells = cells_of(*EVERYTHING.T)
    assert len(set(cells.tolist())) == len(EVERYTHING) == 4 * 3 * 4
    found = attributes_of(cells)
    assert np.array_equal(np.stack([found["mask"], found["gender"], found["age"]], axis=1), EVERYTHING)


def test_known_ones_are_joint_classes_and_all_others_negative():
    cells = cells_of(*EVERYTHING.T)
    whole = (EVERYTHING >= 0).all(axis=1)
    assert cells[whole].tolist() == list(range(N_CLASSES))
    assert (cells[~whole] < 0).all()
    assert cells_of([-1], [-1], [-1]).tolist() == [-1]
    known = np.arange(N_CLASSES)
    assert {name: values.tolist() for name, values in attributes_of(known).items()} == {
        name: values.tolist() for name, values in decode(known).items()
    }


def test_none_at_all():
    assert cells_of([], [], []).shape == (0,)
