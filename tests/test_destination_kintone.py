"""Sending to kintone: 100 records a call, whole or not at all, with its revision as compare-and-set."""

from __future__ import annotations

import datetime
import ipaddress
import os
import random
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from activation_warehouse import Company, FastClock, lead
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from destination_storm import NO_GUARDS, QUICK, VendorStorm, run_vendor_storm
from fault_proxy import proxy_before
from kintone_double import APP, TOKEN, KintoneDouble
from vendor_server import VendorError, serving

from orchestration.activation import SyncRun, audit, verify
from orchestration.activation.ledger import Ledger

SYNC = "kintone_routed_leads"


@pytest.fixture
def app() -> Iterator[KintoneDouble]:
    double = KintoneDouble()
    with serving(double):
        yield double
    assert double.complaints == [], "a request or an answer broke the vendor's contract"


@pytest.fixture
def company(tmp_path: Path, app: KintoneDouble) -> Company:
    made = Company(tmp_path, secrets_of(app.url), FastClock(time.time()))
    use(made)
    return made


def secrets_of(url: str) -> dict[str, str]:
    return {"IKUSEI_KINTONE_URL": url, "IKUSEI_KINTONE_TOKEN": TOKEN}


def use(company: Company, **changes: object) -> None:
    options = {"app": APP, **(changes.pop("options", None) or {})}
    company.use_syncs(kintone={"options": options, **changes})


def apply(company: Company) -> SyncRun:
    return company.apply(SYNC)[SYNC]


def look(company: Company):
    return verify(
        *(company.warehouse, company.ledger, company.syncs),
        only=SYNC,
        out_dir=company.out_dir,
        secrets=company.secrets,
    )[0]


def test_a_lead_arrives_once_and_a_second_apply_asks_nothing(company: Company, app: KintoneDouble) -> None:
    company.have([lead("a", approach_note="資料請求\n二行目"), lead('it"s \\ b', phone=None)])
    run = apply(company)
    assert (run.status, run.acked, run.verified, run.destination_class) == ("done", 2, 2, "A")
    assert "revision" in run.guarantee
    record = app.by_key()["a"]
    assert (record["person_name"], record["memo"]) == ("山田太郎", "資料請求\n二行目")
    assert record["routed_at"] == "2026-05-01T01:02:00Z", "kintone keeps minutes"
    assert app.wrote() == 1 and apply(company).requests == 0


def test_250_rows_go_in_three_calls_and_one_bad_row_is_found_by_halves(
    company: Company, app: KintoneDouble
) -> None:
    company.have([lead(f"k{number:03}") for number in range(250)])
    assert apply(company).acked == 250 and app.wrote() == 3
    app.poison, wrote = {"bad"}, app.wrote()
    company.have([lead(f"k{number:03}", headline="bad" if number == 41 else "new") for number in range(64)])
    use(company, guards={"shrink_pct": None})
    run = apply(company)
    assert (run.acked, run.rejected) == (63, 1) and app.wrote() - wrote <= 1 + 2 * 6
    with Ledger.open(company.ledger) as ledger:
        row = ledger.rows(SYNC)["k041"]
    assert (row.state, row.error_code) == ("rejected", "CB_VA01") and "example.com" not in str(row.error_text)


def test_what_the_rep_owns_survives_and_what_we_own_is_kept_up(company: Company, app: KintoneDouble) -> None:
    company.have([lead("a", approach_note="first words")])
    apply(company)
    record = app.by_key()["a"]
    app.change(record, memo="met her", person_name="山田 太郎", status="商談中")
    company.have([lead("a", headline="A1 now", approach_note="newer words")])
    assert apply(company).acked == 1
    assert (record["headline"], record["memo"], record["status"]) == ("A1 now", "met her", "商談中")


