from itertools import product

from maskfold.training.randomness import Position, Purpose


def test_every_place_and_purpose_has_its_own_draws():
    places = [Position(seed, fold, epoch, step) for seed, fold, epoch, step in product(range(3), repeat=4)]
    seeds = {place.torch_seed(purpose) for place in places for purpose in Purpose}
    firsts = {place.draws(purpose).random() for place in places for purpose in Purpose}
    assert len(seeds) == len(firsts) == len(places) * len(Purpose)


def test_a_place_always_draws_the_same():
    place = Position(7, 1).at(3, 5)
    assert place == Position(7, 1, 3, 5)
    assert place.draws(Purpose.ORDER).random() == place.draws(Purpose.ORDER).random()
    assert place.torch_seed(Purpose.NETWORK) == Position(7, 1, 3, 5).torch_seed(Purpose.NETWORK)
