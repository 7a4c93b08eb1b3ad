"""A drawn data set on disk, in the competition's layout.

::

    train/train.csv                                    id,gender,race,age,path
    train/images/<id>_<gender>_Drawn_<age>/            mask1..mask5, incorrect_mask, normal; .jpg, a few .png and .jpeg
    eval/info.csv                                      ImageID,ans (0 everywhere)
    eval/images/<40 hexadecimal digits>.jpg            seven photographs a person, in no order
    demo.json                                          what was drawn; written last
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from maskfold.cores import usable_cores
from maskfold.demo.mask import WRONG, Mask, sample_mask, sample_masks
from maskfold.demo.person import sample_person
from maskfold.demo.portrait import paint_portrait
from maskfold.demo.shot import sample_shot
from maskfold.errors import InputError, MaskfoldError
from maskfold.labels import GENDERS, age_group, encode

VERSION: Final = 1
"""Raised whenever the same settings give other pictures."""
MARKER: Final = "demo.json"
UNFINISHED: Final = "demo.unfinished.json"
TABLES: Final = ("train/train.csv", "eval/info.csv")
PHOTOGRAPHS: Final = ("mask1", "mask2", "mask3", "mask4", "mask5", "incorrect_mask", "normal")
AGES: Final = ((18, 29), (30, 59), (60, 74))
"""Youngest and oldest of each age group, years."""
SMALLEST: Final = 64
"""Pixels; below, faces are no longer faces."""

Part = Literal["train", "eval"]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Summary:
    """What a call to :func:`draw` left in the folder."""

    out: Path
    people: int
    eval_people: int
    train_images: int
    eval_images: int
    drawn: int
    """Images drawn by this call; 0 when the finished set was there already."""

    def __str__(self) -> str:
        train = f"{self.people} people for training ({self.train_images} photographs)"
        evaluation = f"{self.eval_people} for evaluation ({self.eval_images})"
        return f"{self.out}: {train}, {evaluation}; {f'{self.drawn} drawn' if self.drawn else 'was there already'}"


@dataclass(frozen=True)
class Sitting:
    """One person's seven photographs, before they are drawn."""

    part: Part
    number: int
    """From 1, within the part."""
    gender: int
    age: int
    files: tuple[str, ...]
    """Addresses relative to the data set, in the order of ``PHOTOGRAPHS``."""

    @property
    def folder(self) -> str:
        """Name of the person's folder, in the training part."""
        return f"{self.number:06d}_{GENDERS[self.gender]}_Drawn_{self.age}"


def draw(
    out: Path,
    people: int = 40,
    seed: int = 0,
    eval_people: int | None = None,
    size: tuple[int, int] = (384, 512),
    threads: int | None = None,
    progress: Progress | None = None,
) -> Summary:
    """Draw a data set in the competition's layout.

    Equal settings give equal bytes with equal versions of numpy and Pillow, whatever `threads` is. Gender and age
    group are balanced: each of the six combinations gets a sixth of the people. A folder that a killed call left
    behind is completed; a finished one with the same settings is kept as it is.

    Args:
        out: Folder to fill; it must be missing, empty, or a set drawn with the same settings.
        people: People in the training part, seven photographs each.
        seed: Equal seeds give equal sets.
        eval_people: People in the evaluation part, seven photographs each; none takes two thirds of `people`, the
            competition's share.
        size: Width and height of the photographs, pixels.
        threads: Processes that draw side by side; none takes all processors. With more than one, a script that calls
            this must guard its main part with ``if __name__ == "__main__"``, as always with ``multiprocessing``.
        progress: Called with images done and images in all.

    Raises:
        InputError: If a setting is out of range or the folder holds something else.
        MaskfoldError: If a drawing process was killed.
    """
    settings = _settings(people, seed, eval_people, size, threads)
    sittings = plan(people, seed, settings["eval_people"])
    everything = [file for sitting in sittings for file in sitting.files]
    finished = _claim(out, settings)
    todo = [sitting for sitting in sittings if not all((out / file).is_file() for file in sitting.files)]
    drawn = sum(not (out / file).is_file() for file in everything)
    tables = all((out / table).is_file() for table in TABLES)
    if not (finished and tables) or todo:
        _write(out / UNFINISHED, json.dumps(settings, indent=1).encode())
        (out / MARKER).unlink(missing_ok=True)
        done = len(everything) - drawn
        for count in _draw_all(out, todo, seed, size, threads):
            done += count
            if progress is not None:
                progress(done, len(everything))
        _write_tables(out, sittings, seed)
        (out / UNFINISHED).replace(out / MARKER)
    train = sum(len(sitting.files) for sitting in sittings if sitting.part == "train")
    return Summary(out, people, settings["eval_people"], train, len(everything) - train, drawn)


