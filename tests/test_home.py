"""The home folder is its owner's only."""

from pathlib import Path

import pytest

from maskfold.home import home, make_private, prefect_home
from maskfold.storage.cache import cache_folder, cached_file


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.mark.parametrize("before", [None, 0o755, 0o777])
def test_it_becomes_private(before: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASKFOLD_HOME", str(tmp_path / "home"))
    if before is not None:
        (tmp_path / "home").mkdir()
        (tmp_path / "home").chmod(before)
    assert mode(home()) == 0o700
    assert mode(make_private(prefect_home())) == 0o700
    assert mode(cache_folder()) == 0o700


def test_cached_photographs_are_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASKFOLD_HOME", str(tmp_path / "home"))
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert mode(cached_file(empty, "a.jpg", "s3://b/a.jpg", lambda path: path.touch())) == 0o600


def test_one_that_cannot_be_made_is_named_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("MASKFOLD_HOME", str(tmp_path / "file" / "home"))
    assert home() == tmp_path / "file" / "home"
