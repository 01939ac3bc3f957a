"""Access logs of every common server come in with the right client, time, path and visitor."""

import bz2
import gzip
import json
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from landed_files import assert_accounted, land, query, run, shared

from ingestion.log_format import CLF, compiled
from ingestion.web_text import percent_decoded, unescaped

COLUMNS = "client_address, occurred_at, method, path, query, status, bytes, referrer, user_agent, visitor_id"
EXPECTED = (
    *("203.0.113.9", datetime(2026, 5, 1, 1, 2, 3), "GET", "/price/", "plan=a&mid=t1", 200, 512),
    *("https://example.jp/x", "Mozilla/5.0 (X11)", "v1"),
)


def requests(home, columns: str = COLUMNS) -> list[tuple]:
    return query(home, f"select {columns} from raw_web.requests order by line_number")


# The parses of apachelogs ---------------------------------------------------------------------------


def cases() -> list[dict]:
    return json.loads(shared("weblog_apachelogs/apachelogs_parse_cases.json").read_text())


def as_apachelogs(text: str | None, expected: object, directive: str) -> object:
    """A value as apachelogs gives it: numbers as numbers, escaped bytes as Latin-1."""
    if text is None or expected is None:
        return text
    if isinstance(expected, int):
        return int(text, 16 if "hextid" in directive else 10)
    return unescaped(text).encode().decode("latin-1")


def times_of(directive: str, shape: str, text: str | None, expected: dict) -> dict:
    """The parts of a time as apachelogs names them, each under a directive of its own."""
    if shape in ("msec_frac", "usec_frac"):
        return {directive: int(text)}
    if shape == CLF:
        moment = text and datetime.strptime(text, shape)
        return {directive: moment and moment.isoformat()}
    before, _, codes = directive.partition("{")
    moment = text and datetime.strptime(text, shape)
    found = {}
    for code in (sign for place, sign in enumerate(codes) if codes[place - 1] == "%"):
        value = moment and (str(moment.tzinfo) if code == "z" else int(moment.strftime(f"%{code}")))
        found[f"{before}{{%{code}}}t"] = value
    return found


@pytest.mark.parametrize("case", range(35))
def test_a_format_string_is_read_as_apachelogs_reads_it(case):
    case = cases()[case]
    expected, found = case["fields"]["directives"], {}
    for piece, text in compiled(case["format"]).read(case["entry"]):
        if piece.meaning == "stamp":
            found |= times_of(piece.directive, piece.shape, text, expected)
        else:
            found[piece.directive] = as_apachelogs(text, expected[piece.directive], piece.directive)
    assert found == expected


def test_the_moments_of_those_formats_are_the_same_in_the_warehouse(tmp_path):
    timed = [
        case
        for case in cases()
        if any((v or "") != "" for k, v in case["fields"].items() if k.endswith("_time"))
    ]
    for number, case in enumerate(timed):
        land(tmp_path, f"web/s{number}/format.yml", json.dumps({"log_format": case["format"]}))
        land(tmp_path, f"web/s{number}/a.log", case["entry"] + "\n")
    assert run(tmp_path).troubles == [] and len(timed) >= 5
    for number, case in enumerate(timed):
        [expected] = [v for k, v in case["fields"].items() if k.endswith("_time")]
        [(found,)] = query(tmp_path, f"select occurred_at from raw_web.requests where stream = 's{number}'")
        assert found == datetime.fromisoformat(expected).astimezone(UTC).replace(tzinfo=None)


def test_vhost_combined_is_told_by_its_lines_and_its_bad_line_rejected(tmp_path):
    land(tmp_path, "web/www/access.log", shared("weblog_apachelogs/vhost_combined.log").read_bytes())
    [trouble] = run(tmp_path).troubles
    assert trouble.startswith("web/www/access.log line 5: the line is not in the vhost_combined log format")
    expected = json.loads(shared("weblog_apachelogs/vhost_combined_expected.json").read_text())
    assert len(expected) == 6
    columns = (
        "host, client_address, occurred_at, method || ' ' || path || ' HTTP/1.1', status, bytes, user_agent"
    )
    assert requests(tmp_path, columns) == [
        (
            *(entry["virtual_host"], entry["remote_host"]),
            datetime.fromisoformat(entry["request_time"]).replace(tzinfo=None),
            *(entry["request_line"], entry["final_status"], entry["bytes_out"]),
            entry["headers_in"]["User-Agent"],
        )
        for entry in expected
    ]
    assert_accounted(tmp_path)


