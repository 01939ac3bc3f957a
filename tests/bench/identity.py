"""Speed and memory of identity resolution: ten million claims over six million identifiers, then a day more.

The graph is invented: people of four identifiers (texts as long as real ones), claims that repeat, some
people joined to the next, a star of 100,000 and a chain of 10,000. dbt builds the project's own two models on
it, int_identity_edges (texts of claims to numbers, and what changed) and int_identifier_components, in a
process of its own with 3 GB for DuckDB. Wall seconds are dbt's own of each model; processor seconds are those
of its process less those of a dbt that builds a view.

SciPy's `connected_components` runs on the same numbers, read from the same table into NumPy and written back
as a table; both ways count the same string-to-number step. SciPy wants nodes numbered without gaps: `ratio`
counts that as SciPy's time, `ratio to the bare function` counts of SciPy's way nothing but the function.

A day brings 50,000 claims, half of them with a new identifier; then 500 of these are withdrawn. `increment`
is resolving what they touch; `increment with comparing` adds finding them by comparing all claims with the
former ones. In the quick size naive label propagation (each round every node takes the smallest label around
it; written here for comparison) has the same numbers without the chain, which alone takes it ten thousand
rounds.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from figure import Figure
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

IDENTIFIERS = {"full": 6_000_000, "quick": 300_000}
STAR, CHAIN, DAY = 100_000, 10_000, 50_000
EDGES, COMPONENTS = "int_identity_edges", "int_identifier_components"
PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"
SETTINGS = """
set threads = 2; set memory_limit = '3GB'; set preserve_insertion_order = false;
set enable_progress_bar = false
"""
NUMBER = "cast(md5_number_lower({0}) >> 1 as bigint)"
TEXT = """
case n % 4
    when 0 then 'email:u' || substr(md5(cast(n as text)), 1, 10) || '@c' || n // 36 || '.example.jp'
    when 1 then 'phone_name:+81' || 300000000 + n || '|' || substr(md5(cast(n as text)), 1, 6)
    when 2 then 'card:C' || n // 28 || '株式会社' || '|' || substr(md5(cast(n as text)), 1, 8)
    else 'mail_token:' || substr(md5(cast(n as text)), 1, 20)
end
"""
CLAIMS = """
create table claims as
select lefts.identifier as left_identifier, rights.identifier as right_identifier, rule_id,
    cast(0.95 as decimal(4, 2)) as confidence, cast(null as text) as refused_because
from (
    select x, y, 'within' as rule_id from pairs
    union all select 0, 4 * c, 'star' from range(1, {star} + 1) as numbers (c)
    union all select {last} - 4 * c, {last} - 4 * c - 4, 'chain' from range({chain}) as numbers (c)
)
inner join identifiers as lefts on x = lefts.n
inner join identifiers as rights on y = rights.n
"""
NAIVE = """
select node, min(label) as label from (
    select node, label from labels
    union all select edges.u, labels.label from edges inner join labels on edges.v = labels.node
    union all select edges.v, labels.label from edges inner join labels on edges.u = labels.node
) group by node
"""


@dataclass(frozen=True)
class Built:
    """Seconds of one dbt: of its two models by the wall, of its process by the processor; peak MiB."""

    edges: float
    components: float
    cpu: float
    peak_mib: float

    @property
    def wall(self) -> float:
        return self.edges + self.components


def measure(size: str) -> list[Figure]:
    """Full resolution, a day's increment and a withdrawal through dbt; the same graph by others."""
    identifiers = IDENTIFIERS[size]
    with tempfile.TemporaryDirectory(prefix="ikusei-bench-") as name:
        folder, file = Path(name), Path(name) / "graph.duckdb"
        _write_project(folder)
        claims = _invent(file, identifiers)
        idle = _built(folder, "--select", "int_claims_judged").cpu
        numbers = _built(folder, "--select", EDGES)
        full = _built(folder, "--select", COMPONENTS)
        scipy = _by_scipy(file)
        naive = _naively(file) if size == "quick" else []
        _add_a_day(file, identifiers)
        day = _built(folder)
        _withdraw(file)
        less = _built(folder)
        resolved = _rows_of(file)
        again = _built(folder, "--full-refresh")
        assert _rows_of(file) == resolved, "a full refresh gives other components than the increments"
    ours, cpu = numbers.edges + full.components, numbers.cpu + full.cpu - 2 * idle
    theirs = {clock: sum(lap[clock] for lap in scipy.values()) for clock in ("wall", "cpu")}
    bare = {clock: scipy["components"][clock] for clock in ("wall", "cpu")}
    at_most = (3.0, 0.05) if size == "full" else (None, None)
    of_claims, of_full = f"to SciPy's, {claims:,} claims", "of full, 50,000 claims"
    return [
        Figure("ratio", ours / (numbers.edges + theirs["wall"]), at_most=at_most[0], why=of_claims),
        Figure("ratio in processor seconds", cpu / (numbers.cpu - idle + theirs["cpu"])),
        Figure("ratio to the bare function", ours / (numbers.edges + bare["wall"])),
        Figure("ratio to it in processor seconds", cpu / (numbers.cpu - idle + bare["cpu"])),
        Figure("increment", day.components / ours, "share", at_most=at_most[1], why=of_full),
        Figure("increment with comparing", day.wall / ours, "share", why=of_full),
        Figure("the same in processor seconds", (day.cpu - idle) / cpu, "share", why=of_full),
        Figure("withdrawal", less.components / ours, "share", why="of full, 500 claims"),
        Figure("texts to numbers", numbers.edges, "s"),
        Figure("components", full.components, "s"),
        Figure("both, processor", cpu, "s"),
        Figure("full again", again.wall, "s"),
        Figure("increment's resolving", day.components, "s"),
        Figure("increment's comparing", day.edges, "s"),
        Figure("peak memory", max(numbers.peak_mib, full.peak_mib), "MiB", at_most=4096, why="dbt's process"),
        *(Figure(f"SciPy's way, {step}", lap["wall"], "s") for step, lap in scipy.items()),
        *naive,
    ]


