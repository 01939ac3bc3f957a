"""The connected_components materialization against a union-find written for this test only."""

import random
from itertools import pairwise
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

MACROS = Path(__file__).parents[1] / "dbt_project" / "macros"

PROJECT_YML = """
name: components
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
MODEL = """
{{ config(materialized="connected_components") }}
select left_node, right_node from main.edges
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("components")
    (folder / "models").mkdir()
    (folder / "models" / "components.sql").write_text(MODEL)
    (folder / "dbt_project.yml").write_text(PROJECT_YML.format(macros=MACROS))
    (folder / "profiles.yml").write_text(PROFILES_YML.format(path=folder / "graph.duckdb"))
    return folder


def resolve(project: Path, edges: list[tuple[str, str]]) -> dict[str, str]:
    """Node to component, as dbt builds it from `edges`."""
    with duckdb.connect(str(project / "graph.duckdb")) as connection:
        sides = {"left_node": [left for left, _ in edges], "right_node": [right for _, right in edges]}
        given = pa.table(sides, schema=pa.schema([("left_node", pa.string()), ("right_node", pa.string())]))
        connection.register("given", given)
        connection.execute("create or replace table main.edges as select * from given")
    arguments = ["--project-dir", str(project), "--profiles-dir", str(project), "--quiet"]
    result = dbtRunner().invoke(["run", *arguments])
    DuckDBConnectionManager.close_all_connections()
    assert result.success, result.exception or [r.message for r in result.result]
    with duckdb.connect(str(project / "graph.duckdb"), read_only=True) as connection:
        left = connection.sql("select table_name from information_schema.tables order by 1").fetchall()
        assert left == [("components",), ("edges",)], "scratch tables were left behind"
        return dict(connection.sql("select node, component from main.components").fetchall())


def union_find(edges: list[tuple[str, str]]) -> dict[str, str]:
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


def test_a_star_of_a_hundred_thousand_nodes_is_one_component(project: Path) -> None:
    edges = [("hub", f"ray{number}") for number in range(100_000)]
    components = resolve(project, edges)
    assert len(components) == 100_001
    assert set(components.values()) == {"hub"}


@pytest.mark.parametrize("seed", range(3))
def test_random_graphs_are_resolved_like_union_find(project: Path, seed: int) -> None:
    chance = random.Random(seed)
    nodes = [f"kind:{chance.randrange(10**6)}" for _ in range(3_000)]
    edges = [(chance.choice(nodes), chance.choice(nodes)) for _ in range(2_000)]
    edges += [(node, node) for node in nodes]
    assert resolve(project, edges) == union_find(edges)


def test_no_edges_are_no_components(project: Path) -> None:
    assert resolve(project, []) == {}
