"""REST calls to a BottleCRM: a path and a body -> parsed JSON, or an error that says what is certain.

Reading and changing leads wants a personal access token; a new lead comes in by a lead webhook ("intake")
with a key of its own, which keeps one lead for each `external_id` whatever is repeated. BottleCRM
(PyPI: django-crm) writes its own OpenAPI by `django-admin spectacular`; tried against 1.35.0.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from ingestion.http_answers import NEVER_LEFT, is_loopback
from ingestion.vendor_calls import CallFailed, Certainty, failure_of_status

_PAGE = 200


class BottleOrg:
    """One organisation in the name of one token, and one intake with its key. Not for several threads."""

    def __init__(
        self, url: str, token: str, intake_id: str = "", key: str = "", timeout_seconds: float = 20
    ) -> None:
        """Asks nothing yet. `url` is the server's root, such as https://crm.example."""
        logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs each address at INFO
        self._client = httpx.Client(
            base_url=url.rstrip("/"),
            timeout=timeout_seconds,
            follow_redirects=False,  # personal data goes to the configured host or nowhere
            trust_env=not is_loopback(httpx.URL(url).host),
        )
        self._token, self.intake_id, self._key = token, intake_id, key
        self.requests = 0

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def lead(self, lead_id: str) -> dict[str, Any] | None:
        """One lead as it is now; None when nobody has it any more. Raises CallFailed."""
        try:
            return self._call("GET", f"/api/leads/{lead_id}/")["lead_obj"]
        except CallFailed as error:
            if error.status == 404:
                return None
            raise

    def leads(self) -> Iterator[dict[str, Any]]:
        """Every lead, open ones and closed ones. Raises CallFailed."""
        yield from self._pages("/api/leads/", "open_leads", "open_leads")
        yield from self._pages("/api/leads/", "close_leads", "close_leads")

    def opportunities(self) -> Iterator[dict[str, Any]]:
        """Every opportunity. Raises CallFailed."""
        yield from self._pages("/api/opportunities/", None, "opportunities")

    def arrivals(self) -> Iterator[dict[str, Any]]:
        """What the intake did with each post that it still remembers, newest first. Raises CallFailed."""
        yield from self._pages(f"/api/leads/intakes/{self.intake_id}/deliveries/", None, "deliveries")

    def arrive(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Posts a lead to the intake: {"result": created | duplicate | merged, "lead": id}."""
        return self._call("POST", f"/api/public/leads/{self.intake_id}/", body, key=self._key)

    def change(self, lead_id: str, values: Mapping[str, Any]) -> None:
        """Writes some fields of a lead. Raises CallFailed."""
        self._call("PATCH", f"/api/leads/{lead_id}/", values)

    def _pages(self, path: str, group: str | None, name: str) -> Iterator[dict[str, Any]]:
        seen: set[str] = set()
        while True:
            said = self._call("GET", path, query={"limit": _PAGE, "offset": len(seen)})
            rows = (said[group] if group else said)[name]
            new = [row for row in rows if row["id"] not in seen]
            yield from new
            seen |= {row["id"] for row in new}
            if len(rows) < _PAGE or not new:
                return

    def _call(
        self, method: str, path: str, body: Any = None, *, query: Any = None, key: str | None = None
    ) -> dict[str, Any]:
        self.requests += 1
        headers = {"authorization": f"Bearer {key or self._token}"}
        try:
            response = self._client.request(method, path, json=body, params=query, headers=headers)
        except NEVER_LEFT as error:
            raise CallFailed(Certainty.NOT_REACHED, "no_connection") from error
        except httpx.TimeoutException as error:
            raise CallFailed(Certainty.IN_DOUBT, "time_out") from error
        except httpx.HTTPError as error:
            raise CallFailed(Certainty.IN_DOUBT, "broken_connection") from error
        if not response.is_success:
            wait = response.headers.get("retry-after")
            raise failure_of_status(response.status_code, retry_after=wait, text=response.text[:300])
        try:
            said = response.json()
        except ValueError as error:
            raise CallFailed(Certainty.IN_DOUBT, "unreadable_answer", status=response.status_code) from error
        if not isinstance(said, dict):
            raise CallFailed(Certainty.IN_DOUBT, "unreadable_answer", status=response.status_code)
        return said
