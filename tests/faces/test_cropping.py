"""Packs from a manifest, on drawn portraits."""

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image as Pillow

from maskfold.dataset.images import decode
from maskfold.errors import DatasetError
from maskfold.faces import Packs, pack_faces, shares
from maskfold.faces.geometry import crop_box, cut
from maskfold.recipe import Crop, Margins

CROP = Crop(face_size=(64, 48), portrait_size=(40, 32))


def manifest_of(root: Path, images: list[str]) -> pd.DataFrame:
    sizes = []
    for image in images:
        with Pillow.open(root / image) as opened:
            sizes.append(opened.size)
    training = [image.startswith("train/") for image in images]
    return pd.DataFrame(
        {
            "image": images,
            "part": ["train" if known else "eval" for known in training],
            "cover": [
                (0 if "/mask" in image else 1) if known else -1 for image, known in zip(images, training, strict=True)
            ],
            "sha256": [hashlib.sha256((root / image).read_bytes()).hexdigest() for image in images],
            "width": [width for width, _ in sizes],
            "height": [height for _, height in sizes],
            "readable": True,
        }
    )


@pytest.fixture(scope="module")
def manifest(drawn_data: Path) -> pd.DataFrame:
    images = [
        path.relative_to(drawn_data).as_posix()
        for pattern in ("train/images/*/*", "eval/images/*")
        for path in sorted(drawn_data.glob(pattern))
        if path.suffix.lower() in {".jpg", ".jpeg", ".png"} and not path.name.startswith(".")
    ]
    return manifest_of(drawn_data, images[:50] + images[-10:])


