"""Campaign costs as CSV or JSON lines -> `raw_costs.entries`: one row per campaign, kind of cost and day."""

from ingestion.fields import named
from ingestion.files import Found
from ingestion.lists import spelled
from ingestion.records import Form

TABLES = ("entries",)

_COLUMNS = ("campaign_id", "campaign_name", "channel", "cost_kind", "cost_on", "amount_jpy")


def recognises(keys: set[str]) -> bool:
    """Whether a header or the keys of the first records are those of campaign costs."""
    return {"campaign_id", "cost_on", "amount_jpy"} <= keys


def table_of(keys: set[str]) -> str | None:
    """`entries` if the columns are those of costs."""
    return "entries" if recognises(keys) else None


def form(found: Found) -> Form:
    """How the tables of this source are read."""
    return Form(table_of, spelled)


def parse(table: str) -> str:
    """SQL of the parsed rows over `unread(line_number, text, payload, fields, fault)`."""
    return f"""
        select
            line_number, text, payload as content, null as provider_id,
            coalesce(fault, case
                when code(campaign_id) is null then missing('campaign_id')
                when code(cost_on) is null then missing('cost_on')
                when day(code(cost_on)) is null then bad('cost_on', cost_on)
                when code(amount_jpy) is null then missing('amount_jpy')
                when yen(code(amount_jpy)) is null then bad('amount_jpy', amount_jpy)
            end) as reason,
            code(campaign_id) as campaign_id,
            cell(campaign_name) as campaign_name,
            code(channel) as channel,
            code(cost_kind) as cost_kind,
            day(code(cost_on)) as cost_on,
            yen(code(amount_jpy)) as amount_jpy
        from ({named({column: column for column in _COLUMNS})})"""