def test_a_rep_who_writes_between_our_look_and_our_write_is_not_overwritten(
    company: Company, app: KintoneDouble
) -> None:
    company.have([lead("a", phone=None)])
    apply(company)
    record, inner, edits = app.by_key()["a"], app.answer, []

    def edited_first(method: str, *rest: object) -> tuple[int, object]:
        if method == "PUT" and not edits:
            edits.append(1)
            app.change(record, phone="the rep's number")
        return inner(method, *rest)

    app.answer = edited_first
    company.have([lead("a", headline="A1 now")])
    run = apply(company)
    assert (run.status, run.acked) == ("done", 1)
    assert (record["headline"], record["phone"]) == ("A1 now", "the rep's number")


def test_older_writes_that_arrive_late_are_refused(company: Company, app: KintoneDouble) -> None:
    use(company, options={"attempts_per_run": 1})
    for words in ("first", "second"):  # a create that is kept, then a change that is kept
        app.holds = 1
        company.have([lead("a", headline=words)])
        assert apply(company).unknown == 1
        company.have([lead("a", headline=f"after {words}")])
        company.clock.time += 100
        assert apply(company).acked == 1
        app.release()
        assert app.by_key()["a"]["headline"] == f"after {words}"
    assert len(app.records) == 1 and look(company).verified == 1


@pytest.mark.parametrize("twist", ["half", "empty", "twice"])
def test_an_answer_of_another_length_than_the_question_is_looked_up(
    company: Company, app: KintoneDouble, twist: str
) -> None:
    app.twists = [twist]
    company.have([lead(f"k{number}") for number in range(10)])
    run = apply(company)
    assert (run.status, run.acked, run.unknown, len(app.records)) == ("done", 10, 0, 10)
    assert app.wrote() == 1


@pytest.mark.parametrize("mode", ["insert", "update_only", "upsert", "mirror", "archive"])
def test_each_mode_does_what_it_says(company: Company, app: KintoneDouble, mode: str) -> None:
    app.make(ikusei_id="old", headline="the rep's own")
    options = {"archive_values": {"status": "取下げ"}, "restore_values": {"status": "新規"}}
    use(company, mode=mode, options=options, guards={"shrink_pct": None})
    company.have([lead(key, headline="first") for key in ("old", "new", "gone")])
    apply(company)
    company.have([lead(key, headline="second") for key in ("old", "new")])
    assert apply(company).status == "done"
    found = {key: (record["headline"], record["status"]) for key, record in app.by_key().items()}
    expected = {
        "insert": {"old": ("the rep's own", ""), "new": ("first", ""), "gone": ("first", "")},
        "update_only": {"old": ("second", "")},
        "upsert": {"old": ("second", ""), "new": ("second", ""), "gone": ("first", "")},
        "mirror": {"old": ("second", ""), "new": ("second", "")},
        "archive": {"old": ("second", ""), "new": ("second", ""), "gone": ("first", "取下げ")},
    }
    assert found == expected[mode]


def test_a_record_that_people_deleted_stays_deleted_and_all_records_are_paged(
    company: Company, app: KintoneDouble
) -> None:
    company.have([lead(f"k{number:03}") for number in range(520)])
    apply(company)
    del app.records[app.by_key()["k003"]["$id"]]
    company.have([lead(f"k{number:03}", headline="new") for number in range(520)])
    assert apply(company).acked == 519
    check = look(company)
    assert (check.verified, check.missing, check.unexpected) == (519, 0, 0)


def test_a_rep_who_edits_what_we_own_is_named_with_the_field(company: Company, app: KintoneDouble) -> None:
    company.have([lead("a"), lead("b")])
    apply(company)
    app.change(app.by_key()["b"], headline="the rep's own words", memo="and hers to write")
    (made,) = audit(
        *(company.warehouse, company.ledger, company.syncs),
        only=SYNC,
        out_dir=company.out_dir,
        secrets=company.secrets,
    )
    assert [(one.key, one.kind, one.field_names) for one in made.drift] == [("b", "edited", "headline")]


