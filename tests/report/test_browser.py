"""The page as people see it: in chromium, on three screens, in light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from maskfold.report.appendix import Appendix
from maskfold.report.mistakes import Mistakes
from maskfold.report.page import render
from maskfold.report.publication import packed_faces
from maskfold.storage import open_workspace
from tests.faces.test_figures import drawn
from tests.report import browser
from tests.report.browser import Tab
from tests.report.test_page import FACES, SUBMISSION

SCREENS = [(width, scheme) for width in (390, 820, 1440) for scheme in ("light", "dark")]
WIDER = """[...document.querySelectorAll('body *')].filter(one => {
    if (one.closest('thead') && innerWidth < 960) return false;  // hidden: each cell has its label then
    const shown = one.getClientRects().length, edge = document.documentElement.clientWidth + 0.5;
    return shown && one.getBoundingClientRect().right > edge;
}).map(one => one.outerHTML.slice(0, 90))"""
"""Elements that reach beyond the screen."""
CUT = """[...document.querySelectorAll('body *')].filter(one =>
    one.scrollWidth > one.clientWidth + 1 && one.clientWidth && getComputedStyle(one).overflowX !== 'visible'
    && !one.closest('thead')
).map(one => one.outerHTML.slice(0, 90))"""
"""Elements of which a part can only be seen by scrolling them."""
UNNAMED = "[...document.images].filter(one => !one.alt.trim()).map(one => one.outerHTML.slice(0, 90))"
BROKEN = "[...document.images].filter(one => !one.complete || !one.naturalWidth).map(one => one.alt)"
SMALL = """[...document.querySelectorAll('picture img, img.diagram')].filter(one => one.clientWidth).map(one =>
    // Drawn at 150 pixels an inch, with letters of 7.5 points; a point is 1/72 of an inch.
    [one.alt.slice(0, 40), 7.5 / 72 * 150 * one.clientWidth / one.naturalWidth]
).filter(([_, size]) => size < 7.5)"""
"""Figures in which letters are too small to be read, in CSS pixels."""
TWO_FRAMES = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))"
GROUND = "getComputedStyle(document.body).backgroundColor"


@pytest.fixture(scope="module")
def tab(finished_run, pictures, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    """A browser that shows the page of a run with sheets of photographs, all of it unfolded."""
    if browser.find() is None:
        pytest.skip("no chromium; on Debian: apt-get install chromium")
    folder = tmp_path_factory.mktemp("browser")
    workspace = open_workspace(finished_run.spec.workspace)
    Image.new("RGB", (1608, 300), "teal").save(folder / "sample.png")
    sheet = workspace.publish(folder / "sample.png", "train_fold/k/sample.png")
    drawn(folder, ["detected"] * 60 + ["fallback"] * 5, outlier=2)
    names = [f"{name}.png" for name in ("fallbacks", "outliers", "sample", "boxes")]
    figures = tuple(workspace.publish(folder / name, f"crop/k/{name}") for name in names)
    cropped = finished_run.spec.cropped.model_copy(update={"figures": figures})
    trained = (finished_run.spec.trained[0].model_copy(update={"samples": sheet}), *finished_run.spec.trained[1:])
    spec = finished_run.spec.model_copy(update={"cropped": cropped, "trained": trained})
    page = folder / "report.html"
    content = render(
        spec, finished_run.combination, pictures, SUBMISSION, FACES, 3.2, Appendix.of(spec, workspace.fetch),
        Mistakes.of(finished_run.combination, packed_faces(spec, workspace)),
    )  # fmt: skip
    page.write_text(content, encoding="utf-8")
    with browser.browser(folder) as opened:
        opened.open(page.as_uri())
        opened.value("document.querySelectorAll('details').forEach(one => one.open = true)")
        yield opened


@pytest.mark.slow
@pytest.mark.parametrize(("width", "scheme"), SCREENS, ids=[f"{width} {scheme}" for width, scheme in SCREENS])
def test_nothing_is_cut_off_illegible_or_unnamed(tab: Tab, width: int, scheme: str) -> None:
    tab.show(width, 900, scheme)
    # The pictures for the new screen are chosen, decoded, and laid out.
    tab.value(TWO_FRAMES)
    tab.wait(lambda: tab.value("[...document.images].every(one => one.complete)"), "pictures do not load")
    tab.value(TWO_FRAMES)
    assert tab.value("innerWidth") == width
    assert tab.value("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    assert tab.value(WIDER) == []
    assert tab.value(CUT) == []
    assert tab.value(UNNAMED) == []
    assert tab.value(BROKEN) == []
    assert tab.value(SMALL) == []
    dark = scheme == "dark"
    assert tab.value(GROUND) == ("rgb(15, 19, 24)" if dark else "rgb(243, 245, 248)")
    shown = tab.value("document.querySelector('#scores img').currentSrc")
    kinds = tab.value("[...document.querySelectorAll('#scores source')].map(one => one.srcset)")
    light = tab.value("document.querySelector('#scores img').src")
    narrow_dark, narrow_light, wide_dark = kinds
    expected = (narrow_dark if dark else narrow_light) if width == 390 else (wide_dark if dark else light)
    assert shown == expected


@pytest.mark.slow
def test_the_measures_see_what_they_look_for(tab: Tab) -> None:
    """A page that is wrong in each way, so that the test above can fail."""
    tab.show(390, 900, "light")
    tab.value("""document.querySelector('main').insertAdjacentHTML('afterbegin', `<div id="wrong">
        <p style="width: 500px; overflow-x: visible">wide</p>
        <div class="scroll"><table><tr><td style="min-width: 900px">cut</td></tr></table></div>
        <img alt="" src="data:image/png;base64,"><picture><img alt="small" style="width: 40px"></picture></div>`)""")
    try:
        source = tab.value("document.querySelector('#scores img').src")
        tab.value(f"document.querySelector('#wrong picture img').src = {source!r}")
        tab.value("document.querySelector('#wrong picture img').decode()")
        assert tab.value("document.documentElement.scrollWidth") > 390
        assert any("wide" in one for one in tab.value(WIDER))
        assert any("cut" in one for one in tab.value(CUT))
        assert len(tab.value(UNNAMED)) == 1
        assert "" in tab.value(BROKEN)
        assert [name for name, _ in tab.value(SMALL)] == ["small"]
    finally:
        tab.value("document.querySelector('#wrong').remove()")


@pytest.mark.slow
def test_the_link_saves_the_submission(tab: Tab, tmp_path: Path) -> None:
    """Where the page lies alone, as in a mail."""
    tab.ask("Page.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    tab.value("document.querySelector('a[download]').click()")
    saved = tmp_path / "submission.csv"
    tab.wait(saved.is_file, "the submission is not saved")
    assert saved.read_bytes() == SUBMISSION.content