def answers(people: int = 40, seed: int = 0, eval_people: int | None = None) -> dict[str, int]:
    """Return the true class, 0..17 at the official age bounds, of each evaluation image of a drawn set, by ImageID."""
    count = _settings(people, seed, eval_people, (384, 512))["eval_people"]
    states = [0] * 5 + [1, 2]
    return {
        Path(file).name: int(encode(state, sitting.gender, age_group(sitting.age)))
        for sitting in plan(people, seed, count)
        if sitting.part == "eval"
        for file, state in zip(sitting.files, states, strict=True)
    }


def plan(people: int, seed: int, eval_people: int) -> list[Sitting]:
    """Return all sittings of a data set: who is drawn, and under which file names."""
    sittings: list[Sitting] = []
    parts: tuple[tuple[Part, int], ...] = (("train", people), ("eval", eval_people))
    for part_number, (part, count) in enumerate(parts):
        rng = np.random.default_rng([seed, part_number, 0])
        cells = rng.permutation(np.arange(count) % 6)
        suffixes = _suffixes(rng, count)
        for number, cell in enumerate(cells, start=1):
            low, high = AGES[cell % 3]
            sitting = Sitting(part, number, int(cell // 3), int(rng.integers(low, high + 1)), ())
            if part == "train":
                stem = f"train/images/{sitting.folder}"
                files = tuple(f"{stem}/{name}.{suffixes[number - 1][i]}" for i, name in enumerate(PHOTOGRAPHS))
            else:
                keys = [f"maskfold demo {seed} {number} {name}" for name in PHOTOGRAPHS]
                files = tuple(f"eval/images/{_digest(key)}.jpg" for key in keys)
            sittings.append(Sitting(part, number, sitting.gender, sitting.age, files))
    return sittings


def _suffixes(rng: np.random.Generator, count: int) -> list[list[str]]:
    """Return a suffix per person and photograph: most jpg, some folders png or jpeg, and from ten people one mixed."""
    suffixes = [["jpg"] * len(PHOTOGRAPHS) for _ in range(count)]
    order = rng.permutation(count)
    if count >= 3:
        n_png, n_jpeg = max(1, round(0.027 * count)), max(1, round(0.019 * count))
        for index in order[:n_png]:
            suffixes[index] = ["png"] * len(PHOTOGRAPHS)
        for index in order[n_png : n_png + n_jpeg]:
            suffixes[index] = ["jpeg"] * len(PHOTOGRAPHS)
    if count >= 10:
        suffixes[order[-1]][1::3] = ["png", "jpeg"]
    return suffixes


def _settings(
    people: int, seed: int, eval_people: int | None, size: tuple[int, int], threads: int | None = None
) -> dict[str, Any]:
    if eval_people is None:
        eval_people = max(1, round(people * 2 / 3))
    for name, value in (("people", people), ("eval_people", eval_people)):
        if not 1 <= value <= 999_999:
            raise InputError(f"{name} is {value}; expected 1..999999")
    if seed < 0:
        raise InputError(f"seed is {seed}; expected 0 or more")
    if threads is not None and threads < 1:
        raise InputError(f"threads is {threads}; expected 1 or more")
    if min(size) < SMALLEST or max(size) > 4096:
        raise InputError(f"size is {size[0]} x {size[1]} pixels; expected {SMALLEST}..4096 each way")
    return {"version": VERSION, "people": people, "eval_people": eval_people, "seed": seed, "size": list(size)}


def _claim(out: Path, settings: dict[str, Any]) -> bool:
    """Make sure that the folder is ours to fill; return whether it holds the finished set."""
    advice = "name another folder, or delete this one"
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: is a file; expected a folder to draw into; {advice}")
    for name in (MARKER, UNFINISHED):
        if (out / name).is_file():
            found = _read_marker(out / name)
            if found != settings:
                there, wanted = _describe(found), _describe(settings)
                raise InputError(f"{out}: holds a set drawn with other settings ({there}; wanted {wanted}); {advice}")
            return name == MARKER
    if out.is_dir() and any(out.iterdir()):
        raise InputError(f"{out}: is not empty and holds no drawn set ({MARKER} is missing); {advice}")
    return False


def _read_marker(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"unreadable": path.name}


def _describe(settings: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in settings.items())


def _draw_all(out: Path, todo: list[Sitting], seed: int, size: tuple[int, int], threads: int | None) -> Iterator[int]:
    """Draw sittings, yielding how many images each one brought."""
    threads = min(threads or usable_cores(), len(todo))
    work = partial(draw_sitting, out, seed=seed, size=size)
    if threads <= 1:
        yield from map(work, todo)
        return
    with ProcessPoolExecutor(threads, mp_context=get_context("spawn")) as pool:
        try:
            for future in as_completed([pool.submit(work, sitting) for sitting in todo]):
                yield future.result()
        except BrokenProcessPool:
            raise MaskfoldError(
                f"{out}: a drawing process was killed, perhaps for lack of memory; call again to draw the rest"
            ) from None
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def draw_sitting(out: Path, sitting: Sitting, seed: int, size: tuple[int, int]) -> int:
    """Draw those of a person's photographs that are missing and return their number."""
    source = [seed, 0 if sitting.part == "train" else 1, sitting.number]
    rng = np.random.default_rng(source)
    person = sample_person(rng, sitting.gender, sitting.age)
    wrong = sample_mask(rng, WRONG[rng.choice(len(WRONG), p=(0.45, 0.3, 0.25))])
    masks: list[Mask | None] = [*sample_masks(rng, 5), wrong, None]
    count = 0
    for number, (file, mask) in enumerate(zip(sitting.files, masks, strict=True)):
        if (out / file).is_file():
            continue
        own = np.random.default_rng([*source, number])
        shot = sample_shot(own, *size)
        picture, content = paint_portrait(person, shot, mask, *size, own), io.BytesIO()
        if file.endswith(".png"):
            picture.save(content, "PNG", compress_level=1)
        else:
            picture.save(content, "JPEG", quality=shot.camera.quality)
        _write(out / file, content.getvalue())
        count += 1
    return count


def _write_tables(out: Path, sittings: list[Sitting], seed: int) -> None:
    rows: list[list[object]] = [["id", "gender", "race", "age", "path"]]
    for s in sittings:
        if s.part == "train":
            rows.append([f"{s.number:06d}", GENDERS[s.gender], "Drawn", s.age, s.folder])
    _write(out / TABLES[0], _csv(rows))
    names = [Path(file).name for s in sittings if s.part == "eval" for file in s.files]
    names.sort(key=lambda name: _digest(f"order {seed} {name}"))
    _write(out / TABLES[1], _csv([["ImageID", "ans"], *([name, 0] for name in names)]))


def _csv(rows: list[list[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _write(path: Path, content: bytes) -> None:
    """Write a file so that a killed call leaves the whole of it or nothing under its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.part")
    aside.write_bytes(content)
    aside.replace(path)


def _digest(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
