"""Email events of eight providers: the 93 answers of django-anymail, layouts, repeats, signatures."""

import json
from datetime import UTC, datetime, timedelta

from landed_files import assert_accounted, land, query, run, shared

from ingestion.email import is_signed_by_sendgrid

PROVIDERS = {
    **{"amazon_ses": "ses", "brevo": "brevo", "mailgun": "mailgun", "mailjet": "mailjet"},
    **{"postmark": "postmark", "resend": "resend", "sendgrid": "sendgrid", "sparkpost": "sparkpost"},
}
SAID = (
    "provider, event_type, event_id, message_id, recipient_raw, occurred_at, reject_reason, is_machine, url,"
    " user_agent, category"
)
SNS = {"Type": "Notification", "TopicArn": "arn:aws:sns:us-east-1:1:mail"}


def cases(name: str) -> list[dict]:
    return json.loads(shared(f"email_anymail/{name}_cases.json").read_text())


def as_delivered(provider: str, case: dict) -> object:
    """The payload with what came around it: SNS's envelope, Svix's header."""
    expected, payload = case["expected"], case["payload"]
    if provider == "amazon_ses" and "event_id" in expected:
        at = expected["timestamp"].replace("+00:00", "Z")
        return SNS | {"MessageId": expected["event_id"], "Timestamp": at, "Message": json.dumps(payload)}
    if provider == "resend" and "event_id" in expected:
        return payload | {"svix-id": expected["event_id"]}
    return payload


def instant(provider: str, case: dict) -> datetime | None:
    """The expected time in UTC; Postmark's answers lost the offset that their payloads have."""
    text = case["expected"].get("timestamp") or case["expected"].get("timestamp.isoformat()")
    if not text:
        return None
    lost = (
        timedelta(hours=4)
        if provider == "postmark" and "-04:00" in json.dumps(case["payload"])
        else timedelta()
    )
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None) + lost


def wrong(provider: str, case: dict, found: list[tuple]) -> list[str]:
    """What differs from anymail's answer, in words."""
    expected, differences = case["expected"], []
    rows = [dict(zip(SAID.split(", "), row, strict=True)) for row in found]
    asked = {"event_type": "event_type", "message_id": "message_id", "event_id": "event_id"}
    asked |= {"recipient": "recipient_raw", "reject_reason": "reject_reason", "user_agent": "user_agent"}
    asked |= {"click_url": "url"}
    row = next(
        (row for row in rows if row["recipient_raw"] == expected.get("recipient")), rows[0] if rows else {}
    )
    for name, column in asked.items():
        if name in expected and row.get(column) != expected[name]:
            differences.append(f"{column}: {row.get(column)!r} is not {expected[name]!r}")
    if (at := instant(provider, case)) and row.get("occurred_at") != at:
        differences.append(f"occurred_at: {row.get('occurred_at')} is not {at}")
    if row.get("provider") != PROVIDERS[provider]:
        differences.append(f"provider: {row.get('provider')}")
    return differences


def test_93_of_93_payloads_read_as_anymail_reads_them(tmp_path):
    landed = 0
    for provider in PROVIDERS:
        for number, case in enumerate(cases(provider)):
            folder, landed = f"email/{provider}-{number}", landed + 1
            land(tmp_path, f"{folder}/event.json", json.dumps(as_delivered(provider, case), indent=1))
            if case["test"].endswith("test_initial_open_event_as_opened"):
                land(tmp_path, f"{folder}/events.yml", "sparkpost: {initial_open: opened}\n")
    report = run(tmp_path, sources=["email"])
    assert (landed, report.troubles) == (93, [])
    differences = []
    for provider in PROVIDERS:
        for number, case in enumerate(cases(provider)):
            stream = f"{provider}-{number}"
            found = query(tmp_path, f"select {SAID} from raw_email.events where stream = '{stream}'")
            differences += [f"{case['test']} {text}" for text in wrong(provider, case, found)]
    assert differences == []
    assert_accounted(tmp_path)


SENDGRID = {"email": "a@example.jp", "event": "open", "timestamp": 1760000000, "sg_event_id": "e1"}
MAILGUN = {
    "event-data": {"event": "opened", "recipient": "b@example.jp", "timestamp": 1760000000.5, "id": "m1"}
}


