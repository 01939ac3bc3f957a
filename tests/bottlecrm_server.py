"""A BottleCRM of our own on this machine for the long lane: venv -> template database -> running server.

Installing takes a minute and 150 migrations some minutes, once a machine; everything lies below one folder
of the temporary directory, the logs too that its settings open in the directory it is started in. It is
spoken to over HTTP only.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from orchestration.activation.local_tryton import (
    NoTryton,
    free_port,
    give,
    missing_programs,
    postgres,
    postgres_bin,
    run_program,
)

REQUIREMENT = "django-crm==1.35.0"  # needs Python 3.12
FIELDS = ("first_name", "last_name", "email", "phone", "company_name", "job_title", "description")
USER, ORG = "admin@example.com", "Ikusei"


class NoBottleCrm(Exception):
    """A BottleCRM cannot be started here; the sentence says what is missing."""


@dataclass
class LocalBottleCrm:
    """A running server with one organisation, a token of its administrator, and one intake."""

    url: str
    token: str
    intake: str
    key: str
    dsn: dict[str, str | int]

    def secrets(self) -> dict[str, str]:
        """What the environment of `ikusei sync apply` must hold."""
        return {
            "IKUSEI_BOTTLECRM_URL": self.url,
            "IKUSEI_BOTTLECRM_TOKEN": self.token,
            "IKUSEI_BOTTLECRM_INTAKE": self.intake,
            "IKUSEI_BOTTLECRM_INTAKE_KEY": self.key,
        }

    def client(self) -> httpx.Client:
        """A client in the name of the administrator."""
        return httpx.Client(
            base_url=self.url, headers={"authorization": f"Bearer {self.token}"}, timeout=60, trust_env=False
        )


@contextmanager
def running_bottlecrm() -> Iterator[LocalBottleCrm]:
    """A server on a copy of the template. Raises NoBottleCrm."""
    try:
        cache = _template()
    except NoTryton as error:
        raise NoBottleCrm(str(error)) from error
    folder = Path(tempfile.mkdtemp(prefix="ikusei-bottle-"))
    give(folder)
    shutil.copytree(cache / "cluster", folder / "cluster", symlinks=True)
    give(folder, deeply=True)
    pg_port, port, server = free_port(), free_port(), None
    postgres(folder, pg_port, "start")
    try:
        environment = _environment(pg_port)
        with (folder / "server.log").open("ab") as log:
            command = [
                str(cache / "venv" / "bin" / "gunicorn"),
                "crm.wsgi:application",
                "-b",
                f"127.0.0.1:{port}",
            ]
            server = subprocess.Popen(
                [*command, "--workers", "1", "--threads", "8"],
                env=environment,
                stdout=log,
                stderr=log,
                cwd=folder,
            )
        url = f"http://127.0.0.1:{port}"
        _wait_until_up(url, server)
        yield _with_an_organisation(cache, folder, url, environment, pg_port)
    finally:
        if server is not None:
            server.terminate()
            server.wait(30)
        postgres(folder, pg_port, "stop")
        shutil.rmtree(folder, ignore_errors=True)


def _wait_until_up(url: str, server: subprocess.Popen) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until and server.poll() is None:
        try:
            httpx.get(url, timeout=60, trust_env=False)  # whatever it answers, it answers
            return
        except httpx.TransportError:
            time.sleep(0.3)
    raise NoBottleCrm(f"The BottleCRM at {url} did not come up; its log is server.log in its folder.")


def _with_an_organisation(
    cache: Path, folder: Path, url: str, environment: dict[str, str], pg_port: int
) -> LocalBottleCrm:
    token = _login(cache, folder, environment, "--create")
    client = httpx.Client(base_url=url, timeout=60, trust_env=False)
    as_founder = {"authorization": f"Bearer {token}"}
    client.post("/api/org/", json={"name": ORG}, headers=as_founder).raise_for_status()
    client.headers["authorization"] = f"Bearer {_login(cache, folder, environment, '--org', ORG)}"
    own = client.post("/api/profile/tokens/", json={"name": "sync"}).raise_for_status().json()["token"]
    mapping = [{"from": name, "to": name} for name in FIELDS]
    intake = client.post("/api/leads/intakes/", json={"name": "warehouse", "mapping": mapping})
    said = intake.raise_for_status().json()
    dsn = {"host": "127.0.0.1", "port": pg_port, "user": "tryton", "dbname": "bottlecrm"}
    return LocalBottleCrm(url, own, said["id"], said["key"], dsn)


def _login(cache: Path, folder: Path, environment: dict[str, str], *words: str) -> str:
    said = _django_admin(cache, folder, environment, "devlogin", USER, *words)
    return re.search(r"access_token:\s+(\S+)", said)[1]


def _django_admin(cache: Path, folder: Path, environment: dict[str, str], *words: str) -> str:
    """What a command of the server says; it runs in `folder`, where its logs stay. Raises NoBottleCrm."""
    command = [str(cache / "venv" / "bin" / "django-admin"), *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=folder)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [str(done.returncode)])[-1]
        raise NoBottleCrm(f"django-admin {words[0]} failed ({last}).")
    return done.stdout


def _environment(pg_port: int) -> dict[str, str]:
    return {
        **os.environ,
        "SECRET_KEY": "only-on-loopback-" * 4,
        "DEBUG": "True",  # its development login wants it
        "DJANGO_SETTINGS_MODULE": "crm.settings",
        **{"DBNAME": "bottlecrm", "DBUSER": "tryton", "DBPASSWORD": "none"},
        **{"DBHOST": "127.0.0.1", "DBPORT": str(pg_port)},
        **{"LEAD_INTAKE_THROTTLE_MINUTE": "100000/min", "LEAD_INTAKE_THROTTLE_DAY": "1000000/day"},
    }


def _template() -> Path:
    if missing := missing_programs():
        raise NoTryton(missing)
    cache = Path(tempfile.gettempdir()) / f"ikusei-bottlecrm-1.35.0-{os.getuid()}"
    cache.mkdir(mode=0o755, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (cache / "ready").exists():
            for left in ("venv", "cluster", "build"):
                shutil.rmtree(cache / left, ignore_errors=True)
            run_program([_python(), "-m", "venv", str(cache / "venv")])
            run_program([str(cache / "venv" / "bin" / "pip"), "install", "-q", REQUIREMENT])
            _migrate(cache)
            (cache / "ready").touch()
    return cache


def _migrate(cache: Path) -> None:
    folder, bin_folder, port = cache / "build", postgres_bin(), free_port()
    folder.mkdir()
    give(folder)
    initdb = [str(bin_folder / "initdb"), "-D", str(folder / "cluster"), "-U", "tryton", "--auth=trust"]
    run_program([*initdb, "--no-locale", "-E", "UTF8", "--no-sync"], as_server_user=True)
    postgres(folder, port, "start")
    try:
        where = ["-h", "127.0.0.1", "-p", str(port), "-U", "tryton"]
        run_program([str(bin_folder / "createdb"), *where, "bottlecrm"])
        _django_admin(cache, folder, _environment(port), "migrate", "--no-input")
    finally:
        postgres(folder, port, "stop")
    (folder / "cluster").rename(cache / "cluster")


def _python() -> str:
    """A Python of 3.12 or later, which this one may not be."""
    versions = sorted(Path.home().glob(".pyenv/versions/3.1[2-9]*/bin/python"))
    for candidate in (sys.executable, shutil.which("python3.12"), shutil.which("python3.13"), *versions):
        said = "import sys; sys.exit(sys.version_info < (3, 12))"
        if candidate and subprocess.run([candidate, "-c", said], capture_output=True).returncode == 0:
            return str(candidate)
    raise NoTryton("BottleCRM needs a Python of 3.12 or later.")
