"""The raw tables: what `ingestion` promises to the models, as Arrow schemas, and their DDL in the warehouse.

Every source table starts with the columns of `ROW` (where the row came from and its key) and is created
empty, so that a model can read a source whose first file has not come yet.
"""

from collections.abc import Collection, Mapping

import pyarrow as pa

TEXT, INT, COUNT, FLAG = pa.string(), pa.int32(), pa.int64(), pa.bool_()
DAY, TIME, MONEY = pa.date32(), pa.timestamp("us"), pa.decimal128(18, 2)

ROW = {
    "row_key": TEXT,
    "stream": TEXT,
    "occurrence": COUNT,
    "source_file": TEXT,
    "line_number": COUNT,
    "loaded_at": TIME,
}
"""Columns of every source row; `occurrence` is k, the k-th time this content stands in its file."""

_PERSON = ("email_raw", "email", "person_name_raw", "person_name", "person_kana")
_COMPANY = ("company_name_raw", "company_name", "company_key")
_PHONE = ("phone_raw", "phone")
_NAMED = ("email_raw", "email", "person_name_raw", "person_name")
_MAIL = ("email_mailbox", "email_is_valid", "email_domain", "email_domain_kind")
_SPELLINGS = (*_MAIL, "company_legal_name", "phone_extension")
_AMOUNTS = {
    "amount_jpy": MONEY,
    "gross_margin_jpy": MONEY,
    "employees": INT,
    "status_code": INT,
    "email_is_valid": FLAG,
    "expected_leads": INT,
    "expected_orders": INT,
    **dict.fromkeys(("points", "balance", "score", "satisfaction"), MONEY),
}


def _schema(*columns: str, **typed: pa.DataType) -> pa.Schema:
    """Schema of a source table: text columns by name, others as `name=type`, in the order given."""
    fields = dict(ROW)
    for column in columns:
        fields[column] = typed.get(column, _AMOUNTS.get(column, TIME if column.endswith("_at") else TEXT))
    return pa.schema(list(fields.items()))


RAW_TABLES: dict[str, pa.Schema] = {
    "raw_web.requests": _schema(
        *("client_address", "visitor_id", "occurred_at", "method", "path", "query", "status", "bytes"),
        *("referrer", "user_agent", "referrer_host", "utm_source", "utm_medium", "utm_campaign", "utm_term"),
        *("mail_token", "path_raw", "host", "remote_user"),
        status=INT,
        bytes=COUNT,
    ),
    "raw_forms.submissions": _schema(
        *("submission_id", "form_id", "form_kind", "occurred_at", "visitor_id", "client_address"),
        *(*_PERSON, *_COMPANY, "department", "position", *_PHONE, "prefecture", "industry", "product_id"),
        *("message", "has_consent", "consent_wording", "mail_token", "page_path", "campaign_id", "payload"),
        *_SPELLINGS,
        has_consent=FLAG,
    ),
    "raw_email.events": _schema(
        *("provider", "event_type", "event_id", "message_id", "recipient_raw", "recipient", "occurred_at"),
        *("reject_reason", "is_machine", "url", "user_agent", "client_address", "mail_token", "campaign_id"),
        *("category", "payload"),
        is_machine=FLAG,
    ),
    "raw_lists.rows": _schema(
        *("list_name", "collected_on", *_PERSON, *_COMPANY, "department", "position", *_PHONE),
        *("mobile_raw", "mobile", "postal_code", "prefecture", "address", "url", "note", "payload"),
        *("list_owner", "collected_by", "corporate_number", *_SPELLINGS),
        collected_on=DAY,
    ),
    "raw_crm.leads": _schema(
        *("lead_id", "external_id", *_PERSON, *_COMPANY, "department", "position", *_PHONE, "prefecture"),
        *("industry", "employees", "product_id", "lead_source", "campaign_id", "owner_id", "status"),
        *("created_at", "updated_at", "payload", "corporate_number", *_SPELLINGS),
    ),
    "raw_crm.opportunities": _schema(
        *("opportunity_id", "lead_id", *_COMPANY, "opportunity_name", "product_id", "amount_jpy", "stage"),
        *("owner_id", "created_at", "closed_at", "updated_at", "payload"),
    ),
    "raw_crm.opportunity_stages": _schema("opportunity_id", "stage", "entered_at"),
    "raw_crm.orders": _schema(
        *("order_id", "opportunity_id", "lead_id", "email_raw", "email", "product_id", "amount_jpy"),
        *("gross_margin_jpy", "ordered_at", "updated_at"),
    ),
    "raw_crm.owners": _schema("owner_id", "owner_name", "email", "unit_id", "updated_at"),
    "raw_crm.activities": _schema(
        *("activity_id", "lead_id", "opportunity_id", "owner_id", "activity_type", "subject", "outcome"),
        *("occurred_at", "time_precision"),
    ),
    "raw_costs.entries": _schema(
        *("campaign_id", "campaign_name", "channel", "cost_kind", "cost_on", "amount_jpy"),
        cost_on=DAY,
    ),
    "raw_costs.budgets": _schema(
        *("campaign_id", "campaign_name", "channel", "cost_kind", "budget_on", "amount_jpy"),
        *("expected_leads", "expected_orders"),
        budget_on=DAY,
    ),
    "raw_touches.entries": _schema(
        *("touch_id", "touch_type", "occurred_at", "time_precision", "direction", "outcome", "subject"),
        *(*_PERSON, *_COMPANY, "department", "position", *_PHONE, "fax_raw", "prefecture", "lead_id"),
        *("campaign_id", "product_id", "owner_id", "note", "payload", *_SPELLINGS),
    ),
    "raw_surveys.answers": _schema(
        *("answer_id", "survey_id", "survey_name", "question_id", "question", "answer", "score"),
        *("answered_at", "time_precision", *_NAMED, *_COMPANY, "department", "position", *_PHONE),
        *("lead_id", "visitor_id", "mail_token", "campaign_id", "product_id", "payload", *_SPELLINGS),
    ),
    "raw_service.tickets": _schema(
        *("ticket_id", "ticket_kind", "subject", "message", "status", "priority", "satisfaction"),
        *("opened_at", "time_precision", "closed_at", "updated_at", *_NAMED, *_COMPANY, *_PHONE),
        *("lead_id", "product_id", "owner_id", "payload", *_SPELLINGS),
    ),
    "raw_points.ledger": _schema(
        *(
            "entry_id",
            "member_id",
            "points",
            "points_reason",
            "order_id",
            "amount_jpy",
            "balance",
            "occurred_at",
        ),
        *("time_precision", *_NAMED, *_PHONE, "lead_id", "campaign_id", "payload", *_MAIL, "phone_extension"),
    ),
    "raw_social.touches": _schema(
        *("touch_id", "network", "touch_type", "occurred_at", "time_precision", "account", *_NAMED),
        *(*_COMPANY, "url", "message", "lead_id", "campaign_id", "product_id", "payload", *_MAIL),
        "company_legal_name",
    ),
    "raw_links.decisions": _schema(
        *("decision_id", "link_id", "decision", "left_identifier", "right_identifier", "decision_reason"),
        *("decided_by", "decided_at", "payload"),
    ),
    "raw_ab.assignments": _schema(
        *("experiment_id", "variant", "assigned_at", "time_precision", "visitor_id", "email_raw", "email"),
        *("lead_id", "mail_token", "campaign_id", "payload", *_MAIL),
    ),
    "raw_intake.files": pa.schema(
        {
            "source": TEXT,
            "path": TEXT,
            "content_hash": TEXT,
            "rows_read": COUNT,
            "rows_loaded": COUNT,
            "rows_duplicate": COUNT,
            "rows_rejected": COUNT,
            "first_seen_at": TIME,
            "last_read_at": TIME,
            # what the ledger needs to read on: size and time of the content hashed, lines done, open end
            "stream": TEXT,
            "size_bytes": COUNT,
            "modified_ns": COUNT,
            "lines_done": COUNT,
            "is_open": FLAG,
            "open_line": COUNT,
            "trouble": TEXT,
            "settings_hash": TEXT,  # of the settings it was read under
        }.items()
    ),
    "raw_intake.rejects": pa.schema(
        {
            "source": TEXT,
            "path": TEXT,
            "line_number": COUNT,
            "text": TEXT,
            "reason": TEXT,
            "rejected_at": TIME,
            "record": TEXT,  # the row as an object, where its cells could be told; `text` has no header
        }.items()
    ),
    # what became of each batch that broke a contract, a line for each event (see `held`)
    "raw_intake.held": pa.schema(
        {
            **dict.fromkeys(("hold_id", "source", "raw_table", "path"), TEXT),
            "load_at": TIME,
            "state": TEXT,
            "rows_held": COUNT,
            **dict.fromkeys(("reason", "rules_digest", "decided_by", "why"), TEXT),
            "recorded_at": TIME,
        }.items()
    ),
    # rows taken out of a raw table because they were read in a way that no longer holds
    "raw_intake.taken_back": pa.schema(
        {"source": TEXT, "path": TEXT, "rows_taken": COUNT, "cause": TEXT, "taken_back_at": TIME}.items()
    ),
}
"""Every raw table by its full name. Times are UTC without a zone, money is decimal(18, 2) yen."""

