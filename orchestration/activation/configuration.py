"""Sync definitions: YAML files in `dbt_project/models/7_activation/syncs/` -> checked `Sync` objects.

A file says which model feeds which destination, which column becomes which field, who owns each field and
why, what holds the sync back (guards), and whose consent is asked again before a row leaves. Secrets are
named, never written: `secrets: {url: IKUSEI_WEBHOOK_URL}` says which environment variable holds the address.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import yaml

from orchestration.trouble import Trouble

OWNERSHIPS = ("overwrite", "fill", "never")
MODES = ("insert", "update_only", "upsert", "mirror", "archive")
CONSENTS = ("granted", "not_denied")
_RELATION = re.compile(r"^[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*$")
_NAME = re.compile(r"^[a-z][a-z0-9_]*$")
_KEYS = {
    "sync",
    "why",
    "model",
    "destination",
    "mode",
    "secrets",
    "options",
    "consent",
    "guards",
    "fields",
} | {"key_changes"}


class ActivationError(Trouble):
    """Sending cannot go on until somebody mends something; the message is a sentence that says what."""


class ConfigurationError(ActivationError):
    """A sync file is wrong; the sentence names file, line and mend."""


@dataclass(frozen=True)
class Field:
    """One field of the other system: where its value comes from and who owns it.

    ownership `overwrite`: we own it, each change is sent. `fill`: we give a first value, the other side keeps
    what it has. `never`: it is listed with the reason, so that nobody maps it by mistake, and is not sent.
    """

    name: str
    column: str
    ownership: str
    why: str


@dataclass(frozen=True)
class Guards:
    """What holds a whole sync back until a person looks; None switches one off.

    `_pct` is the change of the model's rows in percent since it was last sent, counted from `swing_from_rows`
    rows.
    """

    empty_model: str = "hold"
    most_creates: int | None = 5000
    shrink_pct: float | None = 50
    growth_pct: float | None = 300
    swing_from_rows: int = 20


@dataclass(frozen=True)
class Consent:
    """Whose consent is asked again in the engine.

    `accepts`: `granted` wants a yes, `not_denied` takes silence too. `relation` has person_id, channel and
    status; who is `denied` there on one of `channels` (empty: any) is withheld.
    """

    accepts: str = "not_denied"
    relation: str | None = None
    channels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sync:
    """One sync definition, checked."""

    name: str
    why: str
    model: str
    destination: str
    mode: str
    secrets: Mapping[str, str]
    options: Mapping[str, Any]
    fields: tuple[Field, ...]
    guards: Guards
    consent: Consent
    path: Path
    key_changes: str | None = None

    @property
    def sent_fields(self) -> tuple[Field, ...]:
        """The fields that leave, in the order of the file."""
        return tuple(field for field in self.fields if field.ownership != "never")

    @property
    def config_digest(self) -> str:
        """Hash of what decides an answer of the other side; a change lets rejected rows try again."""
        fields = [[field.name, field.column, field.ownership] for field in self.fields]
        said = [self.model, self.destination, self.mode, dict(self.options), dict(self.secrets), fields]
        return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()[:16]


def read_syncs(folder: Path, *, only: str | None = None) -> list[Sync]:
    """All sync files of a folder, sorted by name; `only` picks one by its name.

    Raises ConfigurationError naming file, line and mend; also when `only` names no sync or a name is taken
    twice.
    """
    if not folder.is_dir():
        raise ConfigurationError(
            f"{folder} is not a folder of sync files; pass the folder that holds the *.yml."
        )
    syncs = [read_sync(path) for path in sorted([*folder.glob("*.yml"), *folder.glob("*.yaml")])]
    by_name: dict[str, Sync] = {}
    for sync in syncs:
        if sync.name in by_name:
            raise ConfigurationError(
                f"{sync.path}: the sync name '{sync.name}' is taken by {by_name[sync.name].path}; rename one."
            )
        by_name[sync.name] = sync
    if only is None:
        return sorted(syncs, key=lambda sync: sync.name)
    if only not in by_name:
        known = ", ".join(sorted(by_name)) or "none"
        raise ConfigurationError(f"There is no sync '{only}' in {folder}; known are: {known}.")
    return [by_name[only]]


def read_sync(path: Path) -> Sync:
    """One sync file. Raises ConfigurationError naming file, line and mend."""
    page = _Page(path)
    page.refuse_unknown((), _KEYS)
    name = page.text(("sync",))
    if not _NAME.match(name):
        page.fail(("sync",), f"'{name}' is not a name; use lower case letters, digits and underscores")
    sync = Sync(
        name=name,
        why=page.text(("why",)),
        model=page.relation(("model",)),
        destination=page.text(("destination",)),
        mode=page.one_of(("mode",), MODES),
        secrets=page.mapping(("secrets",)),
        options=page.mapping(("options",)),
        fields=_fields(page),
        guards=_guards(page),
        consent=_consent(page),
        path=path,
        key_changes=page.relation(("key_changes",)) if page.get(("key_changes",), None) else None,
    )
    _check_destination(sync, page)
    return sync


def _fields(page: _Page) -> tuple[Field, ...]:
    named = page.mapping(("fields",))
    if not named:
        page.fail(("fields",), "a sync needs at least one field")
    fields = []
    for name in named:
        at = ("fields", name)
        page.refuse_unknown(at, {"column", "ownership", "why"})
        column = page.get((*at, "column"), name)
        ownership = page.one_of((*at, "ownership"), OWNERSHIPS)
        fields.append(Field(name, str(column), ownership, page.text((*at, "why"))))
    if all(field.ownership == "never" for field in fields):
        page.fail(
            ("fields",), "every field is 'never', so nothing would be sent; give one 'overwrite' or 'fill'"
        )
    return tuple(fields)


def _guards(page: _Page) -> Guards:
    given = page.mapping(("guards",))
    page.refuse_unknown(("guards",), set(Guards.__dataclass_fields__))
    for name in given:
        at = ("guards", name)
        if name == "empty_model":
            page.one_of(at, ("hold", "allow"))
        elif given[name] is not None and (
            isinstance(given[name], bool) or not isinstance(given[name], int | float)
        ):
            page.fail(
                at, f"'{given[name]}' is not a number; write a number, or null to switch this guard off"
            )
    return Guards(**given)


def _consent(page: _Page) -> Consent:
    if not page.mapping(("consent",)):
        return Consent()
    page.refuse_unknown(("consent",), {"accepts", "relation", "channels"})
    relation = page.relation(("consent", "relation")) if page.get(("consent", "relation"), None) else None
    channels = page.get(("consent", "channels"), None) or []
    if not isinstance(channels, list):
        page.fail(("consent", "channels"), "channels is a list, such as [email]")
    return Consent(page.one_of(("consent", "accepts"), CONSENTS), relation, tuple(map(str, channels)))


def _check_destination(sync: Sync, page: _Page) -> None:
    from orchestration.activation.destinations import destination_kinds

    kinds = destination_kinds()
    if sync.destination not in kinds:
        page.fail(
            ("destination",), f"'{sync.destination}' is not a destination; known are {', '.join(kinds)}"
        )
    kind = kinds[sync.destination]
    if sync.mode not in kind.modes:
        page.fail(
            ("mode",), f"{sync.destination} cannot '{sync.mode}'; it can {', '.join(sorted(kind.modes))}"
        )
    for field in sync.fields:
        if field.ownership != "never" and field.ownership not in kind.ownerships:
            page.fail(
                ("fields", field.name, "ownership"),
                f"{sync.destination} cannot keep a field as '{field.ownership}'; use "
                + " or ".join([*sorted(kind.ownerships), "never"]),
            )
    for secret in sorted(kind.secrets - set(sync.secrets)):
        page.fail(("secrets",), f"name the environment variable that holds '{secret}'")
    for option in sorted(kind.needed_options - set(sync.options)):
        page.fail(("options",), f"{sync.destination} needs the option '{option}'")
    for option in sorted(set(sync.options) - kind.needed_options - kind.known_options):
        page.fail(("options", option), f"{sync.destination} knows no option '{option}'")


class _Page:
    """A YAML file with the line of each entry, so that an error can point at it."""

    def __init__(self, path: Path) -> None:
        self.path, self.lines = path, {}
        try:
            text = path.read_text(encoding="utf-8")
            loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
            node = loader.get_single_node()
            self.data = loader.construct_document(node) if node is not None else None
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            where = getattr(getattr(error, "problem_mark", None), "line", 0) + 1
            raise ConfigurationError(f"{path}, line {where}: this is not readable YAML ({error}).") from error
        if not isinstance(self.data, dict):
            raise ConfigurationError(
                f"{path}, line 1: a sync file is a mapping that starts with 'sync: <name>'."
            )
        self._note_lines(node, ())

    def _note_lines(self, node: yaml.Node, at: tuple[str, ...]) -> None:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                place = (*at, str(key.value))
                if place in self.lines:
                    self.fail(place, f"'{key.value}' is written twice; keep one")
                self.lines[place] = key.start_mark.line + 1
                self._note_lines(value, place)

    def fail(self, at: tuple[str, ...], sentence: str) -> NoReturn:
        """Raises a ConfigurationError that points at the nearest known line."""
        place = at
        while place and place not in self.lines:
            place = place[:-1]
        what = ".".join(at) or "the file"
        raise ConfigurationError(f"{self.path}, line {self.lines.get(place, 1)}: {what}: {sentence}.")

    def get(self, at: tuple[str, ...], default: Any) -> Any:
        """The value at a path of keys, or the default when a key is missing."""
        value: Any = self.data
        for key in at:
            if not isinstance(value, dict) or key not in value:
                return default
            value = value[key]
        return value

    def text(self, at: tuple[str, ...]) -> str:
        """A text that must be there and not be empty."""
        value = self.get(at, None)
        if not isinstance(value, str) or not value.strip():
            self.fail(at, f"write '{at[-1]}: <text>'")
        return value.strip()

    def relation(self, at: tuple[str, ...]) -> str:
        """A `schema.table` name in lower case."""
        value = self.text(at)
        if not _RELATION.match(value):
            self.fail(at, f"'{value}' is not a relation; write schema.table in lower case")
        return value

    def one_of(self, at: tuple[str, ...], words: tuple[str, ...]) -> str:
        """One of the words."""
        value = self.get(at, None)
        if value not in words:
            self.fail(at, f"'{value}' is not one of {', '.join(words)}")
        return value

    def mapping(self, at: tuple[str, ...]) -> dict[str, Any]:
        """A mapping, empty when missing."""
        value = self.get(at, None)
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.fail(at, "this is a mapping of names to values")
        return value

    def refuse_unknown(self, at: tuple[str, ...], known: set[str]) -> None:
        """Fails on a key that is not known: a misspelt guard must not be a guard that is off."""
        for key in (
            self.get(at, None) or {} if isinstance(self.get(at, None), dict) else self.fail(at, "a mapping")
        ):
            if key not in known:
                self.fail((*at, str(key)), f"'{key}' is not known here; known are {', '.join(sorted(known))}")
