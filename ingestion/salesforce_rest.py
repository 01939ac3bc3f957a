"""REST calls to a Salesforce org: a path and a body -> parsed JSON, or an error that says what is certain.

The client is simple-salesforce; it builds only https addresses of Salesforce's own hosts, so its `base_url`
is set here to the address that was configured. Token: OAuth 2.0 client credentials of a connected app
(https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_client_credentials_flow.htm).
The daily API calls of an org are shared by everybody: `Sforce-Limit-Info` is read after each call, and the
last `reserve_pct` of them are left to the others.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from ingestion.http_answers import is_loopback
from ingestion.vendor_calls import (
    CallFailed,
    Certainty,
    PackageMissing,
    failure_of_status,
    failure_of_urllib3,
)

API_VERSION = "62.0"
_QUOTA = "REQUEST_LIMIT_EXCEEDED"
_QUOTA_WAIT_SECONDS = 3600.0  # the limit is of the last 24 hours, so some calls come back every hour


class SalesforceOrg:
    """One org in the name of one connected app. Not for several threads."""

    def __init__(
        self,
        url: str,
        client_id: str,
        client_secret: str,
        *,
        version: str = API_VERSION,
        timeout_seconds: float = 20,
        reserve_pct: float = 10,
    ) -> None:
        """`url` is the org's My Domain, such as https://example.my.salesforce.com. Asks nothing yet.

        Raises PackageMissing.
        """
        try:
            import requests
            import simple_salesforce
        except ImportError as error:
            raise PackageMissing("Salesforce", "salesforce") from error
        logging.getLogger("urllib3").setLevel(logging.INFO)  # at DEBUG it writes queries into the log
        self._library, self._requests = simple_salesforce, requests
        self._url, self._client_id, self._client_secret = url.rstrip("/"), client_id, client_secret
        self._version, self._timeout, self._reserve_pct = version, timeout_seconds, reserve_pct
        self._session = requests.Session()
        self._session.trust_env = not is_loopback(httpx.URL(url).host)
        self._session.hooks["response"] = [self._remember]
        self._last: Any = None
        self._org: Any = None
        self.requests = 0
        self.user_id: str | None = None  # whose writes are ours, known from the first call on

    def close(self) -> None:
        """Closes the connections; the token ends by itself."""
        self._session.close()

    def call(self, method: str, path: str, body: Any = None, params: Mapping[str, Any] | None = None) -> Any:
        """The JSON of an answer below /services/data/vXX.X/; None for an empty one. Raises CallFailed."""
        self._keep_reserve()
        if self._org is None:
            self._login()
        try:
            return self._ask(method, path, body, params)
        except CallFailed as error:
            if error.status != 401:
                raise
            self._login()  # tokens run out; what was turned away with 401 did nothing
            return self._ask(method, path, body, params)

    def query(self, soql: str, *, is_with_deleted: bool = False) -> Iterator[dict[str, Any]]:
        """The records of a SOQL query, page by page, without their `attributes`. Raises CallFailed."""
        path = "queryAll/" if is_with_deleted else "query/"
        page = self.call("GET", path, params={"q": soql})
        while True:
            for record in page["records"]:
                yield {name: value for name, value in record.items() if name != "attributes"}
            if page.get("done", True):
                return
            page = self.call("GET", f"{path}{page['nextRecordsUrl'].rsplit('/', 1)[-1]}")

    def _remember(self, response: Any, *_: Any, **__: Any) -> None:
        self._last = response

    def _login(self) -> None:
        """A token, or an error before anything was done."""
        self._org = None
        form = {
            "grant_type": "client_credentials",
            "client_id": self._client_id,
            "client_secret": self._client_secret,
        }
        address = f"{self._url}/services/oauth2/token"
        try:
            self.requests += 1
            answer = self._session.post(address, data=form, timeout=self._timeout, allow_redirects=False)
            said = answer.json() if answer.status_code == 200 else {}
        except (self._requests.RequestException, ValueError) as error:
            raise CallFailed(Certainty.NOT_REACHED, "login") from error
        if "access_token" not in said:
            is_ours = answer.status_code in (400, 401)
            certainty = Certainty.NOT_ALLOWED if is_ours else Certainty.NOT_REACHED
            raise CallFailed(certainty, "login", status=401 if is_ours else answer.status_code)
        self.user_id = str(said.get("id", "")).rsplit("/", 1)[-1] or None
        self._org = self._library.Salesforce(
            instance_url=self._url,
            session_id=said["access_token"],
            session=self._session,
            version=self._version,
        )
        self._org.base_url = f"{self._url}/services/data/v{self._version}/"

    def _ask(self, method: str, path: str, body: Any, params: Mapping[str, Any] | None) -> Any:
        self.requests += 1
        more = {"json": body} if body is not None else {}
        try:
            return self._org.restful(
                path, params=params, method=method, timeout=self._timeout, allow_redirects=False, **more
            )
        except self._library.exceptions.SalesforceError as error:
            raise self._failure(error) from error
        except self._requests.RequestException as error:
            raise failure_of_urllib3(error) from error
        except ValueError as error:
            raise CallFailed(Certainty.IN_DOUBT, "unreadable_answer", status=200) from error

    def _failure(self, error: Any) -> CallFailed:
        content = error.content[0] if isinstance(error.content, list) and error.content else error.content
        said = content if isinstance(content, dict) else {}
        code, text = said.get("errorCode"), said.get("message")
        if code == _QUOTA:
            return CallFailed(
                Certainty.BUSY, "quota", status=error.status, code=code, retry_after=_QUOTA_WAIT_SECONDS
            )
        header = self._last.headers.get("retry-after") if self._last is not None else None
        return failure_of_status(error.status, retry_after=header, code=code, text=text)

    def _keep_reserve(self) -> None:
        usage = self._org.api_usage.get("api-usage") if self._org is not None else None
        if usage and usage.total and usage.used >= usage.total * (1 - self._reserve_pct / 100):
            raise CallFailed(Certainty.BUSY, "quota", code=_QUOTA, retry_after=_QUOTA_WAIT_SECONDS)


def quoted(value: str) -> str:
    """A text as a SOQL literal (Salesforce, "Quoted String Escape Sequences")."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
