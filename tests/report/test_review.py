"""The page on which a person decides about suspects: in chromium, by key and by touch."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from maskfold.audit.evidence import Evidence
from maskfold.audit.findings import find_suspects
from maskfold.audit.suspect import Change, Suspect
from maskfold.audit.writing import rows_of, write_corrections
from maskfold.dataset import prepare
from maskfold.dataset.correction_form import CorrectionForm, form_for
from maskfold.recipe import Dataset, Folds, load_recipe
from maskfold.report.review import review_page
from maskfold.specs import AuditSpec, EnsembleSpec
from tests.dataset.builder import DataSet
from tests.report import browser
from tests.report.browser import Tab
from tests.report.test_browser import BROKEN, TWO_FRAMES, UNNAMED, WIDER

FOLDS = Folds(k=2)
RECIPE = load_recipe("smoke")
SWAPPED, FLIPPED = "000003_female_Asian_20", "000005_female_Asian_65"


@dataclass(frozen=True)
class Page:
    """A page, and what it was made from."""

    root: Path
    evidence: Evidence
    found: list[Suspect]
    form: CorrectionForm
    said: list[Mapping[str, Any] | None]
    html: str


def faces(image: str) -> np.ndarray:
    shade = sum(image.encode()) % 200
    return np.full((40, 30, 3), shade, dtype=np.uint8)


def page_of(
    root: Path,
    found: Callable[[Evidence], list[Suspect]] = find_suspects,
    version: str = "d1",
    given: Path | None = None,
) -> Page:
    """Audit a data set by networks that know the truth: one gender is wrong, and two photographs are swapped."""
    prepared = prepare(
        root, Dataset(reader="competition", corrections=given and str(given)), RECIPE.scheme, FOLDS, given
    )
    scheme, train = RECIPE.scheme, prepared.manifest[prepared.manifest["part"] == "train"]
    labels = scheme.labels(train)
    true = labels.copy()
    true[(train["person"] == FLIPPED).to_numpy(), 1] = 0
    swapped = (train["person"] == SWAPPED).to_numpy()
    true[swapped & (train["name"] == "incorrect_mask").to_numpy(), 0] = 2
    true[swapped & (train["name"] == "normal").to_numpy(), 0] = 1
    joint = scheme.product(
        {name: _sure(true[:, place], scheme.shape[place]) for place, name in enumerate(scheme.names)}
    )
    oof = pd.DataFrame(joint, columns=[f"p{number}" for number in range(scheme.n_classes)])
    oof = oof.assign(
        image=train["image"].to_numpy(), person=train["person"].to_numpy(), true_class=scheme.encode(labels)
    )
    evidence = Evidence.of(oof, prepared.manifest, scheme)
    suspects = found(evidence)
    form = form_for("competition", scheme, prepared.manifest, [], given, str(given or ""))
    said = [rows_of(one, evidence, form) for one in suspects]
    return Page(root, evidence, suspects, form, said, render(suspects, said, evidence, form, version))


def render(
    found: Sequence[Suspect],
    said: Sequence[Mapping[str, Any] | None],
    evidence: Evidence,
    form: CorrectionForm,
    version: str = "d1",
) -> str:
    vote = EnsembleSpec.model_construct(dataset_version=version, recipe=RECIPE)
    return review_page(AuditSpec.model_construct(vote=vote, run="a <b>run"), found, said, evidence, form, faces)


def _sure(true: np.ndarray, size: int) -> np.ndarray:
    values = np.full((len(true), size), 0.02 / (size - 1))
    values[np.arange(len(true)), true] = 0.98
    return values


def all_kinds(evidence: Evidence) -> list[Suspect]:
    """The two real ones, an age that only a person can say, one that no file can say, and two people alike."""
    person, other = evidence.persons[0], evidence.persons[-1]
    images = [str(evidence.images[row]) for row in evidence.rows_of[person]]
    age = int(evidence.column("age")[0])
    old = tuple(Change(image, "age", age, (age + 1) % 3) for image in images)
    single = Change(images[1], "mask", int(evidence.column("mask")[1]), 2)
    return [
        *find_suspects(evidence),
        Suspect("attribute of a person", person, tuple(images), old, 3.5),
        Suspect("one photograph", person, (images[1],), (single,), 3.0),
        Suspect("duplicate person", person, (images[0], str(evidence.images[-1])), (), 2.5, other=other),
    ]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    folder = tmp_path_factory.mktemp("audited")
    return page_of(DataSet(folder / "data").people(12).evaluation(2).write(), all_kinds)


@pytest.fixture(scope="module")
def browsing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    if browser.find() is None:
        pytest.skip("no chromium; on Debian: apt-get install chromium")
    with browser.browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture
def tab(browsing: Tab, page: Page, tmp_path: Path) -> Tab:
    """The page, as it is opened for the first time."""
    browsing.show(1280, 900, "light")
    browsing.ask("Page.enable")
    browsing.ask("DOM.enable")
    browsing.ask("Page.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    path = tmp_path / "review.html"
    path.write_text(page.html, encoding="utf-8")
    browsing.open(path.as_uri())
    browsing.value("localStorage.clear()")
    browsing.open(path.as_uri())
    return browsing


def press(tab: Tab, *keys: str) -> None:
    for key in keys:
        text = {"text": key} if len(key) == 1 else {}
        tab.ask("Input.dispatchKeyEvent", type="keyDown", key=key, **text)
        tab.ask("Input.dispatchKeyEvent", type="keyUp", key=key)


def touch(tab: Tab, selector: str) -> None:
    """Touch the middle of an element, as a finger does."""
    tab.value(f"document.querySelector({selector!r}).scrollIntoView({{block: 'center'}})")
    tab.value(TWO_FRAMES)
    x, y = tab.value(
        f"(() => {{ const place = document.querySelector({selector!r}).getBoundingClientRect();"
        " return [place.left + place.width / 2, place.top + place.height / 2]; })()"
    )
    tab.ask("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
    tab.ask("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    tab.value(TWO_FRAMES)


def text(tab: Tab, selector: str) -> str:
    return str(tab.value(f"document.querySelector({selector!r}).textContent"))


def states(tab: Tab) -> list[str]:
    return list(tab.value("[...document.querySelectorAll('#list .state')].map(one => one.textContent)"))


def downloaded(tab: Tab, button: str, path: Path) -> Path:
    path.unlink(missing_ok=True)
    tab.value(f"document.querySelector('#{button}').click()")
    tab.wait(path.is_file, f"{path.name} is not saved")
    return path


def give(tab: Tab, path: Path) -> None:
    root = tab.ask("DOM.getDocument")["root"]["nodeId"]
    node = tab.ask("DOM.querySelector", nodeId=root, selector="#import")["nodeId"]
    tab.value("document.querySelector('#message').textContent = ''")
    tab.ask("DOM.setFileInputFiles", nodeId=node, files=[str(path)])
    tab.wait(lambda: text(tab, "#message") != "", "the file is not taken")


@pytest.mark.slow
def test_decisions_by_key_become_corrections_that_a_run_applies(tab: Tab, page: Page, tmp_path: Path) -> None:
    assert {page.found[0].person, page.found[1].person} == {SWAPPED, FLIPPED}
    press(tab, "a", "a", "r")
    assert states(tab)[:3] == ["accepted", "accepted", "rejected"]
    press(tab, "z")
    assert states(tab)[:3] == ["accepted", "accepted", ""]
    assert text(tab, "#title").startswith("3 of 5")
    press(tab, "u", "n")
    press(tab, *"why, ask", "Escape", "ArrowLeft", "k")
    assert text(tab, "#title").startswith("2 of 5")
    assert text(tab, "#said") == "3 of 5 decided"
    path = downloaded(tab, "download", tmp_path / "corrections.csv")
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert rows == [
        {"folder": SWAPPED, "gender": "", "age": "", "swap": "incorrect_mask/normal"},
        {"folder": FLIPPED, "gender": "male", "age": "", "swap": ""},
    ]
    accepted = [one for one in page.said[:2] if one is not None]
    assert path.read_bytes() == write_corrections(accepted, page.form)
    again = prepare(page.root, Dataset(corrections=str(path)), RECIPE.scheme, FOLDS, path)
    assert again.n_corrected == 7 + 2
    assert not [warning for warning in again.warnings if "corrections" in warning]
    corrected = again.manifest[again.manifest["corrected"]].set_index("image")
    assert (corrected.loc[corrected["person"] == FLIPPED, "gender"] == 0).all()
    assert corrected.loc[f"train/images/{SWAPPED}/normal.jpg", "mask"] == 1


@pytest.mark.slow
def test_decisions_by_touch_on_a_telephone(tab: Tab, page: Page, tmp_path: Path) -> None:
    tab.ask("Emulation.setTouchEmulationEnabled", enabled=True)
    try:
        tab.show(390, 780, "dark")
        for button in ("#accept", "#reject", "#undo", "#accept", "#unsure"):
            touch(tab, button)
        # The age is asked for, and nothing is accepted before it is given.
        touch(tab, "#list li:nth-child(3) button")
        touch(tab, "#accept")
        assert states(tab)[:3] == ["accepted", "accepted", "unsure"]
        assert "Type the right age in years" in text(tab, "#message")
        tab.ask("Input.insertText", text="200")
        touch(tab, "#accept")
        assert "must be within" in text(tab, "#message")
        tab.value("document.querySelector('#number').value = ''")
        tab.value("document.querySelector('#number').focus()")
        tab.ask("Input.insertText", text="44")
        touch(tab, "#accept")
        assert states(tab)[:3] == ["accepted"] * 3
        assert tab.value("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
        assert tab.value(WIDER) == []
        rows = downloaded(tab, "download", tmp_path / "corrections.csv").read_text(encoding="utf-8").splitlines()
        assert rows[0] == "folder,gender,age,swap"
        assert f"{page.found[2].person},,44," in rows
        assert len(rows) == 4
    finally:
        tab.ask("Emulation.setTouchEmulationEnabled", enabled=False)


@pytest.mark.slow
def test_the_page_goes_on_where_it_was_left_and_where_a_file_ended(tab: Tab, page: Page, tmp_path: Path) -> None:
    press(tab, "a", "r", "n", *"Bob knows", "Escape")
    here = tab.value("location.href")
    tab.open(here)
    assert states(tab)[:2] == ["accepted", "rejected"]
    assert text(tab, "#title").startswith("3 of 5")
    saved = downloaded(tab, "save", tmp_path / "decisions.json")
    listed = downloaded(tab, "download", tmp_path / "corrections.csv")
    assert "Bob knows" in saved.read_text(encoding="utf-8")
    for path, expected in ((saved, ["accepted", "rejected", ""]), (listed, ["accepted", "", ""])):
        tab.value("localStorage.clear()")
        tab.open(here)
        assert states(tab)[:2] == ["", ""]
        give(tab, path)
        assert states(tab)[:3] == expected
        assert downloaded(tab, "download", tmp_path / "corrections.csv").read_bytes() == listed.read_bytes()


@pytest.mark.slow
def test_files_that_do_not_belong_to_the_page_change_nothing(tab: Tab, tmp_path: Path) -> None:
    press(tab, "a")
    before = states(tab)
    others = {
        "other.csv": ("folder,gender\nsomebody,male\n", "it seems to belong to another data set"),
        "table.csv": ("path,colour\n1.jpg,red\n", "it has no column folder"),
        "other.json": (
            json.dumps(
                {"maskfold": "decisions of an audit", "data_set": "x", "decisions": [["1", {"decision": "accept"}]]}
            ),
            "decisions about another data set",
        ),
        "broken.json": ("{nothing", "holds no decisions of an audit"),
        "words.txt": ("hello", "it has no column folder"),
    }
    for name, (content, complaint) in others.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
        give(tab, tmp_path / name)
        assert complaint in text(tab, "#message"), name
        assert states(tab) == before
    gone = {"maskfold": "decisions of an audit", "data_set": "d1", "decisions": [["0" * 16, {"decision": "reject"}]]}
    (tmp_path / "gone.json").write_text(json.dumps(gone), encoding="utf-8")
    give(tab, tmp_path / "gone.json")
    assert "1 are about people or photographs that are no suspects here" in text(tab, "#message")
    assert "0000000000000000" in downloaded(tab, "save", tmp_path / "decisions.json").read_text(encoding="utf-8")


@pytest.mark.slow
def test_kinds_and_states_are_filtered_and_what_no_file_can_say_is_said(tab: Tab, tmp_path: Path) -> None:
    tab.value("document.querySelector('#kind').value = 'one photograph'")
    tab.value("document.querySelector('#kind').dispatchEvent(new Event('change'))")
    assert text(tab, "#title").startswith("1 of 1: one photograph")
    assert "cannot say this" in text(tab, "#cannot")
    press(tab, "a")
    tab.value("document.querySelector('#download').click()")
    assert "1 accepted ones cannot be said in it" in text(tab, "#message")
    assert not (tmp_path / "corrections.csv").exists()
    tab.value("document.querySelector('#kind').value = 'all'")
    tab.value("document.querySelector('#state').value = 'open'")
    tab.value("document.querySelector('#state').dispatchEvent(new Event('change'))")
    assert text(tab, "#title").startswith("1 of 4")
    assert text(tab, "#list li:last-child .what").endswith("looks like 000012_male_Asian_20")


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_cut_off_or_unnamed_or_loaded_from_elsewhere(tab: Tab, width: int) -> None:
    tab.show(width, 900, "light")
    tab.value(TWO_FRAMES)
    assert tab.value(WIDER) == []
    assert tab.value(UNNAMED) == []
    assert tab.value(BROKEN) == []
    assert (
        tab.value("performance.getEntriesByType('resource').filter(one => !one.name.startsWith('data:')).length") == 0
    )
    assert tab.value("document.querySelectorAll('#faces li.asked').length") > 0
    assert text(tab, "header p").startswith("a <b>run")
    tab.value("document.body.insertAdjacentHTML('beforeend', '<img onerror=\"window.ran = 2\" src=\"x\">')")
    tab.value("document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.ran = 1'}))")
    tab.value(TWO_FRAMES)
    assert tab.value("window.ran === undefined")


@pytest.mark.slow
def test_a_thousand_suspects_have_the_pictures_of_one_alone(browsing: Tab, page: Page, tmp_path: Path) -> None:
    images = [str(image) for image in page.evidence.images]
    many = [
        Suspect(
            "duplicate person",
            f"person {number}",
            tuple(images[number % 70 : number % 70 + 8]),
            (),
            9 - number / 200,
            other="x",
        )
        for number in range(1100)
    ]
    path = tmp_path / "many.html"
    path.write_text(render(many, [None] * len(many), page.evidence, page.form, "many"), encoding="utf-8")
    browsing.show(1280, 900, "light")
    browsing.open(path.as_uri())
    assert browsing.value("document.querySelectorAll('#list li').length") == 1000
    assert browsing.value("document.images.length") == 8
    assert "100 less certain ones are only in suspects.csv" in text(browsing, "header p")
    press(browsing, *"ru" * 20)
    assert text(browsing, "#said") == "40 of 1000 decided"
    assert browsing.value("document.images.length") == 8
