"""Real files of others come in whole: the known answers of the web log and of SendGrid's samples."""

import gzip
import json
from datetime import datetime

from landed_files import assert_accounted, land, query, run, shared


def real_log() -> bytes:
    return shared("weblog_apache_elastic/apache_logs").read_bytes()


def test_every_line_of_a_real_access_log_is_accounted_for(tmp_path):
    land(tmp_path, "web/www/access.log", real_log())
    report = run(tmp_path)
    assert (report.rows_loaded, report.rows_duplicate, report.rows_rejected) == (10_000, 0, 0)
    assert report.troubles == []
    [(requests, clients, repeats)] = query(
        tmp_path,
        "select count(*), count(distinct client_address), count(*) filter (where occurrence > 1) from"
        " raw_web.requests",
    )
    assert (requests, clients, repeats) == (10_000, 1_753, 19)
    statuses = dict(query(tmp_path, "select status, count(*) from raw_web.requests group by 1"))
    assert statuses == {200: 9126, 304: 445, 404: 213, 301: 164, 206: 45, 500: 3, 403: 2, 416: 2}
    [(cut_agent,)] = query(tmp_path, "select user_agent from raw_web.requests where line_number = 8899")
    assert cut_agent.endswith("+http://www.google.com/bot.html")
    [(total,)] = query(tmp_path, "select sum(bytes) from raw_web.requests")
    assert total == 2_747_282_740


def test_visitors_by_the_rule_of_goaccess(tmp_path):
    land(tmp_path, "access_log_of_someone", real_log())  # straight in landing: told by its content
    run(tmp_path)
    visitors = query(
        tmp_path,
        "select distinct client_address, user_agent, occurred_at::date from raw_web.requests"
        " where status not between 400 and 499",
    )
    assert len(visitors) == 2_095


def test_halves_gzip_and_rotation_of_a_log_add_nothing(tmp_path):
    log = real_log()
    lines = log.splitlines(keepends=True)
    land(tmp_path, "web/www/b.log", b"".join(lines[4_321:]))
    run(tmp_path)
    land(tmp_path, "web/www/a.log", b"".join(lines[:4_321]))
    land(tmp_path, "web/www/c.log.gz", gzip.compress(log))
    land(tmp_path, "web/www/d.log.1", log)
    report = run(tmp_path)
    # two halves cannot know that a line of one stands in the other too: the whole file adds just those
    # repeats
    assert query(tmp_path, "select count(*) from raw_web.requests") == [(10_000,)]
    assert report.rows_read == 4_321 + 20_000
    assert_accounted(tmp_path)
    land(tmp_path, "web/www/e.log", log)
    again = run(tmp_path)
    assert (again.rows_loaded, again.rows_duplicate) == (0, 10_000)


def test_another_stream_holds_its_own_rows(tmp_path):
    lines = b"".join(real_log().splitlines(keepends=True)[:10])
    land(tmp_path, "web/www/a.log", lines)
    land(tmp_path, "web/shop/a.log", lines)
    assert run(tmp_path).rows_loaded == 20


def test_sendgrids_own_sample_gives_eleven_events(tmp_path):
    sample = shared("email_sendgrid_nodejs/example-event-notification.json").read_text()
    land(tmp_path, "email/sendgrid/pretty.json", sample)
    land(tmp_path, "email/sendgrid/lines.jsonl", "\n".join(json.dumps(event) for event in json.loads(sample)))
    report = run(tmp_path)
    assert (report.rows_loaded, report.rows_duplicate, report.troubles) == (11, 11, [])
    types = query(tmp_path, "select event_type from raw_email.events order by line_number")
    words = "queued deferred delivered opened clicked bounced rejected complained"
    words += " unsubscribed unsubscribed subscribed"
    assert sorted(word for (word,) in types) == sorted(words.split())


def test_sendgrid_events_read_as_anymail_reads_them(tmp_path):
    cases = json.loads(shared("email_anymail/sendgrid_cases.json").read_text())
    for number, case in enumerate(cases):
        land(tmp_path, f"email/case{number}/event.json", json.dumps(case["payload"], indent=1))
    assert run(tmp_path).troubles == []
    wanted = ("event_type", "message_id", "event_id", "recipient", "reject_reason", "user_agent")
    for number, case in enumerate(cases):
        [(*found, url, at)] = query(
            tmp_path,
            f"select event_type, message_id, event_id, recipient_raw, reject_reason, user_agent, url,"
            f" occurred_at"
            f" from raw_email.events where stream = 'case{number}'",
        )
        expected = case["expected"]
        got = dict(zip(wanted, found, strict=True))
        assert {key: got[key] for key in wanted if key in expected} == {
            key: expected[key] for key in wanted if key in expected
        }, case["test"]
        assert url == expected.get("click_url", url)
        if "timestamp" in expected:
            assert at == datetime.fromisoformat(expected["timestamp"]).replace(tzinfo=None)