@pytest.fixture(scope="module")
def packs(drawn_data: Path, manifest: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Packs:
    return pack_faces(manifest, drawn_data, CROP, tmp_path_factory.mktemp("packs"))


def test_rows_belong_to_the_manifest(packs: Packs, manifest: pd.DataFrame, drawn_data: Path) -> None:
    assert packs.index["image"].tolist() == manifest["image"].tolist()
    faces, portraits = np.load(packs.faces, mmap_mode="r"), np.load(packs.portraits, mmap_mode="r")
    assert faces.shape == (60, 64, 48, 3)
    assert portraits.shape == (60, 40, 32, 3)
    for row in (0, 17, 59):
        image = decode(drawn_data / manifest["image"][row])
        height, width = image.shape[:2]
        line = packs.index.iloc[row]
        crop = tuple(line[f"crop_{edge}"] for edge in ("left", "top", "right", "bottom"))
        assert np.array_equal(portraits[row], cut(image, (0, 0, width, height), (40, 32)))
        assert np.abs(faces[row].astype(int) - cut(image, crop, (64, 48))).max() <= 1  # the index holds 32 bits


def test_the_crop_is_the_box_with_margins(packs: Packs, manifest: pd.DataFrame) -> None:
    for row in range(0, 60, 7):
        line = packs.index.iloc[row]
        box = tuple(line[f"box_{edge}"] for edge in ("left", "top", "right", "bottom"))
        crop = crop_box(box, CROP, manifest["height"][row], manifest["width"][row])
        assert [line[f"crop_{edge}"] for edge in ("left", "top", "right", "bottom")] == pytest.approx(crop, abs=1e-3)


def test_drawn_faces_are_found(packs: Packs, manifest: pd.DataFrame) -> None:
    groups = {group.group: group for group in shares(packs.index)}
    assert groups["train"].images == 50
    assert groups["eval"].images == 10
    assert groups["train"].fallback_share <= 0.1
    assert packs.index.query("status == 'detected'")["probability"].min() >= CROP.min_probability
    assert packs.index.query("status == 'fallback'")["probability"].isna().all()


@pytest.mark.slow
def test_processes_and_order_change_nothing(
    packs: Packs, manifest: pd.DataFrame, drawn_data: Path, tmp_path: Path
) -> None:
    shuffled = manifest.sample(frac=1, random_state=0)
    other = pack_faces(shuffled.reset_index(drop=True), drawn_data, CROP, tmp_path, processes=2)
    back = np.argsort(shuffled.index.to_numpy())
    assert other.index.iloc[back].reset_index(drop=True).drop(columns="row").equals(packs.index.drop(columns="row"))
    assert np.array_equal(np.load(other.faces)[back], np.load(packs.faces))
    assert np.array_equal(np.load(other.portraits)[back], np.load(packs.portraits))


@pytest.fixture
def odd(drawn_data: Path, tmp_path: Path) -> Path:
    """Training photographs of two drawn people, and two evaluation images, one of them damaged."""
    root = tmp_path / "data"
    for folder in sorted((drawn_data / "train/images").iterdir())[:2]:
        shutil.copytree(folder, root / "train/images" / folder.name)
    (root / "eval/images").mkdir(parents=True)
    for number, path in enumerate(sorted((drawn_data / "eval/images").glob("*.jpg"))[:2]):
        shutil.copy(path, root / f"eval/images/{number}.jpg")
    return root


def images_of(root: Path) -> list[str]:
    return [
        path.relative_to(root).as_posix()
        for part in ("train", "eval")
        for path in sorted(root.glob(f"{part}/images/**/*.*"))
    ]


def test_evaluation_images_that_cannot_be_read_are_zeros(odd: Path, tmp_path: Path) -> None:
    manifest = manifest_of(odd, images_of(odd))
    manifest.loc[manifest["image"] == "eval/images/0.jpg", ["readable", "width", "height"]] = [False, 0, 0]
    (odd / "eval/images/0.jpg").unlink()
    (odd / "eval/images/1.jpg").write_bytes(b"damaged since it was scanned")
    reports: list[tuple[int, int]] = []
    packs = pack_faces(manifest, odd, CROP, tmp_path, report=lambda done, total: reports.append((done, total)))
    lost = packs.index[packs.index["part"] == "eval"]
    assert lost["status"].tolist() == ["unreadable", "unreadable"]
    assert not np.load(packs.faces)[lost["row"]].any()
    assert not np.load(packs.portraits)[lost["row"]].any()
    assert reports[-1] == (len(manifest) - 1, len(manifest) - 1)
    assert {group.group: group.fallback_share for group in shares(packs.index)}["eval"] == 1


def test_another_photograph_in_its_place_is_noticed(odd: Path, tmp_path: Path) -> None:
    manifest = manifest_of(odd, images_of(odd))
    first, second = manifest["image"][:2]
    shutil.copy(odd / second, odd / first)
    with pytest.raises(DatasetError, match=r"changed since the data set was read"):
        pack_faces(manifest, odd, CROP, tmp_path)


def test_a_training_photograph_damaged_after_the_scan_is_an_error(odd: Path, tmp_path: Path) -> None:
    manifest = manifest_of(odd, images_of(odd))
    (odd / manifest["image"][3]).write_bytes(b"")
    with pytest.raises(DatasetError, match=r"empty.*when the data set was scanned"):
        pack_faces(manifest, odd, CROP, tmp_path)


@pytest.fixture
def external(drawn_data: Path, tmp_path: Path) -> Path:
    """A folder with drawn faces in another place: in the lower right of a larger picture."""
    folder = tmp_path / "outside" / "deep"
    folder.mkdir(parents=True)
    for number, path in enumerate(sorted((drawn_data / "eval/images").glob("*.jpg"))[2:14]):
        with Pillow.open(path) as opened:
            canvas = Pillow.new("RGB", (opened.width * 3 // 2, opened.height * 3 // 2), "navy")
            canvas.paste(opened, (opened.width // 2, opened.height // 2))
        canvas.save(folder / f"{number}.png")
    return folder.parent


def with_external(manifest: pd.DataFrame, folder: Path) -> pd.DataFrame:
    added = manifest_of(folder, sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png")))
    added = added.assign(image="external/1/" + added["image"], part="external")
    return pd.concat([manifest, added], ignore_index=True)


def test_external_photographs_are_cropped_without_changing_the_typical_face(
    odd: Path, external: Path, tmp_path: Path
) -> None:
    alone = manifest_of(odd, images_of(odd))
    manifest = with_external(alone, external)
    (tmp_path / "alone").mkdir()
    usual = pack_faces(alone, odd, CROP, tmp_path / "alone")
    packs = pack_faces(manifest, odd, CROP, tmp_path, external=[tmp_path / "nowhere", external])
    assert packs.typical == usual.typical
    assert packs.index.iloc[: len(alone)].equals(usual.index)
    assert np.array_equal(np.load(packs.faces)[: len(alone)], np.load(usual.faces))
    groups = {group.group: group for group in shares(packs.index)}
    before = {group.group: group for group in shares(usual.index)}
    assert groups["external"].images == 12
    assert before["external"].images == 0
    assert (groups["train"], groups["eval"]) == (before["train"], before["eval"])
    assert np.load(packs.portraits)[len(alone) :].any(axis=(1, 2, 3)).all()


def test_an_external_photograph_damaged_after_the_scan_is_an_error(odd: Path, external: Path, tmp_path: Path) -> None:
    manifest = with_external(manifest_of(odd, images_of(odd)), external)
    (external / "deep" / "3.png").unlink()
    with pytest.raises(DatasetError, match=r"deep/3\.png.*when the data set was scanned"):
        pack_faces(manifest, odd, CROP, tmp_path, external=[tmp_path / "nowhere", external])


def test_without_any_face_portraits_are_packed_whole(tmp_path: Path) -> None:
    root = tmp_path / "data" / "train" / "images"
    root.mkdir(parents=True)
    for number in range(3):
        noise = np.random.default_rng(number).integers(0, 256, (4, 3, 3), dtype=np.uint8)
        Pillow.fromarray(noise).resize((120, 160)).save(root / f"{number}.png")
    manifest = manifest_of(tmp_path / "data", images_of(tmp_path / "data"))
    packs = pack_faces(manifest, tmp_path / "data", Crop(face_size=(32, 24), portrait_size=(32, 24)), tmp_path)
    assert packs.typical is None
    assert set(packs.index["status"]) == {"fallback"}
    assert np.array_equal(np.load(packs.faces), np.load(packs.portraits))


def test_missed_faces_get_the_data_sets_own_box(odd: Path, tmp_path: Path) -> None:
    Pillow.new("RGB", (192, 256), "navy").save(odd / "eval/images/0.jpg")
    manifest = manifest_of(odd, images_of(odd))
    crop = Crop(face_size=(32, 24), portrait_size=(32, 24), margins=Margins(left=0, top=0, right=0, bottom=0))
    packs = pack_faces(manifest, odd, crop, tmp_path)
    line = packs.index[packs.index["image"] == "eval/images/0.jpg"].iloc[0]
    assert line["status"] == "fallback"
    assert packs.typical is not None
    expected = np.array(packs.typical.box) * [192, 256, 192, 256]
    assert [line[f"box_{edge}"] for edge in ("left", "top", "right", "bottom")] == pytest.approx(expected, abs=1e-3)
    assert 0 < expected[0] < expected[2] < 192


def test_real_photographs(real_data: Path, tmp_path: Path) -> None:
    folders = sorted((real_data / "train/images").iterdir())[::50]
    images = [
        path.relative_to(real_data).as_posix()
        for folder in folders
        for path in sorted(folder.iterdir())
        if not path.name.startswith(".")
    ]
    manifest = manifest_of(real_data, images)
    packs = pack_faces(manifest, real_data, CROP, tmp_path)
    groups = {group.group: group for group in shares(packs.index)}
    assert groups["train"].fallback_share <= 0.02
    width = packs.index["box_right"] - packs.index["box_left"]
    assert width.between(60, 180).all()  # of 240: the portraits' faces, no buttons, no necklaces


def test_large_jpegs_are_decoded_reduced_and_give_the_same_crops(drawn_data: Path, tmp_path: Path) -> None:
    for path in sorted(drawn_data.glob("train/images/*/normal.jpg"))[:4]:
        large = Pillow.open(path).convert("RGB").resize((1155, 1537), Pillow.Resampling.LANCZOS)
        large.save(tmp_path / f"{path.parent.name}.png")
        large.save(tmp_path / f"{path.parent.name}.jpg", quality=97)
    results = {}
    for kind in ("png", "jpg"):
        manifest = manifest_of(tmp_path, sorted(path.name for path in tmp_path.glob(f"*.{kind}"))).assign(part="train")
        folder = tmp_path / kind
        folder.mkdir()
        results[kind] = pack_faces(manifest, tmp_path, CROP, folder)
    whole, reduced = (results[kind].index for kind in ("png", "jpg"))
    assert (reduced["status"] == "detected").all()
    edges = ["left", "top", "right", "bottom"]
    for row in range(4):
        one, other = (table.loc[row, [f"box_{edge}" for edge in edges]].to_numpy(float) for table in (reduced, whole))
        assert iou(one, other) > 0.85
        crop = tuple(reduced.loc[row, [f"crop_{edge}" for edge in edges]].to_numpy(float))
        exact = cut(decode(tmp_path / whole["image"][row]), crop, CROP.face_size).astype(int)
        assert np.abs(exact - np.load(results["jpg"].faces)[row]).mean() < 4
    portraits = [np.load(results[kind].portraits).astype(int) for kind in ("png", "jpg")]
    assert np.abs(portraits[0] - portraits[1]).mean() < 4


def iou(a: np.ndarray, b: np.ndarray) -> float:
    common = np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None).prod()
    return float(common / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - common))
