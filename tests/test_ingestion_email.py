"""Email events of eight providers: the 93 answers of django-anymail, layouts, repeats, signatures."""

import json
from datetime import UTC, datetime, timedelta

from landed_files import assert_accounted, land, query, run, shared

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
