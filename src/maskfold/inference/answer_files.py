"""The files of a prediction: the table of all answers, that of the new ones, the contact sheet, the report."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from maskfold.errors import InputError
from maskfold.given_labels import parse_labels
from maskfold.inference.agreement import Agreement
from maskfold.inference.drift import drift_of
from maskfold.inference.joining import pieces, read_order, write_rows
from maskfold.inference.package import OpenPackage
from maskfold.inference.sheet import draw_sheet
from maskfold.inference.tally import Tally
from maskfold.parts import Parts
from maskfold.scheme import Scheme
from maskfold.specs import AnswersOutcome, AnswersSpec, Order
from maskfold.storage import Workspace, read_regular

Report = Callable[[int, int], None]


@dataclass(frozen=True)
class _Tables:
    """The csv files, and what was counted while they were written."""

    tally: Tally
    new: Path | None
    new_photographs: int


def join(
    spec: AnswersSpec, workspace: Workspace, address: str, scratch: Path, report: Report, seconds: Callable[[], float]
) -> AnswersOutcome:
    """Write all files of a prediction and publish them.

    Args:
        spec: Names the parts.
        workspace: Has them.
        address: Where the files go.
        scratch: A local folder.
        report: Called with the number of parts of the table that are done, and how many there are.
        seconds: Wall time of the job so far.

    Raises:
        InputError: If no photograph has a label, though labels were given.
        CorruptDataError: If a part is damaged.
    """
    model = OpenPackage.open(spec.model, spec.digest).model
    parts = Parts(workspace, spec.folder)
    order = read_order(parts, spec.order)
    agreement = _agreement(spec, workspace, model.scheme)
    tables = _write(spec, parts, order, Tally(model.scheme), agreement, scratch, report)
    tally, sheet = tables.tally, scratch / "sheet.png"
    drawn = draw_sheet(sheet, parts, spec.root, *tally.examples())
    outcome = AnswersOutcome(
        answers=workspace.publish(scratch / "answers.csv", f"{address}/answers.csv"),
        new=workspace.publish(tables.new, f"{address}/new.csv") if tables.new else None,
        sheet=workspace.publish(sheet, f"{address}/sheet.png") if drawn else None,
        report=spec.order,
        photographs=tally.photographs,
        rows=tally.rows,
        new_photographs=tables.new_photographs,
        statuses=dict(tally.statuses),
        classes=dict(zip(model.scheme.class_names(), tally.classes.tolist(), strict=True)),
        unsure=tally.unsure,
        unreadable=tuple(tally.unreadable),
        drift=drift_of(tally, model, spec.all_faces),
        scores=() if agreement is None else agreement.scores(),
        seconds=seconds(),
    )
    said = outcome.model_dump_json(indent=1, exclude={"report", "seconds"}).encode()
    return outcome.model_copy(update={"report": workspace.write(f"{address}/report.json", said)})


def _agreement(spec: AnswersSpec, workspace: Workspace, scheme: Scheme) -> Agreement | None:
    if spec.labels is None:
        return None
    if spec.all_faces:
        raise InputError("labels are for photographs, and all faces were asked for; leave one of the two out")
    content = read_regular(workspace.fetch(spec.labels))
    return Agreement(parse_labels(content, spec.labels_name or spec.labels.path, scheme), scheme)


def _write(
    spec: AnswersSpec,
    parts: Parts,
    order: Order,
    tally: Tally,
    agreement: Agreement | None,
    scratch: Path,
    report: Report,
) -> _Tables:
    before = None if spec.delivered is None else {*read_order(parts, spec.delivered).parts}
    new = None if before is None else scratch / "new.csv"
    fresh = 0
    with ExitStack() as stack:
        whole = stack.enter_context((scratch / "answers.csv").open("w", encoding="utf-8", newline=""))
        added = None if new is None else stack.enter_context(new.open("w", encoding="utf-8", newline=""))
        for number, piece in enumerate(pieces(parts, order)):
            tally.add(piece)
            if agreement is not None:
                agreement.add(piece)
            write_rows(piece.table, whole, header=not number)
            if added is not None and not number:
                write_rows(piece.table.iloc[:0], added, header=True)
            if before is None or piece.part not in before:
                fresh += int((piece.table["face"] == 0).sum())
                if added is not None:
                    write_rows(piece.table, added, header=False)
            report(number + 1, len(order.segments))
    return _Tables(tally, new, fresh)
