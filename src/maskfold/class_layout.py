"""Where class folders and evaluation folders of a data set are, links to such folders included.

A link counts as the folder that it leads to if that is in the data set and no part of its own: of two names of one
folder only one can be the class of its photographs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from maskfold.layouts import EVALUATION, TRAINING, is_litter, is_photograph
from maskfold.links import link_problem
from maskfold.listing import is_folder, listing


@dataclass(frozen=True)
class ClassLayout:
    """The folders whose names mean something."""

    root: Path
    training: tuple[Path, ...]
    """Folders of class folders."""
    evaluation: tuple[Path, ...]
    own: frozenset[Path]
    """Evaluation folders, and class folders that are no links, resolved."""
    follow_links: bool = False

    @classmethod
    def of(cls, root: Path, follow_links: bool = False) -> ClassLayout:
        """Look at a folder.

        Raises:
            OSError: If it cannot be listed.
        """
        top = {entry.name.casefold(): Path(entry.path) for entry in listing(root) if is_folder(entry)}
        training = tuple(top[name] for name in sorted(top) if name in TRAINING)
        evaluation = tuple(top[name] for name in sorted(top) if name in EVALUATION) if training else ()
        training = training or (root,)
        classes = [Path(entry.path) for folder in training for entry in _folders(folder) if not entry.is_symlink()]
        return cls(
            root, training, evaluation, frozenset(path.resolve() for path in (*evaluation, *classes)), follow_links
        )

    def link_problem(self, link: Path) -> str | None:
        """Return why a link to a folder is not followed, or None."""
        problem = link_problem(link, self.root, self.follow_links)
        target = link.resolve()
        if not problem and any(target.is_relative_to(part) or part.is_relative_to(target) for part in self.own):
            problem = "the link leads to photographs that have a folder of their own"
        return problem

    def linked(self) -> Iterator[str]:
        """Yield the photographs in folders that are links, by the links' names, relative to the root."""
        for folder in self.evaluation:
            if folder.is_symlink():
                yield from self._below(folder)
        for folder in self.training:
            for entry in _folders(folder):
                path = Path(entry.path)
                if folder.is_symlink() if not entry.is_symlink() else self.link_problem(path) is None:
                    yield from self._below(path)

    def _below(self, folder: Path) -> Iterator[str]:
        for inside, _, names in os.walk(folder):
            place = Path(inside).relative_to(self.root)
            yield from ((place / name).as_posix() for name in names if is_photograph(name))


def _folders(folder: Path) -> list[os.DirEntry[str]]:
    try:
        entries = listing(folder)
    except OSError:  # the reader says so
        return []
    return [entry for entry in entries if is_folder(entry) and not is_litter(entry.name)]
