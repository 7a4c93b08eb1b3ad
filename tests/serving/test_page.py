"""The page as people use it: in chromium, on a telephone and a desk, in light and dark."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.report import browser
from tests.report.browser import Tab
from tests.report.test_browser import TWO_FRAMES, UNNAMED
from tests.serving.running import RunningServer

pytestmark = [pytest.mark.slow, pytest.mark.servers]
SCREENS = [(width, scheme) for width in (390, 1280) for scheme in ("light", "dark")]
WIDER = """[...document.querySelectorAll('body *')].filter(one =>
    one.getClientRects().length && one.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5
).map(one => one.outerHTML.slice(0, 90))"""
REQUESTS = "performance.getEntriesByType('resource').map(one => one.name)"


@pytest.fixture(scope="module")
def tab(served: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    if browser.find() is None:
        pytest.skip("no chromium; on Debian: apt-get install chromium")
    with browser.browser(tmp_path_factory.mktemp("browser")) as opened:
        opened.ask("DOM.enable")
        yield opened


@pytest.fixture
def sideways(photographs: list[bytes], tmp_path: Path) -> Path:
    """Two people side by side, lying in the file as cameras store photographs."""
    upright = [Image.open(io.BytesIO(content)).convert("RGB").resize((192, 256)) for content in photographs[:2]]
    pair = Image.fromarray(np.concatenate([np.asarray(one) for one in upright], axis=1))
    tags = Image.Exif()
    tags[0x0112] = 6
    path = tmp_path / "two <b>people.jpg"
    pair.transpose(Image.Transpose.ROTATE_90).save(path, exif=tags, quality=95)
    return path


def choose(tab: Tab, *paths: Path) -> None:
    root = tab.ask("DOM.getDocument")["root"]["nodeId"]
    node = tab.ask("DOM.querySelector", nodeId=root, selector="#files")["nodeId"]
    tab.ask("DOM.setFileInputFiles", nodeId=node, files=[str(path) for path in paths])


@pytest.mark.parametrize(("width", "scheme"), SCREENS, ids=[f"{width} {scheme}" for width, scheme in SCREENS])
def test_a_photograph_gets_its_boxes_and_answers(
    tab: Tab, served: RunningServer, sideways: Path, tmp_path: Path, width: int, scheme: str
) -> None:
    tab.show(width, 900, scheme)
    tab.open(served.described["url"] + "/")
    tab.wait(lambda: served.described["key"] in tab.value("document.querySelector('#model').textContent"), "no model")
    (tmp_path / "broken.jpg").write_bytes(b"nothing")
    tab.value("document.querySelector('#all').click()")
    choose(tab, tmp_path / "broken.jpg", sideways)
    tab.wait(lambda: tab.value("document.querySelectorAll('.photograph.done').length") == 2, "no answers")
    tab.value(TWO_FRAMES)
    tab.picture(tmp_path / "page.png")
    assert tab.value("document.querySelector('.photograph h2').textContent") == sideways.name
    assert tab.value("document.querySelectorAll('.photograph b').length") == 2
    assert "not an image" in tab.value("document.querySelector('.photograph:last-child').textContent")
    (reply,) = [served.predict(sideways.read_bytes(), query="?all_faces=true")]
    assert (reply.answers[0]["width"], reply.answers[0]["height"]) == (384, 256)
    image, *boxes = tab.value(
        """[document.querySelector('.picture img'), ...document.querySelectorAll('.picture svg > rect')].map(one => {
            const place = one.getBoundingClientRect();
            return [place.left, place.top, place.right, place.bottom];
        })"""
    )
    scale = (image[2] - image[0]) / 384
    assert (image[3] - image[1]) / scale == pytest.approx(256, abs=2)
    assert len(boxes) == len(reply.answers) == 2
    for box, answer in zip(boxes, reply.answers, strict=True):
        shown = [(edge - image[number % 2]) / scale for number, edge in enumerate(box)]
        assert shown == pytest.approx(answer["box"], abs=4)  # and half the width of the line
    chosen = tab.value("[...document.querySelectorAll('.photograph:first-child .chosen')].map(one => one.innerText)")
    expected = [found["class"] for answer in reply.answers for found in answer["attributes"].values()]
    assert [text.split("\t")[0].strip() for text in chosen] == expected
    assert tab.value(WIDER) == []
    assert tab.value("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    assert tab.value(UNNAMED) == []
    ground = tab.value("getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(15, 19, 24)" if scheme == "dark" else "rgb(243, 245, 248)")
    assert all(name.startswith(("blob:", served.described["url"])) for name in tab.value(REQUESTS))


def test_nothing_can_be_run_or_loaded_from_elsewhere(tab: Tab, served: RunningServer) -> None:
    tab.open(served.described["url"] + "/")
    tab.value(
        """window.broken = [];
        document.addEventListener('securitypolicyviolation', event => broken.push(event.effectiveDirective));
        document.body.insertAdjacentHTML('beforeend',
            '<img src="http://127.0.0.1:9/x.png"><p style="color: red" onclick="1">x</p>');
        const script = document.createElement('script');
        script.textContent = 'window.ran = true';
        document.body.append(script);
        fetch('http://127.0.0.1:9/').catch(() => 0).then(() => true)"""
    )
    tab.wait(lambda: len(tab.value("broken")) >= 4, "the policy lets something pass")
    assert not tab.value("window.ran === true")
    assert {"img-src", "script-src-elem", "style-src-attr", "connect-src"} <= set(tab.value("broken"))


def test_the_page_of_documentation_fits_a_telephone(tab: Tab, served: RunningServer) -> None:
    tab.show(390, 900, "light")
    tab.open(served.described["url"] + "/docs")
    assert tab.value("document.querySelectorAll('section').length") >= 4
    assert tab.value("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
