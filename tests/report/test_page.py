from __future__ import annotations

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser
from urllib.parse import unquote_to_bytes

import pytest
from PIL import Image

from maskfold.dataset.quarantine import Entry
from maskfold.recipe import load_recipe
from maskfold.report.appendix import Appendix
from maskfold.report.figures import run_figures
from maskfold.report.mistakes import Mistakes
from maskfold.report.numbers import percent, span
from maskfold.report.page import Submission, render
from maskfold.report.picture import Picture, draw
from maskfold.report.publication import packed_faces
from maskfold.specs import FaceShares, File
from maskfold.storage import open_workspace
from tests.ensemble.synthetic import ONE, THREE, World, recipe_of, run_of

SUBMISSION = Submission(
    File(path="ensemble/k/submission.csv", sha256="ab" * 32, size=99),
    "s3://b/ensemble/k/submission.csv",
    "s3://b/latest",
    "s3://b/best",
    b'ImageID,ans\na "quoted" <name>&.jpg,3\n',
)


FACES = [FaceShares(group="train, mask wear", images=120, detected=110, retried=9, fallback=1, unreadable=0)]


class Outline(HTMLParser):
    """The parts of a page that the tests check."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "img", "source", "link", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data) -> None:
        self.texts.setdefault(self.open[-1] if self.open else "", []).append(data)

    def attributes(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def page(finished_run, pictures: list[Picture]) -> str:
    faces = packed_faces(finished_run.spec, open_workspace(finished_run.spec.workspace))
    mistakes = Mistakes.of(finished_run.combination, faces)
    return render(*finished_run, pictures, SUBMISSION, FACES, seconds=3.2, mistakes=mistakes)


def test_the_page_is_well_formed_and_needs_nothing_else(page: str) -> None:
    outline = Outline(page)
    assert outline.open == []
    assert page.startswith("<!doctype html>")
    assert not {tag for tag, _ in outline.tags} & {"script", "link", "iframe"}
    sources = [
        one.get("src") or one.get("srcset") for one in (*outline.attributes("img"), *outline.attributes("source"))
    ]
    assert all(re.match(r"data:image/(png|jpeg);base64,", source) for source in sources)
    assert not re.search(r"url\(|@import|https?://", page)


def test_every_picture_has_an_alternative_text_a_size_and_twins(page: str, pictures: list[Picture]) -> None:
    outline = Outline(page)
    images, twins = outline.attributes("img"), outline.attributes("source")
    assert all(image["alt"] for image in images)
    charts = [image for image in images if image["src"].startswith("data:image/png")]
    assert sorted(image["alt"] for image in charts) == sorted(picture.figure.alt for picture in pictures)
    assert all(int(image["width"]) > 0 and int(image["height"]) > 0 for image in charts)
    embedded = {base64.b64decode(image["src"].partition(",")[2]) for image in charts}
    assert embedded == {picture.light.read_bytes() for picture in pictures}
    others = {one.read_bytes() for each in pictures for one in (each.dark, each.narrow_dark, each.narrow_light)}
    assert {base64.b64decode(one["srcset"].partition(",")[2]) for one in twins} == others


def test_links_inside_the_page_lead_somewhere(page: str) -> None:
    outline = Outline(page)
    ids = [attributes["id"] for _, attributes in outline.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = {link["href"] for link in outline.attributes("a")}
    assert {target[1:] for target in targets if target.startswith("#")} <= set(ids)
    (link,) = [one for one in outline.attributes("a") if "download" in one]
    kind, _, content = link["href"].partition(",")
    assert kind == "data:text/csv;charset=utf-8"
    assert unquote_to_bytes(content) == SUBMISSION.content
    assert link["download"] == "submission.csv"
    assert "".join(outline.texts["textarea"]).lstrip("\n").encode() == SUBMISSION.content


def test_a_long_submission_is_embedded_once(finished_run) -> None:
    """Where rows are many, a list of them beside the link would double the page."""
    rows = "".join(f"{number:040x}.jpg,{number % 18}\n" for number in range(12_600))
    long = replace(SUBMISSION, content=f"ImageID,ans\n{rows}".encode())
    page = render(*finished_run, [], long, FACES, seconds=1)
    assert "textarea" not in Outline(page).texts
    assert len(page) < 1.2 * len(long.content)


def test_the_page_says_what_was_scored_and_handed_in(page: str, finished_run) -> None:
    scores = finished_run.combination.vote.scores
    assert f"<b>{scores.macro_f1:.3f}</b>" in page
    found = finished_run.combination.scores["vote"]
    between = span(found.macro_f1_low, found.macro_f1_high)
    assert f"macro-F1 {scores.macro_f1:.3f} ({between})</title>" in page
    assert f"<small>({between})</small> out-of-fold</h1>" in page
    assert f"<span>{between}</span>" in page
    (row,) = re.findall(r'<tr class="vote">(.*?)</tr>', page, re.DOTALL)
    assert f"{scores.macro_f1:.3f}" in row
    assert percent(scores.attributes["age"]["accuracy"]) in row
    for fact in (
        SUBMISSION.uri,
        SUBMISSION.latest,
        "ab" * 32,
        "252 used, 2 left out",
        "2.1 % of the training",
        "cannot be",
    ):
        assert fact in page, fact


def test_the_recipe_on_the_page_can_be_run_again(page: str, finished_run, tmp_path) -> None:
    outline = Outline(page)
    path = tmp_path / "recipe.yaml"
    path.write_text("".join(outline.texts["pre"]), encoding="utf-8")
    assert load_recipe(path) == finished_run.spec.recipe


def test_names_from_the_data_are_escaped(finished_run, pictures: list[Picture]) -> None:
    prepared = finished_run.spec.prepared.model_copy(update={"warnings": ("<script>alert(1)</script>",)})
    spec = finished_run.spec.model_copy(update={"prepared": prepared, "data": "/data/<b>&"})
    page = render(spec, finished_run.combination, pictures, SUBMISSION, FACES, seconds=1)
    assert "<script>" not in page
    assert "/data/&lt;b&gt;&amp;" in page


def test_external_images_are_counted_where_there_are_any(page: str, finished_run, pictures: list[Picture]) -> None:
    assert "External images" not in page
    prepared = finished_run.spec.prepared.model_copy(update={"n_external": 1234, "n_external_left_out": 5})
    spec = finished_run.spec.model_copy(update={"prepared": prepared})
    assert "1,234 used, 5 left out" in render(spec, finished_run.combination, pictures, SUBMISSION, FACES, seconds=1)


def test_folds_are_called_person_disjoint_only_where_persons_are_known(
    page: str, finished_run, pictures: list[Picture]
) -> None:
    assert "person-disjoint folds" in page
    prepared = finished_run.spec.prepared.model_copy(update={"n_people": finished_run.spec.prepared.n_train})
    spec = finished_run.spec.model_copy(update={"prepared": prepared})
    assert "person-disjoint" not in render(spec, finished_run.combination, pictures, SUBMISSION, FACES, seconds=1)


def test_the_page_says_what_the_attributes_are(page: str) -> None:
    assert "<dt>Attribute mask</dt><dd>of a photograph: wear, incorrect, not worn</dd>" in page
    assert "<dt>Attribute age</dt><dd>of a person: groups with bounds at 30 and 60 years</dd>" in page


def test_the_page_of_any_scheme(tmp_path) -> None:
    made, combination = run_of(World(recipe=recipe_of(THREE), n_people=60), tmp_path)
    figures = [one for one in run_figures(made.recipe, combination, made.trained) if one.name == "stature_groups"]
    page = render(made, combination, draw(figures, tmp_path, lambda *_: None), SUBMISSION, FACES, seconds=1)
    outline = Outline(page)
    assert outline.open == []
    (row,) = re.findall(r'<tr class="vote">(.*?)</tr>', page, re.DOTALL)
    assert row.count("<td ") == 3 + 3 * 2
    assert [one["id"] for one in outline.attributes("figure")] == ["stature_groups"]
    assert "groups with bounds at 1.5, 1.65 and 1.8 m; training labels at 1.5, 1.6 and 1.8" in page
    for word in ("gender", "age group", "18 classes", "info.csv"):
        assert word not in page


def test_the_page_without_evaluation_images_and_with_one_attribute(tmp_path) -> None:
    made, combination = run_of(World(recipe=recipe_of(ONE), n_people=30, n_eval=0), tmp_path)
    page = render(made, combination, [], None, [], seconds=1)
    assert Outline(page).open == []
    assert "no evaluation images, so there is no submission" in page
    assert "submission.csv" not in page
    assert "<dt>Evaluation images</dt><dd>none</dd>" in page
    (row,) = re.findall(r'<tr class="vote">(.*?)</tr>', page, re.DOTALL)
    assert row.count("<td ") == 3


def test_what_the_jobs_before_left_is_shown(tmp_path) -> None:
    left_out = [
        Entry("train", f"train/images/p{n}/mask1.jpg", f"p{n}", "unreadable", "<truncated>", 1) for n in range(60)
    ]
    made, combination = run_of(World(left_out=left_out), tmp_path)
    workspace = open_workspace(str(tmp_path / "workspace"))
    sizes = {"fallbacks": (600, 400), "samples": (40, 30)}
    for name, size in sizes.items():
        Image.new("RGB", size, "red").save(tmp_path / f"{name}.png")
    sheet, sample = (workspace.publish(tmp_path / f"{name}.png", f"crop/k/{name}.png") for name in sizes)
    cropped = made.cropped.model_copy(update={"figures": (sheet,), "n_outliers": 3})
    trained = (made.trained[0].model_copy(update={"samples": sample}), *made.trained[1:])
    made = made.model_copy(update={"cropped": cropped, "trained": trained})
    page = render(made, combination, [], SUBMISSION, FACES, 3.2, Appendix.of(made, workspace.fetch))
    outline = Outline(page)
    ids = {one.get("id") for one in outline.attributes("figure")}
    assert {"faces-fallbacks", "samples-joint"} <= ids
    (shown,) = outline.attributes("img")
    assert (shown["width"], shown["height"]) == ("40", "30")
    assert shown["alt"]
    assert shown["src"].startswith("data:image/jpeg")
    assert page.count('<i style="width: ') >= 1  # tiles of the contact sheet
    assert "3 training photographs with the face in another place" in page
    assert "the first 50 of 60" in page
    assert "train, mask wear" in page
    assert "0.83 %" in page
    assert page.count("&lt;truncated&gt;") == 50
