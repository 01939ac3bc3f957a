"""Landing folders on real servers, spoken to over a socket: S3 (moto) and SFTP (paramiko)."""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from landed_files import assert_accounted, everything, land, run
from sftp_server import serving

from ingestion import IngestError, ingest

LINE = '10.0.0.{0} - - [10/May/2026:10:00:00 +0900] "GET /?n={0} HTTP/1.1" 200 1 "-" "Mozilla/5.0" "v{0}"\n'
FILES = {
    "web/www/access.log": LINE.format(1) + LINE.format(2),
    "lists/expo/名刺.csv": "お名前,メアド,会社名\n山田 太郎,taro@example.co.jp,株式会社テスト\n",
    "lists/expo/columns.yml": "columns: {お名前: name, メアド: email}\n",
    "costs/2026.csv": "campaign_id,cost_on,amount_jpy\nexpo,2026-05-01,500\n",
}
Put = Callable[[str, str], None]
"""(path below the landing folder, content) -> the file is there."""


@contextmanager
def on_s3(_: Path) -> Iterator[tuple[str, Put]]:
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    host, port = server.get_host_and_port()
    os.environ["AWS_ENDPOINT_URL"] = f"http://{host}:{port}"
    client = boto3.client("s3")
    client.create_bucket(Bucket="company")
    try:
        yield (
            "s3://company/landing",
            lambda path, text: (
                client.put_object(Bucket="company", Key=f"landing/{path}", Body=text.encode()) and None
            ),
        )
    finally:
        server.stop()


@contextmanager
def on_sftp(folder: Path) -> Iterator[tuple[str, Put]]:
    with serving(folder) as (url, _):
        yield url, lambda path, text: land(folder, path, text) and None


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """What s3fs looks for, and no way around through a proxy."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def from_url(home: Path, url: str):
    return ingest(url, home / "warehouse.duckdb", state_dir=home / "dlt")


@pytest.mark.parametrize("server", [on_s3, on_sftp])
def test_a_server_gives_the_rows_of_a_local_folder_and_is_asked_for_what_is_new_only(tmp_path, server):
    near, far = tmp_path / "near", tmp_path / "far"
    for path, text in FILES.items():
        land(near, path, text)
    run(near)
    with server(tmp_path / "server") as (url, put):
        for path, text in FILES.items():
            put(path, text)
        assert from_url(far, url).troubles == []
        assert everything(far) == everything(near)
        assert from_url(far, url).files == []
        put("web/www/access.log", FILES["web/www/access.log"] + LINE.format(3))
        [grown] = from_url(far, url).files
    assert (grown.path, grown.rows_loaded) == ("web/www/access.log", 1)
    assert_accounted(far)
    assert list((far / "dlt" / "fetched").rglob("*.log")) == []  # copies go when they are read


def test_an_sftp_file_that_is_known_is_not_opened_again(tmp_path):
    for path, text in FILES.items():
        land(tmp_path / "server", path, text)
    with serving(tmp_path / "server") as (url, opened):
        from_url(tmp_path, url)
        assert {path.removeprefix("/landing/") for path in opened} == set(FILES)
        opened.clear()
        from_url(tmp_path, url)
        assert [path for path in opened if not path.endswith("columns.yml")] == []


def test_a_wrong_password_is_one_sentence_that_does_not_tell_it(tmp_path):
    with serving(tmp_path) as (url, _), pytest.raises(IngestError) as told:
        from_url(tmp_path, url.replace("open-sesame", "guessed-word"))
    assert "cannot be listed" in str(told.value) and "check the address and the access" in str(told.value)
    assert "guessed-word" not in str(told.value)


def test_a_bucket_that_is_not_there_is_one_sentence(tmp_path):
    with on_s3(tmp_path), pytest.raises(IngestError, match="s3://nowhere/landing cannot be listed"):
        from_url(tmp_path, "s3://nowhere/landing")
