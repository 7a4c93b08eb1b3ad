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
import io
import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import numpy as np

from portraits.chance import pick
from portraits.mask import WRONG, Mask, sample_mask, sample_masks
from portraits.population import sample_person
from portraits.portrait import paint_portrait
from portraits.shot import STANDARD, sample_shot
from portraits.sittings import GENDERS, Sitting, digest, plan

VERSION: Final = 1
"""Raised whenever the same settings give other pictures."""
MARKER: Final = "demo.json"
UNFINISHED: Final = "demo.unfinished.json"
TABLES: Final = ("train/train.csv", "eval/info.csv")
EVAL_SHARE: Final = 2 / 3
"""People for evaluation per person for training, as in the competition."""
SMALLEST: Final = 64
"""Pixels; below, a face is some 20 pixels wide, and masks can no longer be distinguished from beards."""
LARGEST: Final = 4096
"""Pixels; larger than a telephone's camera, and already hundreds of megabytes of memory a picture."""
MOST: Final = 999_999
"""People in a part: an id has six digits."""


class ArgumentError(ValueError):
    """An argument is out of range, or the folder holds something else; the message says what to do."""


class ProcessKilledError(RuntimeError):
    """A drawing process was killed from outside; the same call draws the rest."""


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


def draw(
    out: str | Path,
    people: int = 40,
    seed: int = 0,
    eval_people: int | None = None,
    size: tuple[int, int] = STANDARD,
    processes: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Summary:
    """Draw a data set in the competition's layout.

    Equal settings give equal bytes with equal versions of numpy and Pillow, whatever `processes` is. Gender and
    age group are balanced: each of the six combinations gets a sixth of the people. A folder that a killed call left
    behind is completed; a finished one with the same settings is kept as it is.

    Args:
        out: Folder to fill; it must be missing, empty, or a set drawn with the same settings.
        people: People in the training part, seven photographs each.
        seed: Equal seeds give equal sets.
        eval_people: People in the evaluation part, seven photographs each; none takes two thirds of `people`.
        size: Width and height of the photographs, pixels.
        processes: How many processes draw side by side; none takes one for each core that this process may use. With
            more than one, a script that calls this must guard its main part with ``if __name__ == "__main__"``, as
            always with ``multiprocessing``.
        progress: Called with images done and images in all.

    Raises:
        ArgumentError: If a setting is out of range or the folder holds something else.
        ProcessKilledError: If a drawing process was killed.
        OSError: If the folder cannot be written.
    """
    out = Path(out)
    settings = _settings(people, seed, eval_people, size, processes)
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
        for count in _draw_all(out, todo, seed, size, processes):
            done += count
            if progress is not None:
                progress(done, len(everything))
        _write_tables(out, sittings, seed)
        (out / UNFINISHED).replace(out / MARKER)
    train = sum(len(sitting.files) for sitting in sittings if sitting.part == "train")
    return Summary(out, people, settings["eval_people"], train, len(everything) - train, drawn)


def _settings(
    people: int, seed: int, eval_people: int | None, size: tuple[int, int], processes: int | None
) -> dict[str, Any]:
    if eval_people is None:
        eval_people = max(1, round(people * EVAL_SHARE))
    for name, value in (("people", people), ("eval_people", eval_people)):
        if not 1 <= value <= MOST:
            raise ArgumentError(f"{name} is {value}; expected 1..{MOST}")
    if seed < 0:
        raise ArgumentError(f"seed is {seed}; expected 0 or more")
    if processes is not None and processes < 1:
        raise ArgumentError(f"processes is {processes}; expected 1 or more")
    if min(size) < SMALLEST or max(size) > LARGEST:
        raise ArgumentError(f"size is {size[0]} x {size[1]} pixels; expected {SMALLEST}..{LARGEST} each way")
    return {"version": VERSION, "people": people, "eval_people": eval_people, "seed": seed, "size": list(size)}


def _claim(out: Path, settings: dict[str, Any]) -> bool:
    """Make sure that the folder may be filled; return whether it holds the finished set."""
    advice = "name another folder, or delete this one"
    if out.exists() and not out.is_dir():
        raise ArgumentError(f"{out}: is a file; expected a folder to draw into; {advice}")
    for name in (MARKER, UNFINISHED):
        if (out / name).is_file():
            found = _read_marker(out / name)
            if found != settings:
                there, wanted = _describe(found), _describe(settings)
                raise ArgumentError(
                    f"{out}: holds a set drawn with other settings ({there}; wanted {wanted}); {advice}"
                )
            return name == MARKER
    if out.is_dir() and any(out.iterdir()):
        raise ArgumentError(f"{out}: is not empty and holds no drawn set ({MARKER} is missing); {advice}")
    return False


def _read_marker(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"unreadable": path.name}


def _describe(settings: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in settings.items())


def _draw_all(out: Path, todo: list[Sitting], seed: int, size: tuple[int, int], processes: int | None) -> Iterator[int]:
    """Draw sittings, yielding how many images each one brought."""
    processes = min(processes or len(os.sched_getaffinity(0)), len(todo))
    work = partial(draw_sitting, out, seed=seed, size=size)
    if processes <= 1:
        yield from map(work, todo)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        try:
            for future in as_completed([pool.submit(work, sitting) for sitting in todo]):
                yield future.result()
        except BrokenProcessPool:
            raise ProcessKilledError(
                f"{out}: a drawing process was killed, perhaps for lack of memory; call again to draw the rest"
            ) from None
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def draw_sitting(out: Path, sitting: Sitting, seed: int, size: tuple[int, int]) -> int:
    """Draw those of a person's photographs that are missing and return their number."""
    source = [seed, 0 if sitting.part == "train" else 1, sitting.number]
    rng = np.random.default_rng(source)
    person = sample_person(rng, sitting.gender, sitting.age)
    wrong = sample_mask(rng, pick(rng, WRONG))
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
    names.sort(key=lambda name: digest(f"order {seed} {name}"))
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
