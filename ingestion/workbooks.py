"""Workbooks (XLSX, XLS) -> rows of cells as the text that a person sees, sheet after sheet."""

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from itertools import chain

from ingestion.files import Reading, Unreadable

_HEADER_WITHIN = 60
_CELLS_AT_MOST = 30_000_000  # a sheet is held as a block: one stray cell in the last corner makes billions
_ROW = re.compile(rb'<row [^>]*?r="(\d+)"')
_COLUMN = re.compile(rb'<c [^>]*?r="([A-Z]{1,3})\d')


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
        if stored[:2] == b"PK":
            _check_extent(stored)
            yield from _sheets_of_xlsx(stored)
        else:
            yield from _sheets_of_xls(stored)
    except (Unreadable, GeneratorExit, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a panic of calamine is no Exception
        raise Unreadable(_mend(stored, error)) from error


def _sheets_of_xlsx(stored: bytes) -> Iterator[Iterator[list]]:
    from python_calamine import SheetTypeEnum, load_workbook

    book = load_workbook(io.BytesIO(stored))
    for sheet in book.sheets_metadata:
        if sheet.typ == SheetTypeEnum.WorkSheet:
            yield iter(book.get_sheet_by_name(sheet.name).iter_rows())


def _sheets_of_xls(stored: bytes) -> Iterator[Iterator[list]]:
    """By xlrd: calamine takes memory without end on a damaged XLS."""
    try:
        import xlrd
    except ImportError:
        mend = "install it, or save the file as XLSX"
        raise Unreadable(
            f"is an XLS, and the package xlrd that reads those is not installed: {mend}"
        ) from None

    def value(cell: xlrd.sheet.Cell) -> object:
        if cell.ctype == xlrd.XL_CELL_DATE:
            moment = xlrd.xldate_as_datetime(cell.value, book.datemode)
            return moment.time() if cell.value < 1 else moment
        if cell.ctype == xlrd.XL_CELL_BOOLEAN:
            return bool(cell.value)
        return None if cell.ctype == xlrd.XL_CELL_ERROR else cell.value

    book = xlrd.open_workbook(file_contents=stored, logfile=io.StringIO(), ragged_rows=True)
    for sheet in book.sheets():
        yield iter([[value(cell) for cell in sheet.row(number)] for number in range(sheet.nrows)])


def _check_extent(stored: bytes) -> None:
    """Raises Unreadable for an XLSX with a sheet that is too far across to be held."""
    with zipfile.ZipFile(io.BytesIO(stored)) as book:
        for part in book.infolist():
            if part.filename.startswith("xl/worksheets/") and part.filename.endswith(".xml"):
                with book.open(part) as sheet:
                    height, width = _extent(sheet)
                if height * width > _CELLS_AT_MOST:
                    raise Unreadable(
                        f"has a sheet of {height:,} rows and {width:,} columns: delete the rows and columns"
                        " beside the list, which hold stray cells, and save it again"
                    )


def _extent(sheet: io.BufferedIOBase) -> tuple[int, int]:
    """The last row and the last column of a sheet's XML."""
    height, columns, rest = 0, set(), b""
    while block := sheet.read(1 << 22):
        text = rest + block
        height = max(height, *map(int, _ROW.findall(text)), 0)
        columns.update(_COLUMN.findall(text))
        rest = text[-200:]
    return height, max(map(_column_number, columns), default=0)


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


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
