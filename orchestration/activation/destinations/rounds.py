"""One `send` of a destination that looks before it writes: it looks and writes until each row has an answer.

    messages -> (look, write what differs) a few times -> one answer for each, in their order

What broke off is in doubt where a write may have arrived, and undone elsewhere.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from orchestration.activation.destinations import Answer, Message, Outcome

_ROUNDS = 4  # looks in one call, when others write the same records at the same time


class Rounds(ABC):
    """The messages of one `send`, the answers so far, and the keys of which a write may have arrived."""

    broken_off: ClassVar[type[Exception]]
    """What a call that failed raises."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self.messages = {message.key: _without_given(message) for message in messages}
        self.answers: dict[str, Answer] = {}
        self.touched: set[str] = set()

    @abstractmethod
    def look_and_write(self) -> None:
        """One look by key at what is left, then what must be written. Raises `broken_off`."""

    @abstractmethod
    def failed(self, error: Any, message: Message, *, is_doubtful: bool) -> Answer:
        """What an error that broke the call off means for a row that has no answer."""

    @property
    def left(self) -> list[Message]:
        """Messages without an answer."""
        return [message for key, message in self.messages.items() if key not in self.answers]

    def answered(self) -> list[Answer]:
        """One answer for each message; several looks where others write at the same time."""
        try:
            for _ in range(_ROUNDS):
                if not self.left:
                    break
                self.look_and_write()
        except self.broken_off as error:
            for message in self.left:
                doubt = message.key in self.touched
                self.answers[message.key] = self.failed(error, message, is_doubtful=doubt)
        changing = Answer(Outcome.RETRY, error_class="changing", text="others write these records now")
        return [self.answers.get(key, changing) for key in self.messages]


def _without_given(message: Message) -> Message:
    """First values that arrived once are not offered again: what became of them is the rep's word."""
    fill = {name: value for name, value in message.fill.items() if name not in message.given}
    return replace(message, fill=fill)
