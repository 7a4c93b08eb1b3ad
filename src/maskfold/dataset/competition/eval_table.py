"""``info.csv``: the evaluation images, in the submission's order."""

from __future__ import annotations

from maskfold.dataset.competition.layout import Layout
from maskfold.errors import DatasetError
from maskfold.layouts import EVAL_TABLE
from maskfold.rows import read_rows


def read_eval_table(layout: Layout) -> list[str]:
    """Read the ImageIDs; the column ans is ignored.

    Returns:
        The ImageIDs in the file's order, exactly as it has them, all different. They are not checked as paths.

    Raises:
        DatasetError: If the file is not such a table, or an ImageID is blank or appears twice.
    """
    lines: dict[str, int] = {}
    written = []
    for row in read_rows(layout.eval_table, EVAL_TABLE, ("ImageID",)):
        image_id = row["ImageID"]
        if not image_id:
            raise DatasetError(f"{EVAL_TABLE}, line {row.line}: ImageID is blank; each row of a submission needs one")
        if image_id in lines:
            raise DatasetError(
                f"{EVAL_TABLE}, line {row.line}: ImageID {image_id} is already in line {lines[image_id]}; "
                "each image must have exactly one row"
            )
        lines[image_id] = row.line
        written.append(row.written["ImageID"])
    return written
