"""External tables on each kind of storage."""

import pytest

from maskfold.errors import DatasetError, RecipeError
from maskfold.storage import fetch_external, locate_external
from tests.storage.conftest import Place


def test_a_table_is_found_with_its_images_and_its_state(place: Place) -> None:
    place.put("faces/table.csv", b"path,gender\nin/a.jpg,male\n")
    place.put("faces/in/a.jpg", b"1")
    place.put("other/b.jpg", b"1")
    uri = f"{place.uri}/faces/table.csv"
    source = locate_external(uri)
    [table] = fetch_external([source])
    assert table.read_bytes() == b"path,gender\nin/a.jpg,male\n"
    assert (table.parent / "in" / "a.jpg").read_bytes() == b"1"
    place.put("other/c.jpg", b"1")
    assert locate_external(uri) == source
    place.put("faces/in/a.jpg", b"22")
    changed = locate_external(uri)
    place.put("faces/table.csv", b"path,gender\nin/a.jpg,female\n")
    assert len({source.fingerprint, changed.fingerprint, locate_external(uri).fingerprint}) == 3


@pytest.mark.parametrize("name", ["faces/nowhere.csv", "faces", "x" * 5000])
def test_a_missing_file_is_rejected(name: str, place: Place) -> None:
    place.put("faces/table.csv", b"")
    with pytest.raises(
        RecipeError, match=r"dataset\.external: .*there is no such file; expected the path or URI of a csv"
    ):
        locate_external(f"{place.uri}/{name}")


def test_a_missing_folder_is_not_called_a_data_set(place: Place) -> None:
    place.put("faces/table.csv", b"path,gender\n")
    source = locate_external(f"{place.uri}/faces/table.csv")
    gone = source.model_copy(update={"folder": f"{place.uri}/gone"})
    with pytest.raises(DatasetError, match=r"external images .*expected the folder of a table"):
        fetch_external([gone])