# One request in every server's words ------------------------------------------------------------------

COMBINED = (
    '203.0.113.9 - - [01/May/2026:10:02:03 +0900] "GET /price/?plan=a&mid=t1 HTTP/1.1" 200 512'
    ' "https://example.jp/x" "Mozilla/5.0 (X11)" "v1"'
)
CADDY = {
    "ts": 1777597323.0,
    "request": {
        "remote_ip": "10.0.0.2",
        "client_ip": "203.0.113.9",
        "method": "GET",
        "host": "www.example.jp",
        "uri": "/price/?plan=a&mid=t1",
        "headers": {
            "User-Agent": ["Mozilla/5.0 (X11)"],
            "Referer": ["https://example.jp/x"],
            "Cookie": ["a=b; ikusei=v1; c=d"],
        },
    },
    "size": 512,
    "status": 200,
}
NGINX_JSON = {
    "time_local": "01/May/2026:10:02:03 +0900",
    "remote_addr": "10.0.0.2",
    "http_x_forwarded_for": "6.6.6.6, 203.0.113.9",
    "request": "GET /price/?plan=a&mid=t1 HTTP/1.1",
    "status": "200",
    "body_bytes_sent": "512",
    "http_referer": "https://example.jp/x",
    "http_user_agent": "Mozilla/5.0 (X11)",
    "cookie_ikusei": "v1",
}
TRAEFIK = {
    "ClientAddr": "203.0.113.9:51212",
    "StartUTC": "2026-05-01T01:02:03.000000000Z",
    "RequestMethod": "GET",
    "RequestPath": "/price/?plan=a&mid=t1",
    "DownstreamStatus": 200,
    "DownstreamContentSize": 512,
    "request_Referer": "https://example.jp/x",
    "request_User-Agent": "Mozilla/5.0 (X11)",
    "request_Cookie": "ikusei=v1",
}
IIS = """#Software: Microsoft Internet Information Services 10.0
#Version: 1.0
#Date: 2026-05-01 00:00:00
#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) \
cs(Cookie) cs(Referer) sc-status sc-bytes
2026-05-01 01:02:03 10.0.0.1 GET /price/ plan=a&mid=t1 443 - 203.0.113.9 Mozilla/5.0+(X11) \
a=b;+ikusei=v1 https://example.jp/x 200 512
"""
CLOUDFRONT = """#Version: 1.0
#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) \
cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-host-header
""" + "\t".join(
    [
        *(
            "2026-05-01",
            "01:02:03",
            "NRT57-C3",
            "512",
            "203.0.113.9",
            "GET",
            "d111.cloudfront.net",
            "/price/",
        ),
        *("200", "https://example.jp/x", "Mozilla/5.0%2520(X11)", "plan=a&mid=t1", "ikusei=v1", "Hit"),
        "www.example.jp\n",
    ]
)
ALB = (
    "https 2026-05-01T01:02:03.000000Z app/web/50dc 203.0.113.9:2817 10.0.0.1:80 0.086 0.048 0.037 200 200 0"
    ' 512 "GET https://www.example.jp:443/price/?plan=a&mid=t1 HTTP/1.1" "Mozilla/5.0 (X11)" ECDHE TLSv1.2'
    ' arn:aws:x "Root=1-58" "www.example.jp" "arn" 1 2026-05-01T01:02:02.9Z "forward" "-" "-" "10.0.0.1:80"'
    ' "200" "-" "-"\n'
)
CUSTOM = (
    "log_format main '$remote_addr|$http_x_forwarded_for|[$time_iso8601]|$request_method'\n"
    "  ' $request_uri|$status|'\n"
    '  \'$body_bytes_sent|"$http_referer"|"$http_user_agent"|$cookie_sid|$cookie_ikusei|$request_time\';'
)
CUSTOM_LINE = (
    "10.1.2.3|203.0.113.9|[2026-05-01T10:02:03+09:00]|GET /price/?plan=a&mid=t1|200|512"
    '|"https://example.jp/x"|"Mozilla/5.0 (X11)"|s1|v1|0.004\n'
)


