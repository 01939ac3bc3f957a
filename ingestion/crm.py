"""CRM exports as CSV, XLSX or JSON lines -> `raw_crm.*`; the columns of a file tell which table it is.

record -> named fields -> typed columns; a time without an offset, or a day, is read in the company's zone
"""

from ingestion.fields import named
from ingestion.files import Found
from ingestion.lists import spelled
from ingestion.records import Form

TABLES = ("leads", "opportunities", "opportunity_stages", "orders", "owners", "activities")

# One line a column: (column, key in the file, how it is read, what rejects the row). The first is the
# table's id.
_TEXT, _CODE, _TIME, _MONEY, _COUNT = "cell", "code", "moment", "yen", "count"
_PERSON = (
    ("email_raw", "email", _TEXT),
    ("person_name_raw", "name", _TEXT),
    ("person_kana", "name_kana", _TEXT),
    ("company_name_raw", "company", _TEXT),
    ("department", "department", _TEXT),
    ("position", "position", _TEXT),
    ("phone_raw", "phone", _TEXT),
    ("prefecture_raw", "prefecture", _TEXT),
    ("industry", "industry", _TEXT),
)
_COLUMNS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "leads": (
        ("lead_id", "lead_id", _CODE),
        ("external_id", "external_id", _CODE),
        *_PERSON,
        ("employees", "employees", _COUNT),
        ("product_id", "product_id", _CODE),
        ("lead_source", "source", _CODE),
        ("campaign_id", "campaign_id", _CODE),
        ("owner_id", "owner_id", _CODE),
        ("status", "status", _CODE),
        ("created_at", "created_at", _TIME),
        ("updated_at", "updated_at", _TIME),
    ),
    "opportunities": (
        ("opportunity_id", "opportunity_id", _CODE),
        ("lead_id", "lead_id", _CODE),
        ("company_name_raw", "company", _TEXT),
        ("opportunity_name", "name", _TEXT),
        ("product_id", "product_id", _CODE),
        ("amount_jpy", "amount_jpy", _MONEY),
        ("stage", "stage", _CODE),
        ("owner_id", "owner_id", _CODE),
        ("created_at", "created_at", _TIME),
        ("closed_at", "closed_at", _TIME),
        ("updated_at", "updated_at", _TIME),
    ),
    "opportunity_stages": (
        ("opportunity_id", "opportunity_id", _CODE),
        ("stage", "stage", _CODE),
        ("entered_at", "entered_at", _TIME),
    ),
    "orders": (
        ("order_id", "order_id", _CODE),
        ("opportunity_id", "opportunity_id", _CODE),
        ("lead_id", "lead_id", _CODE),
        ("email_raw", "email", _TEXT),
        ("product_id", "product_id", _CODE),
        ("amount_jpy", "amount_jpy", _MONEY),
        ("gross_margin_jpy", "gross_margin_jpy", _MONEY),
        ("ordered_at", "ordered_at", _TIME),
        ("updated_at", "updated_at", _TIME),
    ),
    "owners": (
        ("owner_id", "owner_id", _CODE),
        ("owner_name", "owner_name", _TEXT),
        ("email_raw", "email", _TEXT),
        ("unit_id", "unit_id", _CODE),
        ("updated_at", "updated_at", _TIME),
    ),
    "activities": (
        ("activity_id", "activity_id", _CODE),
        ("lead_id", "lead_id", _CODE),
        ("opportunity_id", "opportunity_id", _CODE),
        ("owner_id", "owner_id", _CODE),
        ("activity_type", "activity_type", _CODE),
        ("subject", "subject", _TEXT),
        ("outcome", "outcome", _TEXT),
        ("occurred_at", "occurred_at", _TIME),
    ),
}
_NEEDED = {
    "leads": ("lead_id",),
    "opportunities": ("opportunity_id",),
    "opportunity_stages": ("opportunity_id", "stage", "entered_at"),
    "orders": ("order_id", "ordered_at"),
    "owners": ("owner_id",),
    "activities": ("activity_id", "activity_type", "occurred_at"),
}
# The most telling columns first: an order has an opportunity_id too, an opportunity a lead_id.
_TOLD_BY = (
    ("orders", {"order_id"}),
    ("activities", {"activity_id"}),
    ("opportunity_stages", {"opportunity_id", "entered_at"}),
    ("opportunities", {"opportunity_id"}),
    ("leads", {"lead_id"}),
    ("owners", {"owner_id", "owner_name"}),
    ("owners", {"owner_id", "unit_id"}),
)


def table_of(keys: set[str]) -> str | None:
    """The CRM table whose columns a header or the first records have; None if none."""
    return next((table for table, needed in _TOLD_BY if needed <= keys), None)


def recognises(keys: set[str]) -> bool:
    """Whether a header or the keys of the first records are those of a CRM export."""
    return table_of(keys) is not None


def form(found: Found) -> Form:
    """How the tables of this source are read."""
    return Form(table_of, spelled)


def parse(table: str) -> str:
    """SQL of the parsed rows of one CRM table over `unread(line_number, text, payload, fields, fault)`."""
    columns = _COLUMNS[table]
    keys = {f"{name}_text": key for name, key, _ in columns}
    precision = (
        ", if(has_day_only(occurred_at_text), 'day', 'second') as time_precision"
        if table == "activities"
        else ""
    )
    return f"""
        select
            line_number, text, payload as content, code({columns[0][0]}_text) as provider_id,
            coalesce(fault, case {" ".join(_faults(table))} end) as reason,
            {", ".join(f"{_value(name, how)} as {name}" for name, _, how in columns)}{precision},
            payload
        from ({named(keys)})"""


def _value(name: str, how: str) -> str:
    """SQL of one value."""
    text = f"{name}_text"
    if how == _COUNT:
        return f"try_cast(yen(code({text})) as integer)"
    return f"{how}({text})" if how in (_TEXT, _CODE) else f"{how}(code({text}))"


def _faults(table: str) -> list[str]:
    """SQL branches that reject a row: what is needed and missing, then what is given and cannot be read."""
    needed = [f"when code({name}_text) is null then missing('{name}')" for name in _NEEDED[table]]
    given = [
        f"when code({name}_text) is not null and {_value(name, how)} is null then bad('{name}', {name}_text)"
        for name, _, how in _COLUMNS[table]
        if how in (_TIME, _MONEY, _COUNT)
    ]
    return needed + given
