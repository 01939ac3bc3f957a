"""A HubSpot list as a mail audience: rows -> contacts, and those contacts -> one list, 100 a call.

Each row's contact is looked for as in `hubspot.py`, made or completed, and put into the list. Who leaves the
model leaves the list; the contact stays. Whom people took off the list is not put back: that is their word. A
list is a set, so an answer that was lost does no harm: class A. The list must be a static one
(processing type MANUAL or SNAPSHOT); its number stands in its address.

Vendor: https://developers.hubspot.com/docs/api-reference/crm-lists-v3/memberships/
put-crm-v3-lists-listId-memberships-add-and-remove
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from ingestion.hubspot_rest import HubSpotPortal
from ingestion.vendor_calls import CallFailed
from orchestration.activation.configuration import Sync
from orchestration.activation.destinations import Answer, Guarantee, Message, Outcome, ReadFailed, Seen
from orchestration.activation.destinations.hubspot import HubSpot
from orchestration.activation.destinations.keyed import Remote, Write

_IS_MEMBER = "is in the list"
_PAGE = "250"


class HubSpotList(HubSpot):
    """One static list of contacts."""

    guarantee: ClassVar = Guarantee(
        "A", "exactly once: a list holds a contact or does not; the rows are its set"
    )
    modes: ClassVar = frozenset({"upsert", "mirror"})
    needed_options: ClassVar = frozenset({"list", "id_property"})
    known_options: ClassVar = HubSpot.known_options | {"list"}

    def __init__(self, sync: Sync, portal: HubSpotPortal) -> None:
        super().__init__(replace(sync, options={**sync.options, "object": "contacts"}), portal)
        self._list = f"/crm/v3/lists/{int(sync.options['list'])}/memberships"

    def read(self, keys: Sequence[str] | None) -> Mapping[str, str]:
        """As for contacts, of those in the list."""
        return {key: seen.fingerprint for key, seen in self._seen(keys).items()}

    def look(self) -> Mapping[str, Seen]:
        """Every contact of ours in the list."""
        return self._seen(None)

    def find(self, messages: Sequence[Message]) -> dict[str, Remote]:
        """Contacts, without those that we had put into the list and that people took off it."""
        found = super().find(messages)
        for message in messages:
            remote = found.get(message.key)
            if remote is not None and message.is_update and not remote.values.get(_IS_MEMBER):
                del found[message.key]
        return found

    def find_keys(self, keys: Sequence[str] | None) -> dict[str, Remote]:
        """Contacts with our key, and whether each is in the list."""
        members, found = self._members(), super().find_keys(keys)
        for remote in found.values():
            remote.values = {**remote.values, _IS_MEMBER: remote.remote_id in members}
        return found

    def differing(self, message: Message, remote: Remote) -> dict[str, Any]:
        """As for contacts, and the membership where it is missing."""
        missing = {} if remote.values.get(_IS_MEMBER) else {_IS_MEMBER: True}
        return {**super().differing(message, remote), **missing}

    def write(self, writes: Sequence[Write]) -> list[Answer | None]:
        """The contacts first; then those of them that are there into the list."""
        plain = [
            replace(write, values={name: value for name, value in write.values.items() if name != _IS_MEMBER})
            for write in writes
        ]
        open_ones = [w for w in plain if w.values or w.remote is None or w.remote.is_adopted]
        answers = dict.fromkeys(write.message.key for write in writes)
        if open_ones:
            made = super().write(open_ones)
            answers |= {w.message.key: answer for w, answer in zip(open_ones, made, strict=True)}
        for write in plain:
            if write not in open_ones and write.remote is not None:
                answers[write.message.key] = Answer(Outcome.ACKED, 200, remote_id=write.remote.remote_id)
        ids = {key: str(said.remote_id) for key, said in answers.items() if _is_there(said)}
        missing = self._change(add=list(ids.values()))
        return [None if ids.get(key) in missing else answer for key, answer in answers.items()]

    def delete(self, doomed: Sequence[tuple[Message, Remote]]) -> list[Answer | None]:
        """Off the list; the contact stays."""
        self._change(remove=[remote.remote_id for _, remote in doomed])
        return [Answer(Outcome.ACKED, 200, remote_id=remote.remote_id) for _, remote in doomed]

    def _seen(self, keys: Sequence[str] | None) -> dict[str, Seen]:
        try:
            found = self.find_keys(keys)
        except CallFailed as error:
            raise ReadFailed(str(error)) from error
        return {
            key: Seen(self._hash(remote.values), self._hashes(remote.values), remote.remote_id)
            for key, remote in found.items()
            if remote.values[_IS_MEMBER]
        }

    def _members(self) -> set[str]:
        members: set[str] = set()
        query = {"limit": _PAGE}
        while True:
            page = self._portal.call("GET", self._list, query=query)
            members |= {str(row["recordId"]) for row in page["results"]}
            following = ((page.get("paging") or {}).get("next") or {}).get("after")
            if following is None:
                return members
            query["after"] = following

    def _change(self, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> set[str]:
        """Changes the list; returns the records that the portal does not have."""
        if not (add or remove):
            return set()
        body = {"recordIdsToAdd": list(add), "recordIdsToRemove": list(remove)}
        said = self._portal.call("PUT", f"{self._list}/add-and-remove", body)
        return {str(key) for key in (said or {}).get("recordIdsMissing") or []}


def _is_there(answer: Answer | None) -> bool:
    return answer is not None and answer.outcome is Outcome.ACKED and answer.remote_id is not None
