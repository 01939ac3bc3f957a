"""The connected_components materialization against a union-find written for this test only.

`resolve` gives dbt a whole graph, as a full refresh. `resolve_in_steps` gives it batch after batch of edges
that come, go and come back; after each the table must hold what a full refresh of the edges left would hold.
"""

import random
from itertools import pairwise
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

MACROS = Path(__file__).parents[1] / "dbt_project" / "macros"
Edge = tuple[str, str]
Change = tuple[Edge, bool]
"""An edge, and whether it is there from now on."""

PROJECT_YML = """
name: graphs
version: "1.0"
profile: components
macro-paths: ["{macros}"]
flags: {{ send_anonymous_usage_stats: false }}
vars: {{ as_of: "2026-01-01", known_at: "9999-12-31", zone: Asia/Tokyo }}
"""
PROFILES_YML = """
components:
  target: duckdb
  outputs:
    duckdb: {{ type: duckdb, path: "{path}", schema: main, threads: 1 }}
"""
MODELS = {
    "components": """
{{ config(materialized="connected_components") }}
select left_node, right_node from main.edges
""",
    "components_kept": """
{{ config(materialized="connected_components", changes="change_number") }}
select left_node, right_node, is_live, change_number from main.changes
""",
}
CHANGES = (
    "create or replace table changes (left_node text, right_node text, is_live boolean, change_number bigint)"
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("components")
    (folder / "models").mkdir()
    for name, sql in MODELS.items():
        (folder / "models" / f"{name}.sql").write_text(sql)
    (folder / "dbt_project.yml").write_text(PROJECT_YML.format(macros=MACROS))
    (folder / "profiles.yml").write_text(PROFILES_YML.format(path=folder / "graph.duckdb"))
    return folder


def built(project: Path, model: str, *words: str) -> dict[str, str]:
    """Node to component, as dbt builds the model."""
    places = ["--project-dir", str(project), "--profiles-dir", str(project), "--quiet"]
    result = dbtRunner().invoke(["run", "--select", model, *places, *words])
    DuckDBConnectionManager.close_all_connections()
    assert result.success, result.exception or [r.message for r in result.result]
    with duckdb.connect(str(project / "graph.duckdb"), read_only=True) as connection:
        tables = connection.sql("select table_name from information_schema.tables").fetchall()
        scratch = [name for (name,) in tables if "__" in name]
        assert not scratch, f"{scratch} were left behind"
        rows = connection.sql(f"select node, component from main.{model}").fetchall()
    assert len(rows) == len(dict(rows)), "a node is there twice"
    return dict(rows)


def resolve(project: Path, edges: list[Edge]) -> dict[str, str]:
    """Node to component, as a full refresh finds them."""
    with duckdb.connect(str(project / "graph.duckdb")) as connection:
        sides = {"left_node": [left for left, _ in edges], "right_node": [right for _, right in edges]}
        given = pa.table(sides, schema=pa.schema([("left_node", pa.string()), ("right_node", pa.string())]))
        connection.register("given", given)
        connection.execute("create or replace table main.edges as select * from given")
    return built(project, "components")


def resolve_in_steps(project: Path, batches: list[list[Change]]) -> None:
    """Every batch in a run of its own; after each the table is that of the edges left."""
    left: set[Edge] = set()
    with duckdb.connect(str(project / "graph.duckdb")) as connection:
        connection.execute(CHANGES)
    for number, batch in enumerate(batches, start=1):
        final = dict(batch)
        with duckdb.connect(str(project / "graph.duckdb")) as connection:
            for (a, b), is_live in final.items():
                connection.execute("delete from changes where left_node = ? and right_node = ?", [a, b])
                connection.execute("insert into changes values (?, ?, ?, ?)", [a, b, is_live, number])
        left = (left | {edge for edge in final if final[edge]}) - {edge for edge in final if not final[edge]}
        words = ["--full-refresh"] if number == 1 else []
        assert built(project, "components_kept", *words) == union_find(sorted(left))


def union_find(edges: list[Edge]) -> dict[str, str]:
    parent: dict[str, str] = {}

    def find(node: str) -> str:
        parent.setdefault(node, node)
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for left, right in edges:
        a, b = sorted((find(left), find(right)))
        parent[b] = a
    return {node: find(node) for node in list(parent)}


def test_a_chain_of_ten_thousand_nodes_is_one_component(project: Path) -> None:
    names = [f"n{number:05}" for number in range(10_000)]
    random.Random(1).shuffle(names)
    assert set(resolve(project, list(pairwise(names))).values()) == {"n00000"}


def test_a_chain_in_text_order_is_one_component(project: Path) -> None:
    """Here every node but one hooks to its neighbour: one step at a time takes ten thousand rounds."""
    names = [f"n{number:05}" for number in range(10_000)]
    assert set(resolve(project, list(pairwise(names))).values()) == {"n00000"}


def test_a_star_of_a_hundred_thousand_nodes_is_one_component(project: Path) -> None:
    edges = [("hub", f"ray{number}") for number in range(100_000)]
    components = resolve(project, edges)
    assert len(components) == 100_001
    assert set(components.values()) == {"hub"}


def test_no_edges_are_no_components(project: Path) -> None:
    assert resolve(project, []) == {}


nodes = st.integers(0, 400).map(lambda number: f"kind:{number:03}")
graphs = st.lists(st.tuples(nodes, nodes), max_size=400)


@settings(
    max_examples=3,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(edges=graphs)
def test_random_graphs_are_resolved_like_union_find(project: Path, edges: list[Edge]) -> None:
    assert resolve(project, edges) == union_find(edges)


few = st.integers(0, 25).map(lambda number: f"kind:{number:02}")
batches = st.lists(
    st.lists(st.tuples(st.tuples(few, few), st.booleans()), max_size=25), min_size=3, max_size=3
)


@settings(
    max_examples=3,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(batches=batches)
def test_edges_that_come_and_go_end_as_a_full_refresh_would(
    project: Path, batches: list[list[Change]]
) -> None:
    resolve_in_steps(project, batches)


def test_a_withdrawn_edge_splits_its_component_and_leaves_the_others_alone(project: Path) -> None:
    chain = [(f"a{number}", f"a{number + 1}") for number in range(6)]
    coming = [(edge, True) for edge in [*chain, ("b0", "b1"), ("c0", "c0")]]
    resolve_in_steps(
        project, [coming, [(("a2", "a3"), False)], [], [(("a2", "b1"), True), (("c0", "c0"), False)]]
    )
    with duckdb.connect(str(project / "graph.duckdb"), read_only=True) as connection:
        read_to = dict(connection.sql("select node, resolved_to from components_kept").fetchall())
    assert (read_to["a4"], read_to["a0"]) == (2, 4), "the half nothing touched again was rewritten"
