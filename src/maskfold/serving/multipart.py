"""Files of a multipart body, taken out while it arrives."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from maskfold.serving.refusal import RefusedError, too_many


class MultipartFiles:
    """Every part is a photograph, whatever its field is called.

    Args:
        boundary: What separates the parts.
        most: How many parts there may be.

    Raises:
        RefusedError: If there is no boundary, or an impossible one.
    """

    def __init__(self, boundary: bytes, most: int) -> None:
        if not boundary:
            raise RefusedError(HTTPStatus.BAD_REQUEST, "multipart/form-data without a boundary")
        self._most = most
        self._files: list[tuple[str, bytearray]] = []
        self._header: tuple[bytearray, bytearray] = (bytearray(), bytearray())
        self._complete = False
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_begin": self._begin_header,
                    "on_header_field": self._on_field,
                    "on_header_value": self._on_value,
                    "on_header_end": self._end_header,
                    "on_part_data": self._on_data,
                    "on_end": self._end,
                },
            )
        except FormParserError as error:
            raise _malformed(error) from None

    def write(self, chunk: bytes) -> None:
        """Take the next piece of the body.

        Raises:
            RefusedError: If it is malformed, or has too many parts.
        """
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise _malformed(error) from None

    def finish(self) -> Iterator[tuple[str, bytes]]:
        """Return name and content of each file, in their order.

        Raises:
            RefusedError: If the last boundary is missing.
        """
        if not self._complete:
            raise RefusedError(HTTPStatus.BAD_REQUEST, "multipart: the body ends before its last boundary")
        return ((name, bytes(content)) for name, content in self._files)

    def _begin(self) -> None:
        if len(self._files) >= self._most:
            raise too_many(self._most)
        self._files.append(("", bytearray()))

    def _begin_header(self) -> None:
        self._header = bytearray(), bytearray()

    def _on_field(self, data: bytes, start: int, end: int) -> None:
        self._header[0].extend(data[start:end])

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._header[1].extend(data[start:end])

    def _end_header(self) -> None:
        field, value = self._header
        if field.lower() == b"content-disposition":
            _, options = parse_options_header(bytes(value))
            name = options.get(b"filename", b"").decode("utf-8", "replace")
            self._files[-1] = name, self._files[-1][1]

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        self._files[-1][1].extend(data[start:end])

    def _end(self) -> None:
        self._complete = True


def _malformed(error: FormParserError) -> RefusedError:
    return RefusedError(HTTPStatus.BAD_REQUEST, f"multipart: {error}")