def test_too_many_at_once_waits_and_rejects_nobody(company: Company, app: KintoneDouble) -> None:
    company.have([lead("a")])
    busy = [
        VendorError(429, {"code": "CB_TM01", "message": "too many"}, {"Retry-After": "9"}) for _ in range(3)
    ]
    app.planned = busy
    assert apply(company).status == "done" and sum(company.clock.slept) >= 9


def test_a_wrong_token_a_field_that_is_not_there_and_a_key_that_may_repeat_stop_with_a_sentence(
    company: Company, app: KintoneDouble
) -> None:
    company.have([lead("a")])
    use(company, fields={"shoe_size": {"column": "grade", "ownership": "overwrite", "why": "A test"}})
    assert "shoe_size" in apply(company).sentences[0]
    use(company, options={"key_field": "headline"})
    assert "prohibit duplicate values" in apply(company).sentences[0]
    use(company)
    company.secrets["IKUSEI_KINTONE_TOKEN"] = "wrong-token"
    run = apply(company)
    assert run.status == "stopped" and "IKUSEI_KINTONE_TOKEN" in run.sentences[-1]
    assert "wrong-token" not in " ".join(run.sentences) and app.records == {}


def test_an_app_in_a_guest_space_has_its_own_paths(company: Company, app: KintoneDouble) -> None:
    use(company, options={"guest_space": 12})
    company.have([lead("a")])
    assert apply(company).verified == 1
    assert all(path.startswith("/k/guest/12/v1/") for _, path in app.requests)


def test_tls_wants_an_authority_that_the_file_names(tmp_path: Path) -> None:
    certificate = self_signed(tmp_path)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    with serving(KintoneDouble(), lambda plain: server.wrap_socket(plain, server_side=True)) as app:
        assert isinstance(app, KintoneDouble) and app.url.startswith("https://")
        company = Company(tmp_path / "c", secrets_of(app.url), FastClock(time.time()))
        company.root.mkdir()
        use(company)
        company.have([lead("a")])
        assert apply(company).acked == 0 and app.records == {}, "nobody vouches for this server"
        use(company, options={"ca_file": str(certificate)})
        company.clock.time += 1000
        assert apply(company).acked == 1
        use(company, options={"ca_file": "nowhere.pem"})
        company.have([lead("a", headline="new")])
        assert "options.ca_file" in apply(company).sentences[0]


def self_signed(folder: Path) -> Path:
    """Key and certificate of 127.0.0.1 in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "loopback.pem"
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


def storm(tmp_path: Path, seed: int, *, rows: int, waves: int, kills: int, share: float, size: int) -> None:
    double = KintoneDouble()
    with serving(double), proxy_before(double.port, "", seed) as proxy:
        company = Company(tmp_path, secrets_of(proxy.url))
        use(company, options={**QUICK, "rows_per_call": size, "requests_per_day": None}, guards=NO_GUARDS)
        proxy.late_seconds = 0.7

        def stored():
            return [(record["ikusei_id"], record["headline"]) for record in double.records.values()]

        made = VendorStorm(SYNC, company, proxy, stored, random.Random(seed), double.poison)
        run_vendor_storm(made, f"storm{seed}-", rows=rows, waves=waves, kills=kills, share=share)
        assert made.mended == 0, "with compare-and-set nothing is ever stale, so verify mends nothing"
    assert double.complaints == []


def test_a_storm_of_faults_ends_with_every_lead_once_and_new(tmp_path: Path) -> None:
    storm(tmp_path, 33, rows=40, waves=2, kills=0, share=0.15, size=20)


@pytest.mark.skipif(not os.environ.get("IKUSEI_LONG_TESTS"), reason="long: make test-faults")
@pytest.mark.parametrize(("seed", "rows", "size"), [(47, 600, 50), (48, 400, 100), (49, 100, 5)])
def test_a_long_storm_with_killed_senders(tmp_path: Path, seed: int, rows: int, size: int) -> None:
    storm(tmp_path, seed, rows=rows, waves=3, kills=4, share=0.2, size=size)
