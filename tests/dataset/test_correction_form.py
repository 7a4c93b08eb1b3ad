"""Corrections that are written down are read back as what they were, for every layout."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from maskfold.audit.writing import write_corrections
from maskfold.dataset import prepare
from maskfold.dataset.correction_form import Cells, CorrectionForm, Relabelled, form_for
from maskfold.dataset.preparation import Prepared
from maskfold.dataset.quarantine import Entry
from maskfold.errors import DatasetError
from maskfold.recipe import Dataset, Folds
from maskfold.scheme import Scheme
from tests.dataset.builder import MASK, DataSet, Table

FOLDS = Folds(k=2)
SCHEME = Scheme.model_validate(
    {
        "attributes": [
            {"name": "hat", "values": ["none", "cap"]},
            {"name": "hair", "of": "person", "values": ["dark", "fair"]},
            {"name": "stature", "of": "person", "bounds": [1.5, 1.7], "unit": "m"},
        ]
    }
)
PERSON = "000003_female_Asian_20"


def written(form: CorrectionForm, accepted: Iterable[Mapping[str, Cells] | None], path: Path) -> Path:
    content = write_corrections([one for one in accepted if one], form)
    assert content is not None
    path.write_bytes(content)
    return path


@pytest.fixture
def competition(tmp_path: Path) -> Path:
    return DataSet(tmp_path / "data").people(12).evaluation(2).write()


def competing(root: Path, corrections: Path | None = None) -> Prepared:
    settings = Dataset(reader="competition", corrections=str(corrections) if corrections else None)
    return prepare(root, settings, MASK, FOLDS, corrections)


def form_of(prepared: Prepared, given: Path | None = None) -> CorrectionForm:
    return form_for("competition", MASK, prepared.manifest, [], given, given.name if given else "")


def test_people_of_the_competition(competition: Path, tmp_path: Path) -> None:
    form = form_of(competing(competition))
    flipped = form.rows(PERSON, [Relabelled(name, "gender", 1, 0) for name in ("mask1", "normal")])
    assert flipped == {PERSON: {"gender": "male"}}
    swap = [Relabelled("normal", "mask", 2, 1), Relabelled("incorrect_mask", "mask", 1, 2)]
    swapped = form.rows(PERSON, swap)
    assert swapped == {PERSON: {"swap": "incorrect_mask/normal"}}
    again = competing(competition, written(form, [flipped, swapped], tmp_path / "mine.csv")).manifest
    person = again[again["person"] == PERSON].set_index("name")
    assert (person["gender"] == 0).all()
    assert (person.loc["normal", "mask"], person.loc["incorrect_mask", "mask"], person.loc["mask2", "mask"]) == (
        1,
        2,
        0,
    )


def test_what_the_competitions_file_cannot_say(competition: Path) -> None:
    form = form_of(competing(competition))
    assert form.rows(PERSON, [Relabelled("mask1", "mask", 0, 2)]) is None
    ring = [
        Relabelled("mask1", "mask", 0, 1),
        Relabelled("incorrect_mask", "mask", 1, 2),
        Relabelled("normal", "mask", 2, 0),
    ]
    assert form.rows(PERSON, ring) is None
    assert form.rows(PERSON, [Relabelled("mask1", "age", 0, 2)]) == {PERSON: {"age": None}}


def test_earlier_corrections_are_kept_and_can_be_taken_back(competition: Path, tmp_path: Path) -> None:
    given = tmp_path / "given.csv"
    given.write_text(f"folder,gender,age,swap\n000001,,31,\n{PERSON},,,normal/incorrect_mask\nformer_male_x_20,,44,\n")
    form = form_of(competing(competition, given), given)
    assert form.earlier == {
        "000001_female_Asian_40": {"age": "31"},
        PERSON: {"swap": "normal/incorrect_mask"},
        "former_male_x_20": {"age": "44"},
    }
    back = form.rows(PERSON, [Relabelled("normal", "mask", 1, 2), Relabelled("incorrect_mask", "mask", 2, 1)])
    assert back == {PERSON: {"swap": ""}}
    assert form.rows(PERSON, [Relabelled("mask1", "mask", 0, 2), Relabelled("normal", "mask", 2, 0)]) is None
    lines = written(form, [back], tmp_path / "mine.csv").read_text().splitlines()
    assert lines == ["folder,gender,age,swap", "000001_female_Asian_40,,31,", "former_male_x_20,,44,"]


def test_of_two_that_contradict_each_other_the_first_counts(competition: Path, tmp_path: Path) -> None:
    form = form_of(competing(competition))
    accepted = [{PERSON: {"gender": "male"}}, {PERSON: {"gender": "female", "age": "30"}}, {PERSON: {"age": "50"}}]
    assert written(form, accepted, tmp_path / "mine.csv").read_text().splitlines()[1] == f"{PERSON},male,50,"
    assert write_corrections([], form) is None


@pytest.fixture
def table(tmp_path: Path) -> Path:
    made = Table(tmp_path / "table")
    lines = []
    for person in range(6):
        for number in range(2):
            made.image(f"{person}/{number}.jpg")
            lines.append(
                f"{person}/{number}.jpg,{person},{'none' if number else 'cap'},{'dark' if person % 2 else 'fair'},1.6"
            )
    return made.write(*lines, header="path,person,hat,hair,stature")


def tabled(root: Path, corrections: Path | None = None) -> Prepared:
    given = str(corrections) if corrections else None
    return prepare(root, Dataset(reader="table", table="faces.csv", corrections=given), SCHEME, FOLDS, corrections)


def test_people_and_photographs_of_a_table(table: Path, tmp_path: Path) -> None:
    form = form_for("table", SCHEME, tabled(table).manifest, [])
    hair = form.rows("0", [Relabelled("0/0.jpg", "hair", 1, 0)])
    swap = form.rows("3", [Relabelled("3/0.jpg", "hat", 1, 0), Relabelled("3/1.jpg", "hat", 0, 1)])
    assert form.rows("3", [Relabelled("3/0.jpg", "stature", 1, 2)]) == {
        "3/0.jpg": {"stature": None},
        "3/1.jpg": {"stature": None},
    }
    path = written(form, [hair, swap], tmp_path / "mine.csv")
    assert path.read_text().splitlines() == [
        "path,hat,hair,stature", "0/0.jpg,,dark,", "0/1.jpg,,dark,", "3/0.jpg,none,,", "3/1.jpg,cap,,",
    ]  # fmt: skip
    again = tabled(table, path)
    assert again.n_corrected == 4
    assert again.n_quarantined == 0
    labels = again.manifest.set_index("name")
    assert (labels.loc["0/0.jpg", "hair"], labels.loc["3/1.jpg", "hat"]) == (0, 1)


def test_photographs_that_cannot_be_used_are_corrected_with_their_person(table: Path) -> None:
    """Else the rows of the person would contradict each other, and all of them would be left out."""
    (table / "0" / "1.jpg").write_bytes(b"no image")
    prepared = prepare(table, Dataset(reader="table", table="faces.csv", max_quarantined=0.5), SCHEME, FOLDS)
    left_out = [Entry(**row) for row in prepared.quarantine.to_dict("records")]
    form = form_for("table", SCHEME, prepared.manifest, left_out)
    assert form.rows("0", [Relabelled("0/0.jpg", "hair", 1, 0)]) == {
        "0/0.jpg": {"hair": "dark"},
        "0/1.jpg": {"hair": "dark"},
    }


@pytest.mark.parametrize(
    "content", ["person,hair,stature\n0,dark,1.45\n", "path,hair,stature\n0/0.jpg,dark,1.45\n0/1.jpg,dark,1.45\n"]
)
def test_earlier_corrections_of_a_table(table: Path, tmp_path: Path, content: str) -> None:
    given = tmp_path / "given.csv"
    given.write_text(content)
    form = form_for("table", SCHEME, tabled(table, given).manifest, [], given, "given.csv")
    expected = {"hair": "dark", "stature": "1.45"}
    assert form.earlier == {"0/0.jpg": expected, "0/1.jpg": expected}


def test_corrections_of_another_data_set_are_refused(table: Path, competition: Path, tmp_path: Path) -> None:
    given = tmp_path / "given.csv"
    given.write_text("person,hair\nsomebody,dark\n")
    with pytest.raises(DatasetError, match="none of its 1 rows is about a person of this data set, such as somebody"):
        tabled(table, given)
    given.write_text("folder,gender,age,swap\nsomebody,male,,\n")
    with pytest.raises(DatasetError, match="these corrections belong to another data set"):
        competing(competition, given)
