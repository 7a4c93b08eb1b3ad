"""Who is suspected, of what, and how surely."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from maskfold.audit.evidence import Evidence
from maskfold.audit.findings import find_suspects, kinds, row_of, suspect_table
from maskfold.audit.people import FARTHEST
from maskfold.audit.suspect import LISTED, SURE, Suspect, ranked
from maskfold.audit.swaps import assign
from maskfold.errors import CorruptDataError
from maskfold.scheme import Scheme
from tests.audit.drawn import MASK, Crowd, table_of

HATS = Scheme.model_validate(
    {
        "attributes": [
            {"name": "hat", "values": ["none", "cap", "helmet"]},
            {"name": "hair", "of": "person", "values": ["dark", "fair"]},
        ]
    }
)


def of_hats(hat: list[float], fair: float = 0.5) -> list[float]:
    return [p * q for p in hat for q in (1 - fair, fair)]


def test_errors_like_those_of_the_competition_are_among_the_first_twenty() -> None:
    """Six neighbours of the wrong gender, two more of it, three with swapped photographs.

    Of 66 in six crowds one may be missed: of a few people the networks do not know the gender themselves.
    """
    missed = []
    for seed in range(6):
        crowd = Crowd(seed=seed)
        planted = [("attribute of a person", one) for one in (*crowd.wrong_gender(6, 100), *crowd.wrong_gender(2, 250))]
        planted += [("swapped photographs", one) for one in crowd.swapped(3, 20)]
        found = [(one.kind, one.person) for one in find_suspects(crowd.evidence)[:20]]
        missed += [one for one in planted if one not in found]
        assert {kind for kind, _ in found[:11]} == {"attribute of a person", "swapped photographs"}
    assert len(missed) <= 1


@pytest.mark.parametrize("seed", range(3))
def test_of_clean_labels_at_most_one_in_a_hundred_is_called_sure(seed: int) -> None:
    crowd = Crowd(seed=seed)
    sure = {one.person for one in find_suspects(crowd.evidence) if one.grade == "sure"}
    assert len(sure) <= len(crowd.people) / 100


def test_what_networks_do_not_know_is_only_hinted_at() -> None:
    """Young against old, where half of the answers are wrong."""
    found = [one for one in find_suspects(Crowd(age=0.4).evidence) if one.changes[0].attribute == "age"]
    assert 0 < len(found) <= FARTHEST
    assert {one.grade for one in found} == {"weak"}
    assert all(abs(one.changes[0].label - one.changes[0].suggestion) == 2 for one in found)


def test_one_bad_photograph_does_not_outvote_the_others() -> None:
    cap = [0.02, 0.96, 0.02]
    people = {
        "all against": [({"hat": 1, "hair": 0}, of_hats(cap, 0.95))] * 3,
        "one against": [({"hat": 1, "hair": 0}, of_hats(cap, fair)) for fair in (1 - 1e-12, 0.2, 0.2, 0.2, 0.2, 0.2)],
        **{f"other {n}": [({"hat": 1, "hair": n % 2}, of_hats(cap, 0.1 + 0.8 * (n % 2)))] * 3 for n in range(8)},
    }
    [one] = find_suspects(table_of(HATS, people))
    assert (one.kind, one.person, one.grade) == ("attribute of a person", "all against", "sure")
    assert one.certainty == pytest.approx(2 * np.log(19))
    assert {(change.label, change.suggestion) for change in one.changes} == {(0, 1)}
    assert len(one.changes) == 3


def test_swaps_are_the_best_assignment_of_the_labels_that_a_person_has() -> None:
    """Beside all permutations."""
    random = np.random.default_rng(0)
    for _ in range(50):
        logs = np.log(random.dirichlet(np.ones(3), size=5))
        codes = random.integers(0, 3, size=5)
        best = max(
            sum(logs[row, label] for row, label in enumerate(labels)) for labels in itertools.permutations(codes)
        )
        new = assign(logs, codes)
        assert sorted(new) == sorted(codes)
        assert logs[np.arange(5), new].sum() == pytest.approx(best)


def test_three_photographs_in_a_ring_are_one_suspect_and_a_pair_is_another() -> None:
    def seen(number: int) -> list[float]:
        return of_hats([0.98 if place == number else 0.01 for place in range(3)])

    ring = [({"hat": label, "hair": 0}, seen(true)) for label, true in ((0, 1), (1, 2), (2, 0))]
    pair = [({"hat": label, "hair": 0}, seen(true)) for label, true in ((0, 1), (1, 0), (2, 2))]
    found = find_suspects(table_of(HATS, {"ring": ring, "pair": pair}))
    assert [(one.kind, one.person, len(one.images)) for one in found] == [
        ("swapped photographs", "ring", 3),
        ("swapped photographs", "pair", 2),
    ]
    assert found[0].certainty == pytest.approx(3 * np.log(98))
    changes = {(one.image, one.label, one.suggestion) for one in found[1].changes}
    assert changes == {("pair/0.jpg", 0, 1), ("pair/1.jpg", 1, 0)}


def test_single_photographs_are_ranked_by_the_doubt_of_their_label() -> None:
    """Where people have different labels, one can be wrong alone."""
    people = {
        f"person {n}": [({"hat": n % 3, "hair": 0}, of_hats([0.96 if place == n % 3 else 0.02 for place in range(3)]))]
        for n in range(30)
    }
    people["bold"] = [({"hat": 0, "hair": 0}, of_hats([0.001, 0.998, 0.001]))]
    people["torn"] = [({"hat": 0, "hair": 0}, of_hats([0.1, 0.46, 0.44]))]
    found = [one for one in find_suspects(table_of(HATS, people)) if one.kind == "one photograph"]
    assert [(one.person, one.grade, one.changes[0].suggestion) for one in found] == [
        ("bold", "sure", 1),
        ("torn", "likely", 1),
    ]
    assert [one.certainty for one in found] == pytest.approx([-np.log(0.001), -np.log(0.1)])


def test_where_all_people_have_the_same_labels_a_single_one_is_only_a_hint() -> None:
    crowd = Crowd(n_people=40)
    crowd.joint[crowd.people[3]][0] = MASK.product(
        {"mask": np.array([[0.02, 0.02, 0.96]]), "gender": np.full((1, 2), 0.5), "age": np.full((1, 3), 1 / 3)}
    )[0]
    found = [
        one for one in find_suspects(crowd.evidence) if one.person == crowd.people[3] and one.kind == "one photograph"
    ]
    assert [one.grade for one in found] == ["weak"]


def test_the_table_has_the_most_certain_first_and_the_hints_last() -> None:
    crowd = Crowd(seed=1)
    crowd.wrong_gender(4)
    crowd.swapped(2, 50)
    found = find_suspects(crowd.evidence)
    table = suspect_table([row_of(one, MASK) for one in found])
    assert list(table) == ["person", "photographs", "kind", "label", "suggestion", "certainty", "grade"]
    certain = table.loc[table["grade"] != "weak", "certainty"]
    assert certain.is_monotonic_decreasing
    assert (table["grade"] == "weak").is_monotonic_increasing
    assert (certain > LISTED).all()
    assert (table.loc[table["grade"] == "sure", "certainty"] > SURE).all()
    assert sum(kinds(found).values()) == len(table)
    person = table[(table["kind"] == "attribute of a person") & table["person"].isin(crowd.people[:4])].iloc[0]
    assert {person["label"], person["suggestion"]} == {"gender male", "gender female"}
    assert person["photographs"].count(";") == 6
    swap = table[table["kind"] == "swapped photographs"].iloc[0]
    assert swap["label"] == "mask incorrect; mask not worn"
    assert swap["suggestion"] == "mask not worn; mask incorrect"


def test_ids_do_not_depend_on_how_sure_an_audit_is() -> None:
    one = Suspect("duplicate person", "a", ("1.jpg", "2.jpg"), (), 3.0, other="b")
    same = Suspect("duplicate person", "a", ("2.jpg", "1.jpg"), (), 9.0, weak=True, other="b")
    assert one.id == same.id
    assert one.id != Suspect("duplicate person", "a", ("1.jpg", "2.jpg"), (), 3.0, other="c").id
    assert ranked([same, one]) == [one, same]


def test_tables_that_do_not_belong_together_are_refused() -> None:
    crowd = Crowd(n_people=5)
    oof, manifest = crowd.oof, crowd.manifest
    with pytest.raises(
        CorruptDataError, match=r"1 people of the out-of-fold table are not in the data set's table any more: 000001_"
    ):
        Evidence.of(oof, manifest[manifest["person"] != crowd.people[1]], MASK)
    with pytest.raises(CorruptDataError, match="lacks p17"):
        Evidence.of(oof.drop(columns="p17"), manifest, MASK)
    with pytest.raises(CorruptDataError, match="more than 6 classes"):
        Evidence.of(oof, manifest, HATS)
    with pytest.raises(CorruptDataError, match="different people"):
        Evidence.of(oof, manifest.assign(person="somebody"), MASK)
