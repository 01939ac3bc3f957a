"""Workbooks (XLSX, XLS) -> rows of cells as the text that a person sees, sheet after sheet."""

import io
from collections.abc import Callable, Iterator
from itertools import chain

from python_calamine import SheetTypeEnum, load_workbook

from ingestion.files import Reading, Unreadable

_HEADER_WITHIN = 60


def rows(
    stored: bytes, reading: Reading, header_of: Callable[[list[str]], object]
) -> Iterator[tuple[int, list[str], str, str | None]]:
    """Rows (number, cells, text, None) of the first sheet and of every other that shows a header.

    Numbers go on from sheet to sheet, so that a row of the first sheet has the number that Excel shows.
    Raises Unreadable with the mend.
    """
    done = 0
    for place, sheet in enumerate(_sheets(stored)):
        head = [list(map(_cell_text, row)) for _, row in zip(range(_HEADER_WITHIN), sheet, strict=False)]
        skip = next((n for n, cells in enumerate(head) if header_of(cells)), None if place else 0)
        if skip is None:
            continue
        width = 0
        for number, cells in enumerate(chain(head, (list(map(_cell_text, row)) for row in sheet)), start=1):
            width = max(width, len(cells))
            cells += [""] * (width - len(cells))  # a workbook leaves out empty cells at the end of a row
            reading.lines_done = done + number
            if number > skip:
                yield done + number, cells, "\t".join(cells), None
        done = reading.lines_done


def _sheets(stored: bytes) -> Iterator[Iterator[list]]:
    """The rows of each sheet; whatever a damaged part makes the reader stumble on becomes a sentence."""
    try:
        book = load_workbook(io.BytesIO(stored))
        for sheet in book.sheets_metadata:
            if sheet.typ == SheetTypeEnum.WorkSheet:
                yield iter(book.get_sheet_by_name(sheet.name).iter_rows())
    except (GeneratorExit, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a panic of the reader is no Exception
        raise Unreadable(_mend(stored, error)) from error


def _mend(stored: bytes, error: BaseException) -> str:
    if "password" in str(error).lower() or b"E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a" in stored:
        return "is a workbook with a password: save it without one and send it again"
    return f"is not a workbook that can be read ({type(error).__name__}): save it as XLSX again"


def _cell_text(value: object) -> str:
    """A cell as text: whole numbers without point, dates in ISO form, nothing for an empty cell."""
    if value.__class__ is str:
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if hasattr(value, "isoformat"):
        return value.isoformat().removesuffix("T00:00:00")
    return str(value)
