"""SendGrid's event webhook, as JSON lines or as arrays -> `raw_email.events`, in django-anymail's event
words.

    record -> named fields -> joined with `email_event_types.csv` (event and reason -> our words)

Events: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
Words: https://anymail.dev/en/stable/sending/tracking/#normalized-event-types
Custom arguments of ours: `mid` (one opaque token per recipient and mail), `campaign_id`, `purpose` (stays
in payload).
"""

from pathlib import Path

from ingestion.fields import named

TABLES = ("events",)

_WORDS = Path(__file__).with_name("email_event_types.csv")
_FIELDS = {
    "event": "event",
    "reason_text": "reason",
    "event_id": "sg_event_id",
    "anymail_id": "anymail_id",
    "smtp_id": "smtp-id",
    "sg_message_id": "sg_message_id",
    "recipient_raw": "email",
    "sent_at": "timestamp",
    "machine": "sg_machine_open",
    "url": "url",
    "user_agent": "useragent",
    "client_address": "ip",
    "mail_token": "mid",
    "campaign_id": "campaign_id",
    "category": "category",
}


def recognises(keys: set[str]) -> bool:
    """Whether the keys of a file's first records are those of email events."""
    return {"event", "timestamp"} <= keys and bool(keys & {"email", "sg_event_id", "sg_message_id"})


def parse(table: str) -> str:
    """SQL of the parsed rows over `unread(line_number, text, payload, fields, fault)`.

    The message id is the sender's own where it was given (anymail_id, smtp-id), else SendGrid's.
    """
    return f"""
        with words as (
            select event as word, reason as word_reason, event_type, reject_reason
            from read_csv('{_WORDS.as_posix()}', all_varchar = true, header = true, delim = ',', quote = '"')
        )
        select
            line_number, text, payload as content, code(event_id) as provider_id,
            coalesce(fault, case
                when code(event) is null then missing('event')
                when any_reason.event_type is null then 'the event "' || left(event, 60)
                    || '" is not known: add it to'
                    || ' ingestion/email_event_types.csv'
                when code(sent_at) is null then missing('timestamp')
                when epoch_moment is null then bad('the timestamp', sent_at)
            end) as reason,
            'sendgrid' as provider,
            any_reason.event_type as event_type,
            code(event_id) as event_id,
            coalesce(code(anymail_id), code(smtp_id), code(sg_message_id)) as message_id,
            cell(recipient_raw) as recipient_raw,
            epoch_moment as occurred_at,
            coalesce(this_reason.reject_reason, any_reason.reject_reason) as reject_reason,
            coalesce(lower(machine) = 'true', false) as is_machine,
            cell(url) as url,
            cell(user_agent) as user_agent,
            code(client_address) as client_address,
            coalesce(code(mail_token), parameter(regexp_extract(url, '\\?(.*)$', 1), 'mid')) as mail_token,
            code(campaign_id) as campaign_id,
            case
                when starts_with(category, '[') then 
                    coalesce(array_to_string(try_cast(category as varchar[]), ','), category)
                else cell(category)
            end as category,
            payload
        from (
            select *, make_timestamp(try_cast(round(try_cast(sent_at as double) * 1000000) as bigint))
                as epoch_moment
            from ({named(_FIELDS)})
        )
        left join words as any_reason on any_reason.word = lower(code(event))
            and any_reason.word_reason is null
        left join words as this_reason
            on this_reason.word = lower(code(event)) and this_reason.word_reason = lower(code(reason_text))"""
