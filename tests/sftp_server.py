"""An SFTP server on loopback that shows one folder, for one user, read only: paramiko's own server side."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import paramiko

USER, PASSWORD = "ikusei", "open-sesame"


class _Door(paramiko.ServerInterface):
    def check_auth_password(self, username: str, password: str) -> int:
        right = (username, password) == (USER, PASSWORD)
        return paramiko.AUTH_SUCCESSFUL if right else paramiko.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED

    def get_allowed_auths(self, username: str) -> str:
        return "password"


class _Handle(paramiko.SFTPHandle):
    def stat(self) -> paramiko.SFTPAttributes:
        return paramiko.SFTPAttributes.from_stat(os.fstat(self.readfile.fileno()))


class _Folder(paramiko.SFTPServerInterface):
    def __init__(self, server: paramiko.ServerInterface, root: Path, opened: list[str]) -> None:
        super().__init__(server)
        self.root, self.opened = root, opened

    def _at(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def list_folder(self, path: str) -> list[paramiko.SFTPAttributes]:
        folder = self._at(path)
        return [paramiko.SFTPAttributes.from_stat(one.stat(), one.name) for one in sorted(folder.iterdir())]

    def stat(self, path: str) -> paramiko.SFTPAttributes | int:
        try:
            return paramiko.SFTPAttributes.from_stat(self._at(path).stat())
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)

    lstat = stat

    def open(self, path: str, flags: int, attributes: paramiko.SFTPAttributes) -> _Handle:
        self.opened.append(path)
        handle = _Handle(flags)
        handle.filename, handle.readfile = path, self._at(path).open("rb")
        return handle


@contextmanager
def serving(root: Path) -> Iterator[tuple[str, list[str]]]:
    """Serves a folder; gives its URL and the list of paths that were opened so far."""
    key, opened, transports = paramiko.ECDSAKey.generate(), [], []
    listening = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:  # closed: the test is over
                return
            transport = paramiko.Transport(connection)
            transport.add_server_key(key)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _Folder, root, opened)
            transport.start_server(server=_Door())
            transports.append(transport)

    threading.Thread(target=accept, daemon=True).start()
    port = listening.getsockname()[1]
    try:
        yield f"sftp://{USER}:{PASSWORD}@127.0.0.1:{port}/landing", opened
    finally:
        listening.close()
        for transport in transports:
            transport.close()