@pytest.mark.parametrize(
    ("log", "said", "unknown"),
    [
        (COMBINED + "\n", None, ()),
        ("www.example.jp:443 " + COMBINED + "\n", None, ()),
        (json.dumps(CADDY) + "\n", None, ()),
        (json.dumps(NGINX_JSON) + "\n", None, ()),
        (json.dumps(TRAEFIK) + "\n", None, ()),
        (IIS, None, ()),
        (IIS.replace("\n", "\r\n"), None, ()),
        (CLOUDFRONT, None, ()),
        (ALB, None, ("referrer", "visitor_id")),
        (CUSTOM_LINE, {"log_format": CUSTOM, "visitor_cookie": "ikusei"}, ()),
        (
            json.dumps({"@time": "2026-05-01T10:02:03+09:00", "c": {"ip": "203.0.113.9"}, **NGINX_JSON})
            .replace('"time_local": "01/May/2026:10:02:03 +0900", ', "")
            .replace('"http_x_forwarded_for": "6.6.6.6, 203.0.113.9", ', "")
            + "\n",
            {"log_format": "json", "fields": {"stamp": "@time", "address": "c.ip"}},
            (),
        ),
    ],
    ids=[
        *("combined", "vhost", "caddy", "nginx", "traefik", "iis", "iis_crlf", "cloudfront", "alb"),
        *("log_format", "named_keys"),
    ],
)
def test_one_request_is_the_same_in_every_format(tmp_path, log, said, unknown):
    if said:
        land(tmp_path, "web/format.yml", json.dumps(said))  # above the stream: it holds for all below
    land(tmp_path, "web/www/access.log", log)
    assert run(tmp_path).troubles == []
    [row] = requests(tmp_path)
    names = COLUMNS.split(", ")
    assert dict(zip(names, row, strict=True)) == {
        name: None if name in unknown else value for name, value in zip(names, EXPECTED, strict=True)
    }
    assert requests(tmp_path, "mail_token, path_raw") == [("t1", None)]


@pytest.mark.parametrize(
    "packed", [gzip.compress, bz2.compress, lambda text: pa.Codec("zstd").compress(text, asbytes=True)]
)
def test_packed_logs_are_unpacked(tmp_path, packed):
    lines = "".join(COMBINED.replace("v1", f"v{n}") + "\n" for n in range(500)).encode()
    land(tmp_path, "web/www/access.log.x", packed(lines))
    assert (run(tmp_path).rows_loaded, requests(tmp_path)[1][:9]) == (500, EXPECTED[:9])
    land(tmp_path, "web/www/torn.log.x", packed(lines)[:-9])
    [trouble] = run(tmp_path).troubles
    assert trouble.startswith("web/www/torn.log.x is ") and "send the whole file again" in trouble
    assert len(requests(tmp_path)) == 500


def test_a_w3c_log_may_name_its_fields_anew(tmp_path):
    anew = "#Fields: time date c-ip cs-method cs-uri-stem sc-status\n"
    anew += "01:02:04 2026-05-01 2001:db8::1 POST /a 404\n"
    land(tmp_path, "web/iis/u_ex.log", IIS + anew + "01:02:05 2026-05-01 198.51.100.7\n")
    [trouble] = run(tmp_path).troubles
    assert trouble.startswith("web/iis/u_ex.log line 8: the line has not the 6 fields")
    assert requests(tmp_path, "client_address, occurred_at, method, path, status")[1] == (
        *("2001:db8::1", EXPECTED[1] + timedelta(seconds=1), "POST", "/a", 404),
    )
    assert_accounted(tmp_path)