def _write_project(folder: Path) -> None:
    (folder / "models").mkdir()
    for model in (EDGES, COMPONENTS):
        sql = (PROJECT / "models" / "2_identity" / f"{model}.sql").read_text(encoding="utf-8")
        (folder / "models" / f"{model}.sql").write_text(sql, encoding="utf-8")
    claims = '{{ config(materialized="view") }} select * from main.claims'
    (folder / "models" / "int_claims_judged.sql").write_text(claims, encoding="utf-8")
    (folder / "dbt_project.yml").write_text(
        f"name: resolving\nversion: '1.0'\nprofile: resolving\nmacro-paths: ['{PROJECT / 'macros'}']\n"
        "flags: {send_anonymous_usage_stats: false}\nmodels: {+materialized: table}\n"
        "vars: {as_of: '2026-01-01', known_at: '9999-12-31', zone: Asia/Tokyo}\n"
    )
    (folder / "profiles.yml").write_text(
        "resolving:\n  target: duckdb\n  outputs:\n    duckdb:\n      type: duckdb\n      threads: 1\n"
        f"      path: '{folder / 'graph.duckdb'}'\n"
        "      settings: {threads: 2, memory_limit: 3GB, preserve_insertion_order: false}\n"
    )


def _invent(file: Path, identifiers: int) -> int:
    """Claims among the four identifiers of a person, one of a hundred to the next; a star and a chain."""
    star, chain = min(STAR, identifiers // 10), min(CHAIN, identifiers // 10)
    within = identifiers * 10 // 6 - star - chain
    with duckdb.connect(str(file)) as connection:
        connection.execute(SETTINGS)
        numbers = f"range({identifiers}) as numbers (n)"
        connection.execute(f"create table identifiers as select n, {TEXT} as identifier from {numbers}")
        connection.execute(f"""
            create table pairs as
            select x, case when r < 10 then least({identifiers - 1}, x // 4 * 4 + 4 + r % 4)
                else x // 4 * 4 + r % 4 end as y
            from (
                select c % {identifiers} as x, cast(hash(c) % 1000 as bigint) as r
                from range({within}) as numbers (c)
            )""")
        connection.execute(CLAIMS.format(star=star, chain=chain, last=identifiers - 1))
        connection.execute("drop table pairs")
        return connection.execute("select count(*) from claims").fetchone()[0]


def _add_a_day(file: Path, identifiers: int) -> None:
    spread = identifiers // DAY // 4 * 4 or 4
    with duckdb.connect(str(file)) as connection:
        connection.execute(f"""
            insert into claims
            select l.identifier, coalesce(r.identifier, 'email:new' || c || '@example.jp'), 'day', 0.95, null
            from range({DAY}) as numbers (c)
            inner join identifiers as l on c * {spread} % {identifiers} = l.n
            left join identifiers as r
                on case when c % 2 = 0 then (c * {spread} + 401) % {identifiers} end = r.n""")


def _withdraw(file: Path) -> None:
    with duckdb.connect(str(file)) as connection:
        connection.execute("""
            update claims set refused_because = 'rejected' where rule_id = 'day' and right_identifier in
            (select right_identifier from claims where rule_id = 'day' order by 1 limit 500)""")


def _built(folder: Path, *words: str) -> Built:
    """One dbt in a process of its own."""
    command = [str(Path(sys.executable).with_name("dbt")), "--quiet", "run", *words]
    process = subprocess.Popen(command, cwd=folder, stdout=sys.stderr)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit("dbt could not build the components; its words stand above")
    results = json.loads((folder / "target" / "run_results.json").read_text(encoding="utf-8"))["results"]
    seconds = {result["unique_id"].split(".")[-1]: result["execution_time"] for result in results}
    cpu = used.ru_utime + used.ru_stime
    return Built(seconds.get(EDGES, 0.0), seconds.get(COMPONENTS, 0.0), cpu, used.ru_maxrss / 1024)


def _by_scipy(file: Path) -> dict[str, dict[str, float]]:
    """Seconds of each step of SciPy's way; it must find our components."""
    with duckdb.connect(str(file)) as connection:
        connection.execute(SETTINGS)
        laps = [_now()]
        edges = connection.execute(f"select left_node, right_node from {EDGES} where is_live").fetchnumpy()
        laps.append(_now())
        ends = np.concatenate([edges["left_node"], edges["right_node"]])
        nodes, dense = np.unique(ends, return_inverse=True)
        lefts, rights = np.split(dense.ravel(), 2)
        laps.append(_now())
        graph = coo_array((np.ones(len(lefts), np.int8), (lefts, rights)), shape=(len(nodes), len(nodes)))
        _, labels = connected_components(graph.tocsr(), directed=False)
        laps.append(_now())
        connection.register("found", pa.table({"node": nodes, "label": labels}))
        connection.execute("create table by_scipy as select * from found")
        laps.append(_now())
        pairs = connection.execute(f"""
            select count(*), count(distinct label), count(distinct component)
            from (select distinct label, component from by_scipy full join {COMPONENTS} using (node))
            """).fetchone()
        assert len(set(pairs)) == 1, f"SciPy finds other components: {pairs}"
        connection.execute("drop table by_scipy")
    steps = ("reading", "dense numbers", "components", "writing")
    return {
        step: {clock: after[clock] - before[clock] for clock in before}
        for step, (before, after) in zip(steps, pairwise(laps), strict=True)
    }


def _now() -> dict[str, float]:
    return {"wall": time.perf_counter(), "cpu": time.process_time()}


def _naively(file: Path) -> list[Figure]:
    """Seconds and rounds until no label changes."""
    with duckdb.connect(str(file)) as connection:
        connection.execute(SETTINGS)
        ends = f"{NUMBER.format('left_identifier')} as u, {NUMBER.format('right_identifier')} as v"
        kept = f"select distinct {ends} from claims where rule_id <> 'chain'"
        connection.execute(f"create temp table edges as {kept}")
        began, rounds, changed = time.perf_counter(), 0, 1
        nodes = "select u as node from edges union select v from edges"
        connection.execute(f"create temp table labels as select node, node as label from ({nodes})")
        while changed:
            connection.execute(f"create temp table lower as {NAIVE}")
            asked = (
                "select count(*) from lower inner join labels using (node) where lower.label <> labels.label"
            )
            changed = connection.execute(asked).fetchone()[0]
            connection.execute("drop table labels; alter table lower rename to labels")
            rounds += 1
        seconds = time.perf_counter() - began
        return [Figure("naive label propagation", seconds, "s", why=f"{rounds} rounds, no chain")]


def _rows_of(file: Path) -> tuple:
    """Rows and a sum of hashes of nodes with their components, which no order of rows changes."""
    with duckdb.connect(str(file), read_only=True) as connection:
        one = f"select count(*), sum(cast(hash(node, component) as hugeint)) from {COMPONENTS}"
        return connection.execute(one).fetchone()