_SQL_TYPES = {
    TEXT: "varchar",
    INT: "integer",
    COUNT: "bigint",
    FLAG: "boolean",
    DAY: "date",
    TIME: "timestamp",
    MONEY: "decimal(18, 2)",
}


def columns_of(table: str) -> list[str]:
    """Column names of a raw table, in order."""
    return RAW_TABLES[table].names


def sql_columns(table: str) -> list[str]:
    """`name type` of each column of a raw table, in DuckDB's words."""
    return [f"{field.name} {_SQL_TYPES[field.type]}" for field in RAW_TABLES[table]]


_PACKED = {
    # what each text of a table has of its own packs well, and in half the time of telling which way is best
    "payload": "zstd",
    **dict.fromkeys(("event_id", "message_id", "recipient_raw", "recipient", "mail_token"), "zstd"),
    "row_key": "uncompressed",  # nothing can be saved on it, and a look at all keys is quicker
}
"""How columns are kept whose best way is known beforehand; DuckDB tries all ways on each of the others."""


def ddl(columns_there: Mapping[str, Collection[str]], can_pack: bool = False) -> list[str]:
    """Statements that make every raw table and column that is missing; `columns_there` by full table name.

    With `can_pack` (the file's format has zstd) whole records are packed, in half the room and less time.
    """
    columns = _kept if can_pack else sql_columns
    schemas = sorted({table.split(".")[0] for table in RAW_TABLES})
    return (
        [f"create schema if not exists {schema}" for schema in schemas]
        + [f"create table if not exists {table} ({', '.join(columns(table))})" for table in RAW_TABLES]
        + [
            f"alter table {table} add column {column}"
            for table, there in columns_there.items()
            if table in RAW_TABLES
            for column in sql_columns(table)
            if column.split()[0] not in there
        ]
    )


def _kept(table: str) -> list[str]:
    """`name type` of each column of a raw table, and how it is kept where that is known beforehand."""
    return [
        f"{column} using compression {_PACKED[name]}" if (name := column.split()[0]) in _PACKED else column
        for column in sql_columns(table)
    ]
