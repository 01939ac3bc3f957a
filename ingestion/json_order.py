"""A JSON text -> the same with sorted keys at every depth, and nothing else changed."""

import json
from operator import itemgetter


class _Number(str):
    """A number as it is written: read into a float, some would not come out the same."""


class _Members(list):
    """The members of an object, in order; a key that stands twice is kept twice."""


_READER = json.JSONDecoder(
    object_pairs_hook=lambda members: _Members(sorted(members, key=itemgetter(0))),
    parse_float=_Number,
    parse_int=_Number,
    parse_constant=_Number,
)


def sorted_text(text: str) -> str:
    """A JSON object as DuckDB writes it, with sorted keys at every depth; too deep for Python: as it came."""
    try:
        return _written(_READER.decode(text))
    except RecursionError:
        return text


def _written(value: object) -> str:
    if isinstance(value, _Number):
        return value
    if isinstance(value, _Members):
        return "{" + ",".join(f"{_written(key)}:{_written(inner)}" for key, inner in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_written, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
