"""What ``maskfold check`` and the job report and reject."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from maskfold.dataset import check, prepare, render
from maskfold.dataset.quarantine import Entry, quarantine_table, refusal
from maskfold.dataset.summary import DatasetReport
from maskfold.errors import DatasetError
from maskfold.recipe import Dataset, Folds, Recipe, load_recipe
from maskfold.scheme import Attribute, Scheme
from tests.dataset.builder import MASK, DataSet, scheme

FOLDS = Folds(k=2)


def shown(report: DatasetReport, width: int = 120) -> str:
    stream = io.StringIO()
    render(report, Console(file=stream, width=width))
    return stream.getvalue()


def recipe(**dataset: object) -> Recipe:
    return load_recipe("smoke").model_copy(update={"dataset": Dataset(**dataset), "folds": FOLDS})  # type: ignore[arg-type]


def test_report_of_a_valid_data_set(data: DataSet) -> None:
    report = check(data.write(), recipe())
    assert (report.n_people, report.n_train, report.n_eval, report.refusal) == (12, 84, 3, None)
    assert report.warnings == ()
    assert report.people == {(gender, age): 2 for gender in range(2) for age in range(3)}
    assert report.class_counts == (10,) * 6 + (2,) * 12
    assert report.numbers == {"age": (20, 40, 65)}
    assert report.sizes == (((24, 32), 87),)
    text = shown(report)
    assert "A run would accept this data set." in text
    assert "incorrect │ female │ >=60" in text
    assert "24 x 32 (87)" in text
    assert "20 to 65, median 40 (years)" in text
    assert "People by gender and age" in text


def test_above_the_limit_a_run_rejects_and_check_reports_it(data: DataSet) -> None:
    for number in range(12):
        data.row(f"00090{number % 10}_male_Asian_{20 + number}")
    root = data.write()
    report = check(root, recipe())
    assert report.n_left_out == 84
    assert report.share_left_out == pytest.approx(0.5)
    assert report.refusal is not None
    text = shown(report)
    assert "A run would reject this data set: 84 of 168 training photographs (50.0%) cannot be used" in text
    with pytest.raises(DatasetError) as error:
        prepare(root, Dataset(), MASK, FOLDS)
    message = str(error.value)
    assert "dataset.max_quarantined allows 1.0%" in message
    assert message.count("there is no such folder") == 10
    assert "and 2 more" in message
    accepted = prepare(root, Dataset(max_quarantined=0.5), MASK, FOLDS)
    assert accepted.n_quarantined == 84
    assert "left out of training: 84 photographs (50.00%): a row without a folder (84)" in accepted.warnings[0]


def test_nothing_usable_is_rejected_at_any_limit(tmp_path: Path) -> None:
    data = DataSet(tmp_path / "data").evaluation()
    data.row("000001_male_Asian_20")
    root = data.write()
    with pytest.raises(DatasetError, match="none of 7 training photographs can be used"):
        prepare(root, Dataset(max_quarantined=1), MASK, FOLDS)
    assert "none of 7" in shown(check(root, recipe(max_quarantined=1)))


def test_too_few_people_for_the_folds(data: DataSet) -> None:
    root = data.write()
    with pytest.raises(DatasetError, match=r"folds\.k is 13, but the data set has only 12 usable people"):
        prepare(root, Dataset(), MASK, Folds(k=13))
    many = recipe().model_copy(update={"folds": Folds(k=13)})
    assert "fewer than folds.k = 13" in (check(root, many).refusal or "")


def test_the_limit_is_inclusive() -> None:
    entries = [Entry("train", "x", "", "missing", "gone", 1)]
    assert refusal(entries, 99, 0.01) is None
    assert refusal(entries, 98, 0.01) is not None
    assert refusal([], 1, 0.0) is None


def test_warnings(data: DataSet) -> None:
    data.person("ann", gender="female", age="12")
    (data.eval_images / data.image_ids[0]).unlink()
    (data.eval_images / "stray.jpg").write_bytes(b"")
    corrections = data.root / "corrections.csv"
    corrections.write_text("folder,gender,age,swap\nstranger,male,,\nann,female,,\n")
    root = data.write()
    prepared = prepare(root, Dataset(corrections=str(corrections)), MASK, Folds(k=3))
    text = "\n".join(prepared.warnings)
    assert prepared.n_eval_unreadable == 1
    assert "1 of 3 evaluation images cannot be read; they get the prior" in text
    assert "1 files in eval/images are ignored because info.csv does not list them: eval/images/stray.jpg" in text
    assert "1 of 2 rows match no person of this data set: stranger" in text
    assert "no label changed for 1 of 1 people" in text
    assert "only 2 people are male and <30: fewer than 3 folds" in text
    lonely = prepare(root, Dataset(), scheme(age=[30, 70]), FOLDS)
    assert "6 of 18 classes have no training photograph" in "\n".join(lonely.warnings)


def test_agreed_corrections_are_for_one_data_set_only(data: DataSet) -> None:
    """The id 000020 is in this data set too, but is another person: nothing is swapped, and no warning appears."""
    data.person("000020_male_Mixed_52")
    prepared = prepare(data.write(), Dataset(corrections="agreed"), MASK, FOLDS)
    assert prepared.n_corrected == 0
    assert not any("agreed" in warning for warning in prepared.warnings)
    assert "agreed: 0 of 11 rows apply" in shown(check(data.root, recipe(corrections="agreed")))


def test_agreed_corrections_are_applied(data: DataSet) -> None:
    data.person("000020_female_Asian_50")
    data.person("006359_female_Asian_18")
    prepared = prepare(data.write(), Dataset(corrections="agreed"), MASK, FOLDS)
    assert prepared.n_corrected == 2 + 7
    manifest = prepared.manifest.set_index(["person", "name"])
    assert manifest.loc[("000020_female_Asian_50", "normal"), "mask"] == 1
    assert set(manifest.loc["006359_female_Asian_18", "gender"]) == {0}


def test_names_cannot_inject_markup_or_control_characters(data: DataSet) -> None:
    (data.images / "[red]x\x1b[2J").mkdir()
    text = shown(check(data.write(), recipe()), width=200)
    assert "\x1b" not in text
    assert "[red]x\\x1b[2J" in text


def test_long_lists_are_cut(data: DataSet) -> None:
    for number in range(60):
        (data.images / f"stray-{number:02d}.txt").touch()
    text = shown(check(data.write(), recipe()))
    assert "the first 50 of 60" in text
    assert "stray-49.txt" in text
    assert "stray-50.txt" not in text


def test_quarantine_table_keeps_its_columns_when_empty() -> None:
    assert list(quarantine_table([]).columns) == ["part", "where", "person", "kind", "reason", "left_out"]


def test_real_photographs_hold_no_surprise(real_data: Path) -> None:
    report = check(real_data, load_recipe("fast", ["labels.age_bounds=[45,60]"]))
    assert (report.n_people, report.n_train, report.n_eval) == (400, 2800, 1050)
    assert report.entries == ()
    assert report.warnings == ()
    assert min(report.class_counts) == 20


def test_the_competitions_layout_states_its_own_attributes_alone(data: DataSet) -> None:
    root = data.write()
    some = MASK.model_copy(update={"attributes": MASK.of("person")})
    prepared = prepare(root, Dataset(), Scheme.model_validate(some.model_dump()), FOLDS)
    assert prepared.class_counts == (14,) * 6
    assert "mask" not in prepared.manifest
    hair = Scheme(attributes=(Attribute(name="hair", values=("dark", "fair")),))
    with pytest.raises(
        DatasetError, match=r"states mask, gender, age; for the scheme's attribute hair it states nothing"
    ):
        prepare(root, Dataset(), hair, FOLDS)
    other = Scheme(attributes=(Attribute(name="gender", values=("female", "male")),))
    with pytest.raises(DatasetError, match=r"attribute gender it states male \| female"):
        prepare(root, Dataset(), other, FOLDS)