def test_any_layout_of_any_provider_in_any_folder(tmp_path):
    both = [SENDGRID, MAILGUN]
    land(tmp_path, "email/lines.jsonl", "".join(json.dumps(event) + "\n" for event in both))
    land(tmp_path, "email/pretty.json", "\n".join(json.dumps(event, indent=2) for event in both))
    land(tmp_path, "email/array.json", json.dumps(both, indent=1))
    land(tmp_path, "email/posts.jsonl", json.dumps([SENDGRID]) + "\n" + json.dumps([MAILGUN]) + "\n")
    land(tmp_path, "email/one", json.dumps(dict(reversed(SENDGRID.items())), indent=4))
    land(tmp_path, "dump", json.dumps(SENDGRID | {"sg_event_id": "e2"}) + "\n")  # straight in landing
    report = run(tmp_path)
    assert (report.rows_loaded, report.rows_duplicate, report.troubles) == (3, 7, [])
    found = query(tmp_path, "select distinct provider, event_type, recipient, event_id from raw_email.events")
    assert sorted(found) == [
        ("mailgun", "opened", "b@example.jp", "m1"),
        ("sendgrid", "opened", "a@example.jp", "e1"),
        ("sendgrid", "opened", "a@example.jp", "e2"),
    ]
    assert_accounted(tmp_path)


def test_several_recipients_of_one_payload_are_rows_of_their_own(tmp_path):
    bounce = {"bouncedRecipients": [{"emailAddress": f"{n}@example.jp"} for n in "abc"]}
    event = {
        "notificationType": "Bounce",
        "bounce": bounce | {"timestamp": "2026-05-01T01:00:00Z"},
        "mail": {},
    }
    wrapped = SNS | {"MessageId": "n1", "Timestamp": "2026-05-01T01:00:01.5Z", "Message": json.dumps(event)}
    land(tmp_path, "email/direct/a.json", json.dumps(event))
    land(tmp_path, "email/sns/a.json", json.dumps(wrapped))
    land(tmp_path, "email/sns/again.json", json.dumps(wrapped, indent=1))
    report = run(tmp_path, sources=["email"])
    assert (report.rows_loaded, report.rows_duplicate, report.troubles) == (6, 3, [])
    found = query(
        tmp_path, "select recipient, event_id from raw_email.events where stream = 'sns' order by 1"
    )
    assert found == [("a@example.jp", "n1"), ("b@example.jp", "n1#2"), ("c@example.jp", "n1#3")]
    assert_accounted(tmp_path)


def test_an_event_without_an_id_is_one_event_however_often_it_comes(tmp_path):
    event = json.dumps({"event": "opened", "email": "a@example.jp", "ts_epoch": 1760000000000})
    land(tmp_path, "email/brevo/a.jsonl", f"{event}\n{event}\n")
    land(tmp_path, "email/brevo/b.jsonl", f"{event}\n")
    report = run(tmp_path, sources=["email"])
    assert (report.rows_loaded, report.rows_duplicate) == (1, 2)


def test_machine_opens_are_known_as_the_provider_marks_them(tmp_path):
    opened = {"event": "opened", "recipient": "b@example.jp", "timestamp": 1760000000}
    track = {"type": "open", "raw_rcpt_to": "a@example.jp", "timestamp": "1760000000"}
    postmark = {"RecordType": "Open", "Recipient": "a@example.jp", "ReceivedAt": "2026-05-01T00:00:00Z"}
    brevo = {"email": "a@example.jp", "ts_epoch": 1760000000000}
    pairs = [
        (SENDGRID | {"sg_machine_open": True}, SENDGRID | {"sg_machine_open": False, "sg_event_id": "e9"}),
        (
            {"event-data": opened | {"client-info": {"bot": "apple"}}},
            {"event-data": opened | {"client-info": {"bot": ""}}},
        ),
        ({"msys": {"track_event": track | {"is_prefetched": True}}}, {"msys": {"track_event": track}}),
        (
            postmark | {"Client": {"Name": "Apple Mail Privacy Proxy"}},
            postmark | {"Client": {"Name": "Gmail"}},
        ),
        (brevo | {"event": "proxy_open"}, brevo | {"event": "opened"}),
    ]
    land(tmp_path, "email/a.jsonl", "".join(json.dumps(event) + "\n" for pair in pairs for event in pair))
    assert run(tmp_path, sources=["email"]).troubles == []
    found = query(tmp_path, "select is_machine, event_type from raw_email.events order by line_number")
    assert found == [(True, "opened"), (False, "opened")] * len(pairs)