@pytest.mark.parametrize(
    ("peer", "forwarded", "trusted", "client"),
    [
        ("10.0.0.5", "203.0.113.9", None, "203.0.113.9"),
        ("10.0.0.5", "6.6.6.6, 203.0.113.9, 192.168.1.1", None, "203.0.113.9"),
        ("198.51.100.1", "203.0.113.9", None, "198.51.100.1"),  # anyone may write such a header
        ("198.51.100.1", "203.0.113.9", ["198.51.100.0/24"], "203.0.113.9"),
        ("::1", "2001:db8::9", None, "2001:db8::9"),
        ("10.0.0.5", "[2001:db8::9]:443", None, "2001:db8::9"),
        ("10.0.0.5", "203.0.113.9:5678", None, "203.0.113.9"),
        ("10.0.0.5", "-", None, "10.0.0.5"),
        ("10.0.0.5", "unknown, 10.0.0.9", None, "unknown"),
    ],
)
def test_the_client_is_the_last_address_that_no_trusted_proxy_has(tmp_path, peer, forwarded, trusted, client):
    said = {"log_format": '%a %t "%r" %>s "%{X-Forwarded-For}i"'}
    land(tmp_path, "web/www/format.yml", json.dumps(said | ({"trusted_proxies": trusted} if trusted else {})))
    land(
        tmp_path,
        "web/www/a.log",
        f'{peer} [01/May/2026:10:02:03 +0900] "GET / HTTP/1.1" 200 "{forwarded}"\n',
    )
    assert run(tmp_path).troubles == []
    assert requests(tmp_path, "client_address") == [(client,)]


def test_escapes_and_percent_signs_are_undone_and_the_raw_path_kept(tmp_path):
    line = '2001:db8::1 - - [01/May/2026:10:02:03 +0900] "GET {} HTTP/1.1" 200 5 "-" "{}"\n'
    land(
        tmp_path,
        "web/www/a.log",
        line.format("/%E8%A3%BD%E5%93%81/a%2Fb%20c?q=%E8%A3%BD", r"say \"hi\" \\ \xe3\x81\x82")
        + line.format("/%90%BB%95i/", r"\x83e\x83X\x83g")  # Shift_JIS
        + line.format("/%C0%BD%C9%CA/", "-")  # EUC-JP
        + line.format("/%ff%fe", r"\xff"),
    )
    assert run(tmp_path).troubles == []
    assert requests(tmp_path, "path, path_raw, query, user_agent, client_address") == [
        *[
            (
                *("/製品/a%2Fb%20c", "/%E8%A3%BD%E5%93%81/a%2Fb%20c", "q=%E8%A3%BD"),
                *('say "hi" \\ あ', "2001:db8::1"),
            ),
            ("/製品/", "/%90%BB%95i/", None, "テスト", "2001:db8::1"),
            ("/製品/", "/%C0%BD%C9%CA/", None, None, "2001:db8::1"),
            ("/%ff%fe", None, None, "\\xff", "2001:db8::1"),
        ]
    ]


def test_what_cannot_be_undone_stays_as_it_came():
    for text in ("", "%", "%zz", "/a%", "\\", "\\x", "\\xg1", "あ%82"):
        assert percent_decoded(text) == text
        assert unescaped(text) == text or "\\" in text


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("log_format: [", "line 1"),
        ("log_fromat: combined", "log_fromat is no key of it"),
        ("log_format: '%h %r'", "it writes no time: add %t"),
        ("log_format: hello", "it has no directive"),
        ("trusted_proxies: [nowhere]", "does not appear to be an IPv4 or IPv6 network"),
        ("fields: {when: ts}", "when is no field; choose from address"),
    ],
)
def test_wrong_settings_hold_the_file_back_with_a_sentence(tmp_path, said, why):
    land(tmp_path, "web/www/format.yml", said)
    land(tmp_path, "web/www/a.log", COMBINED + "\n")
    [trouble] = run(tmp_path).troubles
    assert trouble.startswith("web/www/a.log waits for its settings: ") and why in trouble
    land(tmp_path, "web/www/format.yml", "log_format: combined")
    assert run(tmp_path).rows_loaded == 1
