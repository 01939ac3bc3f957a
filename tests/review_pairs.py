"""Two invented pairs of people who may be one, as `rpt_review_queue` shows them on the page."""

from __future__ import annotations

from datetime import datetime

import duckdb

SIDES = ("name", "company", "department", "email", "phone", "place")
COMPARED = ("name", "workplace", "mobile", "department", "place")
UNKNOWN = ("不明", "not known", 0)
SAME_COMPANY = ("同じ会社", "same company", 9.68)
PAIRS = [
    {
        "link_id": "9e107d9d372bb6826bd81d3542a419d6",
        "probability": 0.6468,
        "because": ("確率が自動のしきい値に届かない", "below the threshold for joining unasked"),
        "left": ("林智子", "雷鳥地所", "経理部", None, "+817029002672", "530-0001"),
        "right": (None, "raicho-jisho.example.jp", None, "hayashi@raicho-jisho.example.jp", None, None),
        "evidence": (
            ("メールが名字だけ", "the address spells the family name alone", 10.1),
            *(SAME_COMPANY, UNKNOWN, UNKNOWN, UNKNOWN),
        ),
    },
    {
        "link_id": "e4d909c290d0fb1ca068ffaddf22cbd0",
        "probability": 0.4055,
        "because": ("同じ会社の別のメールを持つ", "both have an address of the same company"),
        "left": ("清水美穂", "檜設備", "総務部", "m.shimizu@hinoki.example.jp", "+819084923322", "100-0001"),
        "right": ("清水美穂", "檜設備", "営業部", "shimizu@hinoki.example.jp", "+81334445555", "東京都"),
        "evidence": (
            ("同じ名前（ほかにもいる）", "same name, others here bear it too", 10.5),
            *(SAME_COMPANY, UNKNOWN, ("部署がちがう", "other department", -1.73), UNKNOWN),
        ),
    },
]


def publish(connection: duckdb.DuckDBPyConnection) -> None:
    """Create reporting.rpt_review_queue and fill it."""
    texts = ["link_id", "because_ja", "because_en", "accept_command", "reject_command"]
    texts += [f"{side}_{what}" for side in ("left", "right") for what in SIDES]
    texts += [f"{what}_{language}" for what in COMPARED for language in ("ja", "en")]
    columns = [f"{name} text" for name in texts] + [f"{what}_weight decimal(9, 2)" for what in COMPARED]
    columns += ["probability decimal(9, 6)", "first_claimed_at timestamp"]
    connection.execute(f"create table reporting.rpt_review_queue ({', '.join(columns)})")
    for pair in PAIRS:
        row = _row(pair)
        names, places = ", ".join(row), ", ".join("?" * len(row))
        connection.execute(
            f"insert into reporting.rpt_review_queue ({names}) values ({places})", list(row.values())
        )


def _row(pair: dict) -> dict[str, object]:
    row = {"link_id": pair["link_id"], "probability": pair["probability"]}
    row |= {"first_claimed_at": datetime(2026, 9, 30), "because_ja": pair["because"][0]}
    row |= {"because_en": pair["because"][1]}
    row |= {f"{word}_command": f"ikusei links {word} {pair['link_id']}" for word in ("accept", "reject")}
    row |= {f"{side}_{what}": pair[side][i] for side in ("left", "right") for i, what in enumerate(SIDES)}
    for what, (japanese, english, weight) in zip(COMPARED, pair["evidence"], strict=True):
        row |= {f"{what}_ja": japanese, f"{what}_en": english, f"{what}_weight": weight}
    return row
