"""REST calls to a HubSpot portal: a path and a body -> parsed JSON, or an error that says what is certain.

The client is the official hubspot-api-client; its generated methods carry one fixed version in their paths,
so its transport is used with paths that are built here: `v3` gives /crm/v3/objects/contacts, a date such as
`2026-03` gives /crm/objects/2026-03/contacts. The token is that of a private app
(https://developers.hubspot.com/docs/apps/legacy-apps/private-apps/overview).
Limits: 190 requests in 10 s and app, 100 rows a batch; over them 429
(https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ingestion.vendor_calls import (
    CallFailed,
    Certainty,
    PackageMissing,
    failure_of_status,
    failure_of_urllib3,
)

HOST = "https://api.hubapi.com"
API_VERSION = "v3"
ROWS_PER_BATCH = 100
_PAGE = 100
_PAGE_WITH_HISTORY = 50  # the most that a page of histories may hold


class HubSpotPortal:
    """One portal in the name of one private app. Not for several threads."""

    def __init__(
        self, token: str, *, url: str = HOST, version: str = API_VERSION, timeout_seconds: float = 20
    ) -> None:
        """Asks nothing yet. Raises PackageMissing."""
        try:
            import urllib3
            from hubspot import Client
            from hubspot.crm.objects import leads
        except ImportError as error:
            raise PackageMissing("HubSpot", "hubspot") from error
        # At DEBUG they write whole answers and addresses into the log.
        for name in (leads.rest.__name__, "urllib3"):
            logging.getLogger(name).setLevel(logging.INFO)
        once = urllib3.Retry(total=0, redirect=0, status=0, raise_on_redirect=False, raise_on_status=False)
        client = Client.create(access_token=token, retry=once, host=url.rstrip("/"))
        self._transport = client.crm.objects.leads.batch_api.api_client
        self._errors, self._library = leads.ApiException, urllib3.exceptions.HTTPError
        self._version, self._timeout, self.token = version, timeout_seconds, token
        self.requests = 0

    def close(self) -> None:
        """Closes the connections."""
        self._transport.rest_client.pool_manager.clear()

    def objects(self, kind: str, rest: str = "") -> str:
        """The path of an object type: `contacts`, `leads`, `deals`, ... or an id such as 2-123456."""
        if self._version.startswith("v"):
            return f"/crm/{self._version}/objects/{kind}{rest}"
        return f"/crm/objects/{self._version}/{kind}{rest}"

    def call(self, method: str, path: str, body: Any = None, query: Mapping[str, Any] | None = None) -> Any:
        """The JSON of a 2xx answer, also of 207; None for an empty one. Raises CallFailed."""
        self.requests += 1
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        try:
            answer = self._transport.call_api(
                path,
                method,
                query_params=list((query or {}).items()),
                header_params=headers,
                body=body,
                auth_settings=["oauth2"],
                _preload_content=False,
                _request_timeout=self._timeout,
            )
            content = answer.data  # read here: the connection may break in the middle of it
        except self._errors as error:
            raise _failure(error.status, error.headers, error.body) from error
        except self._library as error:
            raise failure_of_urllib3(error) from error
        if not 200 <= answer.status < 300:
            raise _failure(answer.status, answer.headers, content)
        try:
            return json.loads(content) if content else None
        except ValueError as error:
            raise CallFailed(Certainty.IN_DOUBT, "unreadable_answer", status=answer.status) from error

    def pages(
        self, kind: str, properties: Sequence[str], *, history: Sequence[str] = (), **query: str
    ) -> Iterator[dict[str, Any]]:
        """All objects of a type with some properties, page by page. Raises CallFailed."""
        said: dict[str, Any] = {"limit": str(_PAGE), "properties": ",".join(properties), **query}
        if history:
            said |= {"limit": str(_PAGE_WITH_HISTORY), "propertiesWithHistory": ",".join(history)}
        while True:
            page = self.call("GET", self.objects(kind), query=said)
            yield from page["results"]
            following = ((page.get("paging") or {}).get("next") or {}).get("after")
            if following is None:
                return
            said["after"] = following

    def read(
        self, kind: str, ids: Sequence[str], properties: Sequence[str], *, id_property: str | None = None
    ) -> Iterator[dict[str, Any]]:
        """The objects under these ids; what is not there is left out (207). Raises CallFailed."""
        for start in range(0, len(ids), ROWS_PER_BATCH):
            body: dict[str, Any] = {
                "inputs": [{"id": key} for key in ids[start : start + ROWS_PER_BATCH]],
                "properties": list(properties),
                "propertiesWithHistory": [],
            }
            if id_property:
                body["idProperty"] = id_property
            yield from self.call("POST", self.objects(kind, "/batch/read"), body)["results"]


def _failure(status: int, headers: Any, body: Any) -> CallFailed:
    try:
        said = json.loads(body) if body else {}
    except ValueError:
        said = {}
    said = said if isinstance(said, dict) else {}
    header = next((headers[name] for name in headers or {} if name.lower() == "retry-after"), None)
    return failure_of_status(status, retry_after=header, code=said.get("category"), text=said.get("message"))
