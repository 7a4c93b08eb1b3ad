"""What is answered already, and what is left."""

from __future__ import annotations

from pathlib import Path

from maskfold.parts import PART_PHOTOGRAPHS, Parts, Planned, plan_parts
from maskfold.photographs import ListedPhotograph
from maskfold.specs import File, Order, PartDone
from maskfold.storage import open_workspace

FILE = File(path="x", sha256="0" * 64, size=0)


def parts_in(folder: Path) -> Parts:
    return Parts.of(open_workspace(str(folder)), "digest", "root", all_faces=False)


def listing(count: int, state: str = "1") -> list[ListedPhotograph]:
    return [ListedPhotograph(f"{number:05d}.jpg", f"{number:05d}.jpg", state) for number in range(count)]


def finish(parts: Parts, *done: str) -> None:
    for part in done:
        count = len(parts.photographs(part))
        parts.finish(part, PartDone(file=FILE, photographs=count, rows=count, unreadable=0))


def names(parts: Parts, planned: Planned) -> list[str]:
    """Return the names in a planned order."""
    order = Order.model_validate_json(parts.workspace.fetch(planned.order).read_bytes())
    return [
        one.name
        for number, first, count in order.segments
        for one in parts.photographs(order.parts[number])[first : first + count]
    ]


def test_each_photograph_is_in_one_part_and_the_order_is_that_of_the_listing(tmp_path: Path) -> None:
    parts, photographs = parts_in(tmp_path), listing(2 * PART_PHOTOGRAPHS + 100)
    planned = plan_parts(parts, photographs, may_repeat=False)
    assert [len(parts.photographs(part)) for part in planned.fresh] == [PART_PHOTOGRAPHS, PART_PHOTOGRAPHS, 100]
    assert (planned.photographs, planned.fresh_photographs) == (len(photographs), len(photographs))
    assert names(parts, planned) == [one.name for one in photographs]
    assert plan_parts(parts, photographs, may_repeat=False) == planned


def test_after_a_kill_the_same_parts_are_left(tmp_path: Path) -> None:
    parts, photographs = parts_in(tmp_path), listing(3 * PART_PHOTOGRAPHS + 100)
    planned = plan_parts(parts, photographs, may_repeat=False)
    finish(parts, planned.fresh[1], planned.fresh[3])
    again = plan_parts(parts, photographs, may_repeat=False)
    assert again.fresh == (planned.fresh[0], planned.fresh[2])
    assert names(parts, again) == [one.name for one in photographs]


def test_only_new_and_changed_photographs_are_left(tmp_path: Path) -> None:
    parts, photographs = parts_in(tmp_path), listing(PART_PHOTOGRAPHS + 100)
    finish(parts, *plan_parts(parts, photographs, may_repeat=False).fresh)
    changed = photographs[3]._replace(state="2")
    added = ListedPhotograph("00003a.jpg", "00003a.jpg", "1")
    now = [*photographs[:3], changed, added, *photographs[5:]]
    planned = plan_parts(parts, now, may_repeat=False)
    (fresh,) = planned.fresh
    assert parts.photographs(fresh) == [changed, added]
    assert names(parts, planned) == [one.name for one in now]
    finish(parts, fresh)
    assert plan_parts(parts, now, may_repeat=False).fresh == ()


def test_a_table_may_name_a_photograph_twice_and_in_any_order(tmp_path: Path) -> None:
    parts, photographs = parts_in(tmp_path), listing(20)
    shuffled = [*reversed(photographs), photographs[4], photographs[4]]
    planned = plan_parts(parts, shuffled, may_repeat=True)
    assert planned.fresh_photographs == 20
    assert names(parts, planned) == [one.name for one in shuffled]
    finish(parts, *planned.fresh)
    again = plan_parts(parts, photographs, may_repeat=True)
    assert again.fresh == ()
    assert names(parts, again) == [one.name for one in photographs]


def test_a_damaged_record_or_list_is_done_again(tmp_path: Path) -> None:
    parts, photographs = parts_in(tmp_path), listing(30)
    (part,) = plan_parts(parts, photographs, may_repeat=False).fresh
    finish(parts, part)
    parts.workspace.write(f"{parts.folder}/lists/{part}.jsonl", b"[]")
    assert plan_parts(parts, photographs, may_repeat=False).fresh == (part,)
    parts.workspace.write(f"{parts.folder}/done/{part}.json", b"{")
    assert parts.result(part) is None


def test_models_settings_and_sources_share_nothing(tmp_path: Path) -> None:
    workspace = open_workspace(str(tmp_path))
    folders = {
        Parts.of(workspace, model, root, all_faces).folder
        for model, root, all_faces in (("a", "r", False), ("b", "r", False), ("a", "s", False), ("a", "r", True))
    }
    assert len(folders) == 4


def test_what_an_output_had_is_remembered_for_each_output(tmp_path: Path) -> None:
    parts = parts_in(tmp_path)
    assert parts.delivered("a.csv") is None
    parts.deliver("a.csv", FILE)
    assert parts.delivered("a.csv") == FILE
    assert parts.delivered("b.csv") is None
