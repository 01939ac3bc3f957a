"""Bytes of a table -> the encoding that they are in: by exact reading, never by a silent guess.

A byte order mark decides; else UTF-8 if every byte is right in it; else the encodings of Japan in which
every byte is right. Where two of those show a header, text that only one of them reads as kana decides, or
a person has to.
"""

import re
from collections.abc import Sequence

from ingestion.files import Unreadable

WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")
"""Marks of two bytes a sign: no line can be told before decoding."""

_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe\0\0", "utf-32"), (b"\xff\xfe", "utf-16"))
_MARKS += ((b"\xfe\xff", "utf-16"),)
_JAPANESE = ("cp932", "euc_jp", "euc_jis_2004")  # the last for EUC-JP with ㈱ and ① as Windows writes them
_NO_TEXT = re.compile("[\x80\xa0\uf8f0-\uf8f3]")  # what cp932 makes of bytes that it does not know
_KANA = re.compile("[ぁ-んァ-ヴ]")


def decoded(stored: bytes, encoding: str) -> str | None:
    """The text if every byte is right in the encoding, else None."""
    try:
        text = stored.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return None
    return None if encoding == "cp932" and _NO_TEXT.search(text) else text


def readable(stored: bytes, named: str | None = None) -> list[str]:
    """The encodings in which every byte can be read. Raises Unreadable with the mend if there is none.

    `named` is the one that a person has named, which is then the only one.
    """
    if named:
        if decoded(stored, named) is None:
            raise Unreadable(f"is not in {named} as its columns.yml says: correct the line `encoding` there")
        return [named]
    marked = next((encoding for mark, encoding in _MARKS if stored.startswith(mark)), None)
    if marked:
        candidates: Sequence[str] = (marked,)
    elif b"\x1b$" in stored:
        candidates = ("iso2022_jp_ext", "utf-8")
    else:
        candidates = ("utf-8",)
    found = [each for each in candidates if decoded(stored, each) is not None][:1]
    if not found and not marked:
        found = [each for each in _JAPANESE if decoded(stored, each) is not None]
        if "euc_jp" in found or b"\x8f" in stored:  # three-byte signs mean other kanji in the 2004 set
            found = [each for each in found if each != "euc_jis_2004"]
    if not found:
        raise Unreadable(
            "is in an encoding that cannot be read exactly: save it as UTF-8 (Excel: CSV UTF-8) and send"
            " it again"
        )
    return found


def told_apart(stored: bytes, encodings: list[str]) -> str:
    """The one of the encodings that is right. Raises Unreadable where only a person can know."""
    if len(encodings) > 1:
        with_kana = [each for each in encodings if _KANA.search(stored.decode(each))]
        encodings = with_kana if len(with_kana) == 1 else encodings
    if len(encodings) > 1:
        raise Unreadable(
            f"can be read as {' and as '.join(encodings)}, and only one is right: save it as UTF-8, or name"
            " it in a columns.yml beside it (`encoding: euc_jp`)"
        )
    return encodings[0]
