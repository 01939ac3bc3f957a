"""A Tryton of our own on this machine, for the demo and the tests: venv -> template database -> running
server.

Everything lies below one folder of the temporary directory: the venv (trytond and our key module from PyPI
and `tryton_warehouse_key/`), a PostgreSQL cluster with the finished template, and for each server a copy of
that cluster. Building takes a minute or two, once; a server then starts in a few seconds. Tryton is spoken to
over HTTP only and never imported here.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from ingestion.tryton_rpc import Tryton, TrytonError
from orchestration.trouble import Trouble

REQUIREMENTS = (
    "trytond[PostgreSQL]==8.2.1",
    "trytond-sale-opportunity==8.2.0",
    "trytond-party==8.2.0",
)
MODULE = Path(__file__).resolve().parents[2] / "tryton_warehouse_key"
DATABASE, ADMIN, SENDER, REP = "crm", "admin", "warehouse_sync", "rep"
PASSWORD = "only-on-loopback-1"  # of a server that listens on 127.0.0.1 and is thrown away
_SALES_GROUPS = ("Sale Opportunity", "Sales", "Sales Administrator", "Party Administration")
# A throw-away cluster: its machine's power cut is not what is tested.
_SETTINGS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off", "jit=off")

Say = Callable[[str], None]


class NoTryton(Trouble):
    """A Tryton cannot be started here; the sentence says what is missing."""


@dataclass
class LocalTryton:
    """A running server. `url` ends in the database; `dsn` is its PostgreSQL, to look without the server."""

    url: str
    dsn: dict[str, str | int]
    folder: Path
    python: Path
    port: int
    server: subprocess.Popen

    def client(self, user: str = SENDER) -> Tryton:
        """A client in the name of a user."""
        return Tryton(self.url, user, PASSWORD)

    def secrets(self) -> dict[str, str]:
        """What the environment of `ikusei sync apply` must hold."""
        return {
            "IKUSEI_TRYTON_URL": self.url,
            "IKUSEI_TRYTON_USER": SENDER,
            "IKUSEI_TRYTON_PASSWORD": PASSWORD,
        }

    def kill(self) -> None:
        """kill -9 of the server process."""
        self.server.kill()
        self.server.wait(30)

    def start(self) -> None:
        """Starts the server process (again) on the same port and waits until it answers."""
        self.server = _start_server(self.folder, self.python, self.port)
        _wait_until_up(self.url, self.server)


def missing_programs() -> str | None:
    """What this machine lacks for a Tryton, as a sentence; None when nothing does."""
    if postgres_bin() is None:
        return "PostgreSQL is not installed here (Debian: apt-get install postgresql)."
    if os.getuid() == 0 and _server_user() is None:
        return "PostgreSQL does not run as root and there is no user 'postgres' here."
    return None


def missing_piece() -> str | None:
    """Why a Tryton cannot be started at once, as a sentence that ends in the mend; None when it can."""
    if missing := missing_programs():
        return missing
    if not (_cache() / "ready").exists():
        return "Tryton is not installed here: `ikusei tryton install` does it in a minute or two, once."
    return None


def install(*, say: Say = lambda _: None) -> Path:
    """Builds the template unless it is there; returns its folder. Raises NoTryton saying what is missing."""
    if missing := missing_programs():
        raise NoTryton(missing)
    return _built_template(say)


@contextmanager
def running_tryton(units: Sequence[str], *, say: Say = lambda _: None) -> Iterator[LocalTryton]:
    """A server with a company, yen, the sending user, a rep, and one employee for each unit (its party's
    code).

    Raises NoTryton when PostgreSQL is missing or the packages cannot be had.
    """
    if missing := missing_programs():
        raise NoTryton(missing)
    cache = _built_template(say)
    folder = Path(tempfile.mkdtemp(prefix="ikusei-crm-"))
    give(folder)
    shutil.copytree(cache / "cluster", folder / "cluster", symlinks=True)
    give(folder, deeply=True)
    pg_port, port, server = free_port(), free_port(), None
    postgres(folder, pg_port, "start")
    try:
        _write_configuration(folder, pg_port, port)
        python = cache / "venv" / "bin" / "python"
        server = _start_server(folder, python, port)
        url = f"http://127.0.0.1:{port}/{DATABASE}"
        _wait_until_up(url, server)
        dsn = {"host": "127.0.0.1", "port": pg_port, "user": "tryton", "dbname": DATABASE}
        crm = LocalTryton(url, dsn, folder, python, port, server)
        _employ(crm.client(ADMIN), units)
        yield crm
        server = crm.server
    finally:
        if server is not None:
            server.kill()
            server.wait(30)
        postgres(folder, pg_port, "stop")
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


# The template, built once a machine


def _cache() -> Path:
    return Path(tempfile.gettempdir()) / f"ikusei-tryton-8.2.1-{os.getuid()}"


def _built_template(say: Say) -> Path:
    cache = _cache()
    cache.mkdir(mode=0o755, exist_ok=True)
    if cache.stat().st_uid != os.getuid():
        raise NoTryton(f"{cache} belongs to somebody else; remove it.")
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several test processes may want it at the same time
        if not (cache / "ready").exists():
            for left in ("venv", "cluster"):
                shutil.rmtree(cache / left, ignore_errors=True)
            _make_venv(cache, say)
            _make_cluster(cache, say)
            (cache / "ready").touch()
    return cache


def _make_venv(cache: Path, say: Say) -> None:
    say("tryton: installing its server into a venv of its own")
    run_program([sys.executable, "-m", "venv", str(cache / "venv")])
    module = cache / "module"
    shutil.rmtree(module, ignore_errors=True)
    shutil.copytree(MODULE, module, ignore=shutil.ignore_patterns("__pycache__", "build", "*.egg-info"))
    pip = [str(cache / "venv" / "bin" / "pip"), "install", "-q", "--disable-pip-version-check"]
    run_program([*pip, *REQUIREMENTS, str(module)])


def _make_cluster(cache: Path, say: Say) -> None:
    say("tryton: building its database, about a minute")
    folder = cache / "build"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    give(folder)
    bin_folder, port, web = postgres_bin(), free_port(), free_port()
    initdb = [str(bin_folder / "initdb"), "-D", str(folder / "cluster"), "-U", "tryton", "--auth=trust"]
    run_program([*initdb, "--no-locale", "-E", "UTF8", "--no-sync"], as_server_user=True)
    postgres(folder, port, "start")
    try:
        run_program(
            [str(bin_folder / "createdb"), "-h", "127.0.0.1", "-p", str(port), "-U", "tryton", DATABASE]
        )
        _write_configuration(folder, port, web)
        (folder / "password").write_text(PASSWORD, encoding="utf-8")
        admin = [
            str(cache / "venv" / "bin" / "trytond-admin"),
            "-c",
            str(folder / "trytond.conf"),
            "-d",
            DATABASE,
        ]
        wanted = ["-u", "warehouse_key", "--activate-dependencies", "-p", "--email", "admin@example.com"]
        # Without --administrator a later call would silently take the flag away again.
        run_program([*admin, *wanted, "--administrator"], TRYTONPASSFILE=str(folder / "password"))
        server = _start_server(folder, cache / "venv" / "bin" / "python", web)
        try:
            url = f"http://127.0.0.1:{web}/{DATABASE}"
            _wait_until_up(url, server)
            _found_company(Tryton(url, ADMIN, PASSWORD))
        finally:
            server.kill()
            server.wait(30)
    finally:
        postgres(folder, port, "stop")
    (folder / "cluster").rename(cache / "cluster")


def _found_company(admin: Tryton) -> None:
    """Company, yen, and two users: the one that sends and a rep."""
    rate = {"rate": Decimal(1), "date": date(2020, 1, 1)}
    yen = {
        "name": "円",
        "code": "JPY",
        "numeric_code": "392",
        "symbol": "¥",
        "digits": 0,
        "rounding": Decimal(1),
    }
    (currency,) = admin.call("model.currency.currency.create", [{**yen, "rates": [["create", [rate]]]}])
    (party,) = admin.call("model.party.party.create", [{"name": "株式会社自社", "code": "own-company"}])
    (company,) = admin.call("model.company.company.create", [{"party": party, "currency": currency}])
    belongs = {"companies": [["add", [company]]], "company": company}
    me = admin.call("model.res.user.search", [["login", "=", ADMIN]], 0, None, None)
    admin.call("model.res.user.write", me, belongs)
    groups = admin.call(
        "model.res.group.search_read", [["name", "in", list(_SALES_GROUPS)]], 0, None, None, ["name"]
    )
    rights = {"groups": [["add", [group["id"] for group in groups]]], "password": PASSWORD, **belongs}
    names = {SENDER: "Warehouse", REP: "Rep"}
    admin.call(
        "model.res.user.create", [{"name": name, "login": login, **rights} for login, name in names.items()]
    )


def _employ(admin: Tryton, units: Sequence[str]) -> None:
    company = admin.call("model.company.company.search", [], 0, None, None)[0]
    parties = admin.call("model.party.party.create", [{"name": unit, "code": unit} for unit in units])
    admin.call("model.company.employee.create", [{"party": party, "company": company} for party in parties])


# Processes


def _write_configuration(folder: Path, pg_port: int, port: int) -> None:
    text = f"[database]\nuri = postgresql://tryton@127.0.0.1:{pg_port}/\n[web]\nlisten = 127.0.0.1:{port}\n"
    (folder / "trytond.conf").write_text(text, encoding="utf-8")


def _start_server(folder: Path, python: Path, port: int) -> subprocess.Popen:
    with (folder / "trytond.log").open("ab") as log:
        command = [str(python.parent / "trytond"), "-c", str(folder / "trytond.conf"), "-d", DATABASE]
        return subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)


def _wait_until_up(url: str, server: subprocess.Popen) -> None:
    until = time.monotonic() + 90
    client = Tryton(url, ADMIN, PASSWORD, timeout_seconds=60)
    while time.monotonic() < until and server.poll() is None:
        try:
            client.call("model.res.user.search", [["login", "=", ADMIN]], 0, 1, None)
            return
        except TrytonError:
            time.sleep(0.2)
    raise NoTryton(f"The Tryton at {url} did not come up; its log is beside its configuration.")


def postgres(folder: Path, port: int, deed: str) -> None:
    """`start`, `stop` or `crash` of the throw-away cluster in folder/cluster, on a port of loopback."""
    bin_folder = postgres_bin()
    said = [f"-c {setting}" for setting in (*_SETTINGS, "listen_addresses=127.0.0.1", f"port={port}")]
    said.append(f"-c unix_socket_directories={folder}")
    command = [str(bin_folder / "pg_ctl"), "-D", str(folder / "cluster"), "-w", "-t", "60"]
    if deed == "start":
        command += ["-l", str(folder / "cluster" / "server.log"), "-o", " ".join(said), "start"]
    else:
        command += ["-m", "immediate" if deed == "crash" else "fast", "stop"]
    run_program(command, as_server_user=True)


def run_program(command: Sequence[str], *, as_server_user: bool = False, **environment: str) -> None:
    """Runs a program to its end. Raises NoTryton with its last line when it fails."""
    user = _server_user() if as_server_user and os.getuid() == 0 else None
    who = {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []} if user else {}
    done = subprocess.run(
        command,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,  # a pipe would stay open as long as the server that pg_ctl starts
        stderr=subprocess.PIPE if not as_server_user else subprocess.DEVNULL,
        cwd="/",
        **who,
    )
    if done.returncode:
        said = (done.stderr or b"").decode(errors="replace").strip().splitlines()
        raise NoTryton(f"{Path(command[0]).name} failed ({said[-1] if said else done.returncode}).")


def give(path: Path, *, deeply: bool = False) -> None:
    """Root hands a folder to the user that PostgreSQL runs as."""
    if os.getuid() != 0:
        return
    user = _server_user()
    for found in [path, *(path.rglob("*") if deeply else [])]:
        shutil.chown(found, user, follow_symlinks=False) if sys.version_info >= (3, 13) else shutil.chown(
            found, user
        )


def _server_user() -> str | None:
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        return None


def postgres_bin() -> Path | None:
    """The folder of pg_ctl and initdb; Debian keeps it off the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda path: int(path.parts[4]))
    if found:
        return found[-1].parent
    on_path = shutil.which("pg_ctl")
    return Path(on_path).resolve().parent if on_path else None
