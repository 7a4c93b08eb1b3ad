"""Every odd file has a defined result, and pictures without a face have no detections."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image as Pillow
from PIL import ImageDraw

from maskfold.dataset.images import probe
from maskfold.faces import Packs, pack_faces
from maskfold.recipe import Crop

CROP = Crop(face_size=(32, 24), portrait_size=(32, 24))
USABLE = ("plain.png", "cmyk.jpg", "sixteen-bit.png", "alpha.png", "palette.png", "rotated.jpg", "mirrored.jpg")
UNUSABLE = ("truncated.jpg", "one-pixel.png", "bomb.png", "text.jpg", "empty.jpg", "missing.jpg")


def manifest_of(root: Path, images: list[str], part: str) -> pd.DataFrame:
    probes = [probe(root / image) for image in images]
    return pd.DataFrame(
        {
            "image": images,
            "part": part,
            "sha256": [found.sha256 for found in probes],
            "width": [found.width for found in probes],
            "height": [found.height for found in probes],
            "readable": [found.problem is None for found in probes],
        }
    )


def write_odd_files(portrait: Pillow.Image, root: Path) -> None:
    portrait.save(root / "plain.png")
    portrait.convert("CMYK").save(root / "cmyk.jpg", quality=95)
    grey = np.asarray(portrait.convert("L")).astype(np.uint16) * 257
    Pillow.fromarray(grey).save(root / "sixteen-bit.png")
    portrait.convert("RGBA").save(root / "alpha.png")
    portrait.quantize(256).save(root / "palette.png")
    exif = Pillow.Exif()
    exif[0x0112] = 6  # the camera was turned: upright is this picture turned clockwise
    portrait.transpose(Pillow.Transpose.ROTATE_90).save(root / "rotated.jpg", quality=95, exif=exif)
    exif[0x0112] = 2
    portrait.transpose(Pillow.Transpose.FLIP_LEFT_RIGHT).save(root / "mirrored.jpg", quality=95, exif=exif)
    content = (root / "rotated.jpg").read_bytes()
    (root / "truncated.jpg").write_bytes(content[: len(content) // 2])
    Pillow.new("RGB", (1, 1)).save(root / "one-pixel.png")
    (root / "bomb.png").write_bytes(bomb())
    (root / "text.jpg").write_text("not an image")
    (root / "empty.jpg").touch()


def bomb() -> bytes:
    """Return a PNG of few bytes that claims 20,000 x 20,000 pixels."""
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(bytes(9999)))]
    parts = [
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.fixture(scope="module")
def root(drawn_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("odd")
    with Pillow.open(sorted(drawn_data.glob("train/images/*/normal.jpg"))[0]) as portrait:
        write_odd_files(portrait.convert("RGB"), folder)
    return folder


@pytest.fixture(scope="module")
def packs(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Packs:
    manifest = manifest_of(root, [*USABLE, *UNUSABLE], "eval")
    assert manifest["readable"].tolist() == [True] * len(USABLE) + [False] * len(UNUSABLE)
    return pack_faces(manifest, root, CROP, tmp_path_factory.mktemp("packs"))


@pytest.mark.parametrize("name", USABLE)
def test_faces_of_usable_files_are_where_the_upright_picture_has_them(packs: Packs, name: str) -> None:
    edges = ["box_left", "box_top", "box_right", "box_bottom"]
    lines = packs.index.set_index("image")
    assert lines.loc[name, "status"] == "detected"
    plain, box = (lines.loc[image, edges].to_numpy(float) for image in ("plain.png", name))
    assert np.abs(box - plain).max() < 0.1 * (plain[2] - plain[0])
    row = lines.loc[name, "row"]
    difference = np.load(packs.portraits)[row].astype(int).mean() - np.load(packs.portraits)[0].astype(int).mean()
    assert abs(difference) < 12


def test_unusable_files_are_reported_and_zero(packs: Packs) -> None:
    lost = packs.index[len(USABLE) :]
    assert set(lost["status"]) == {"unreadable"}
    assert lost["probability"].isna().all()
    assert not np.load(packs.faces)[len(USABLE) :].any()


def test_files_damaged_after_the_scan_are_reported(root: Path, tmp_path: Path) -> None:
    manifest = manifest_of(root, list(UNUSABLE), "eval").assign(readable=True, width=192, height=256)
    packs = pack_faces(manifest, root, CROP, tmp_path)
    assert set(packs.index["status"]) == {"unreadable"}


def test_pictures_without_a_face_have_no_detections(drawn_data: Path, tmp_path: Path) -> None:
    root = tmp_path / "data"
    root.mkdir()
    portraits = [path for path in sorted(drawn_data.glob("train/images/*/*.*")) if path.stem in {"normal", "mask1"}]
    for number, path in enumerate(portraits):
        (root / f"face{number}{path.suffix}").write_bytes(path.read_bytes())
    for name, picture in faceless().items():
        picture.save(root / f"none-{name}.png")
    manifest = manifest_of(root, sorted(path.name for path in root.iterdir()), "train")
    packs = pack_faces(manifest, root, CROP, tmp_path)
    assert packs.typical is not None
    assert packs.typical.count >= 10  # so that the second look accepts detections at the typical place
    empty = packs.index["image"].str.startswith("none-")
    assert set(packs.index.loc[empty, "status"]) == {"fallback"}
    assert (packs.index.loc[~empty, "status"] != "fallback").mean() >= 0.9


def faceless() -> dict[str, Pillow.Image]:
    """Draw pictures of the portraits' size without a face."""
    rng = np.random.default_rng(3)
    width, height = 192, 256
    pictures = {}
    for cells in (4, 12, 40, 192):
        noise = Pillow.fromarray(rng.integers(0, 256, (cells, cells, 3), dtype=np.uint8))
        pictures[f"noise{cells}"] = noise.resize((width, height), Pillow.Resampling.BICUBIC)
    y, x = np.mgrid[:height, :width]
    for name, values in {"stripes": x // 12 % 2, "checks": (x // 16 + y // 16) % 2, "slope": y / height}.items():
        pictures[name] = Pillow.fromarray((values * 255).astype(np.uint8)).convert("RGB")
    pictures["disc"] = Pillow.new("RGB", (width, height), "steelblue")
    ImageDraw.Draw(pictures["disc"]).ellipse((50, 60, 142, 190), fill="burlywood")  # a head's place, shape and colour
    pictures["text"] = Pillow.new("RGB", (width, height), "white")
    for line in range(12):
        ImageDraw.Draw(pictures["text"]).text((10, 10 + 20 * line), "neither eyes nor mouth", fill="black")
    return pictures
