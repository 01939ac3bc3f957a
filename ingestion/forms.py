"""Form submissions as JSON lines (or one JSON array) -> `raw_forms.submissions`.

record -> named fields -> typed columns; every field, known or not, stays in `payload`
"""

from ingestion.fields import named

TABLES = ("submissions",)

_FIELDS = {
    "submission_id": "submission_id",
    "form_id": "form_id",
    "form_kind": "form_kind",
    "submitted_at": "submitted_at",
    "visitor_id": "visitor_id",
    "client_address": "ip",
    "email_raw": "email",
    "person_name_raw": "name",
    "person_kana": "name_kana",
    "company_name_raw": "company",
    "department": "department",
    "position": "position",
    "phone_raw": "phone",
    "prefecture": "prefecture",
    "address": "address",
    "industry": "industry",
    "product_id": "product_id",
    "message": "message",
    "consent": "consent",
    "consent_wording": "consent_wording",
    "mid": "mid",
    "page": "page",
    "campaign_id": "campaign_id",
}


def recognises(keys: set[str]) -> bool:
    """Whether the keys of a file's first records are those of form submissions."""
    return "submitted_at" in keys and bool(keys & {"submission_id", "form_id", "form_kind"})


def parse(table: str) -> str:
    """SQL of the parsed rows over `unread(line_number, text, payload, fields, fault)`."""
    return f"""
        select
            line_number, text, payload as content, code(submission_id) as provider_id,
            coalesce(fault, case
                when code(submitted_at) is null then missing('submitted_at')
                when moment(code(submitted_at)) is null then bad('submitted_at', submitted_at)
            end) as reason,
            code(submission_id) as submission_id,
            code(form_id) as form_id,
            code(form_kind) as form_kind,
            moment(code(submitted_at)) as occurred_at,
            code(visitor_id) as visitor_id,
            code(client_address) as client_address,
            cell(email_raw) as email_raw,
            cell(person_name_raw) as person_name_raw,
            cell(person_kana) as person_kana,
            cell(company_name_raw) as company_name_raw,
            cell(department) as department,
            cell(position) as position,
            cell(phone_raw) as phone_raw,
            coalesce(cell(prefecture), cell(address)) as prefecture_raw,
            cell(industry) as industry,
            code(product_id) as product_id,
            cell(message) as message,
            case
                when lower(code(consent)) in ('true', 'yes', 'on', '1', 'はい', '同意する', '同意します')
                    then true
                when code(consent) is not null then false
            end as has_consent,
            cell(consent_wording) as consent_wording,
            coalesce(code(mid), parameter(page, 'mid')) as mail_token,
            code(regexp_extract(page, '^(?:[A-Za-z]+://[^/?#]*)?([^?#]*)', 1)) as page_path,
            code(campaign_id) as campaign_id,
            payload
        from ({named(_FIELDS)})"""