def test_our_custom_arguments_are_found_wherever_a_provider_puts_them(tmp_path):
    ours = {"mid": "tok", "campaign_id": "c"}
    events = [
        SENDGRID | ours,
        {"event-data": MAILGUN["event-data"] | {"user-variables": ours}},
        {
            "eventType": "Open",
            "open": {},
            "mail": {"destination": ["a@x.jp"], "tags": {"mid": ["tok"], "campaign_id": ["c"]}},
        },
        {"RecordType": "Open", "Recipient": "a@x.jp", "Metadata": ours},
        {
            "event": "opened",
            "email": "a@x.jp",
            "ts_epoch": 1760000000000,
            "X-Mailin-custom": json.dumps(ours),
        },
        {"event": "open", "email": "a@x.jp", "time": 1760000000, "MessageID": 1, "Payload": json.dumps(ours)},
        {
            "type": "email.opened",
            "created_at": "2026-05-01T00:00:00Z",
            "data": {"to": ["a@x.jp"], "tags": ours},
        },
        {
            "msys": {
                "track_event": {
                    "type": "open",
                    "rcpt_to": "a@x.jp",
                    "rcpt_meta": {"mid": "tok"},
                    "campaign_id": "c",
                }
            }
        },
    ]
    land(tmp_path, "email/a.jsonl", "".join(json.dumps(event) + "\n" for event in events))
    assert run(tmp_path, sources=["email"]).troubles == []
    found = query(tmp_path, "select provider, mail_token, campaign_id from raw_email.events")
    assert sorted(found) == [(provider, "tok", "c") for provider in sorted(PROVIDERS.values())]


def test_naughty_strings_pass_unchanged_through_every_field(tmp_path):
    strings = json.loads(shared("strings_blns/blns.json").read_text())
    events = [
        SENDGRID | {"email": text, "url": text, "useragent": text, "unheard": text, "sg_event_id": f"s{n}"}
        for n, text in enumerate(strings)
    ]
    land(tmp_path, "email/lines.jsonl", "".join(json.dumps(event) + "\n" for event in events))
    land(tmp_path, "email/array.json", json.dumps(events, ensure_ascii=False, indent=1))
    report = run(tmp_path, sources=["email"])
    assert (report.rows_loaded, report.rows_duplicate, report.troubles) == (len(strings), len(strings), [])
    rows = query(tmp_path, "select event_id, recipient_raw, url, user_agent, payload from raw_email.events")
    for event_id, *texts, payload in rows:
        text = strings[int(event_id[1:])]
        assert json.loads(payload) == events[int(event_id[1:])]
        assert set(texts) == {None if text in ("", "-") else text}


def test_bad_events_are_kept_with_line_and_mend(tmp_path):
    bad = [
        {"event": "teleported", "email": "a@x.jp", "sg_event_id": "1", "timestamp": 1760000000},
        {"event": "open", "email": "a@x.jp", "sg_event_id": "2", "timestamp": 1},
        {"event": "open", "email": "a@x.jp", "sg_event_id": "3", "timestamp": "yesterday"},
        {"Type": "SubscriptionConfirmation", "MessageId": "4", "Message": "You have chosen", "Token": "t"},
        {"hello": "world"},
    ]
    text = "".join(json.dumps(event) + "\n" for event in bad) + "{torn\n" + json.dumps(SENDGRID) + "\n"
    land(tmp_path, "email/a.jsonl", text)
    land(tmp_path, "email/own/events.yml", "sendgrid: {open: seen}\n")
    land(tmp_path, "email/own/a.jsonl", json.dumps(SENDGRID) + "\n")
    report = run(tmp_path, sources=["email"])
    assert (report.rows_loaded, report.rows_rejected, len(report.troubles)) == (1, 6, 2)
    reasons = [
        reason for (reason,) in query(tmp_path, "select reason from raw_intake.rejects order by line_number")
    ]
    parts = (
        "add it to an events.yml",
        'the time "1"',
        'the time "yesterday"',
        "nothing to mend",
        "no event of",
    )
    for reason, part in zip(reasons, (*parts, "is not a JSON object"), strict=True):
        assert part in reason and ": " in reason
    assert 'email/own/a.jsonl cannot be read by its events.yml: "sendgrid: {open: seen}"' in "\n".join(
        report.troubles
    )
    assert_accounted(tmp_path)


def test_a_signature_of_sendgrid_holds_and_four_bad_ones_do_not():
    vector = json.loads(shared("email_sendgrid_python/signature_vector.json").read_text())
    names = ("payload", "timestamp", "signature_base64", "public_key_der_base64")

    def holds(**changed: str) -> bool:
        payload, *rest = ((vector | changed)[name] for name in names)
        return is_signed_by_sendgrid(payload.encode(), *rest)

    assert holds()
    assert [holds(**{k: v for k, v in bad.items() if k != "why"}) for bad in vector["bad"]] == [False] * 4
    assert not holds(signature_base64="not base64") and not holds(public_key_der_base64="AAAA")
