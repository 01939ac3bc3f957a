"""The way back: every CRM whose variables are set -> files of the landing folder, each fetched alone.

One entry a system: the variables that open it, and how its rows come. A system that does not answer is said
in a sentence, after the others were fetched; nothing of it is lost, because its cursor did not move.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestration.trouble import Trouble

Pull = Callable[[Mapping[str, str], Path], dict[str, int]]


@dataclass(frozen=True)
class System:
    """A CRM: its name, the variables that it needs, and how it is pulled into a landing folder."""

    name: str
    variables: tuple[str, ...]
    pull: Pull


def pull_all(landing: Path, environment: Mapping[str, str] = os.environ) -> dict[str, int]:
    """Rows by system and kind, of every system whose variables are set.

    Raises Trouble: no system is set up, or one did not answer.
    """
    ready = [system for system in systems() if all(environment.get(name) for name in system.variables)]
    if not ready:
        sets = "; or ".join(" and ".join(system.variables) for system in systems())
        raise Trouble(f"Nothing can be fetched: set the environment variables {sets}.")
    counts: dict[str, int] = {}
    silent: list[str] = []
    for system in ready:
        try:
            found = system.pull(environment, landing)
        except _failures() as error:
            silent.append(f"{system.name} did not answer ({error})")
            continue
        counts |= {f"{system.name} {kind}": count for kind, count in found.items()}
    if silent:
        raise Trouble(f"{'; '.join(silent)}. Nothing is lost, pull again later.")
    return counts


def systems() -> tuple[System, ...]:
    """Every CRM that can be pulled."""
    return (
        System("tryton", _named("TRYTON", "URL", "USER", "PASSWORD"), _tryton),
        System("salesforce", _named("SALESFORCE", "URL", "CLIENT_ID", "CLIENT_SECRET"), _salesforce),
        System("hubspot", _named("HUBSPOT", "TOKEN"), _hubspot),
        System("bottlecrm", _named("BOTTLECRM", "URL", "TOKEN"), _bottlecrm),
    )


def _named(system: str, *parts: str) -> tuple[str, ...]:
    return tuple(f"IKUSEI_{system}_{part}" for part in parts)


def _failures() -> tuple[type[Exception], ...]:
    from ingestion.tryton_rpc import TrytonError
    from ingestion.vendor_calls import CallFailed, PackageMissing

    return (TrytonError, CallFailed, PackageMissing)


def _tryton(environment: Mapping[str, str], landing: Path) -> dict[str, int]:
    from ingestion import tryton
    from ingestion.tryton_rpc import Tryton

    client = Tryton(*(environment[name] for name in _named("TRYTON", "URL", "USER", "PASSWORD")))
    try:
        return tryton.pull(client, landing)
    finally:
        client.close()


def _salesforce(environment: Mapping[str, str], landing: Path) -> dict[str, int]:
    from ingestion import salesforce
    from ingestion.salesforce_rest import SalesforceOrg
    from orchestration.activation.destinations.webhook import checked_url

    names = _named("SALESFORCE", "URL", "CLIENT_ID", "CLIENT_SECRET")
    url, *client = (environment[name] for name in names)
    org = SalesforceOrg(checked_url(url, names[0]), *client)
    try:
        return salesforce.pull(org, landing)
    finally:
        org.close()


def _hubspot(environment: Mapping[str, str], landing: Path) -> dict[str, int]:
    from ingestion import hubspot
    from ingestion.hubspot_rest import HOST, HubSpotPortal
    from orchestration.activation.destinations.webhook import checked_url

    url = checked_url(environment.get("IKUSEI_HUBSPOT_URL") or HOST, "IKUSEI_HUBSPOT_URL")
    portal = HubSpotPortal(environment["IKUSEI_HUBSPOT_TOKEN"], url=url)
    try:
        return hubspot.pull(portal, landing)
    finally:
        portal.close()


def _bottlecrm(environment: Mapping[str, str], landing: Path) -> dict[str, int]:
    from ingestion import bottlecrm
    from ingestion.bottlecrm_rest import BottleOrg
    from orchestration.activation.destinations.webhook import checked_url

    names = _named("BOTTLECRM", "URL", "TOKEN")
    org = BottleOrg(checked_url(environment[names[0]], names[0]), environment[names[1]])
    try:
        return bottlecrm.pull(org, landing)
    finally:
        org.close()
