{#
  Connected components of a graph, whatever its diameter, on an engine without useful recursion.

  The model's SQL yields edges (left_node, right_node), text; a node alone is an edge with itself. The table holds
  one row per node: node, component, where component is the smallest node of the component in text order, so that
  it depends on the set of edges only.

  Each round hooks every live node to its smallest neighbour, shortens the chains by three pointer jumps, and
  contracts the edges; it ends when no edge joins two components. Rounds grow with the logarithm of the diameter.
  After Shiloach and Vishkin (1982), "An O(log n) parallel connectivity algorithm".
#}
{% materialization connected_components, default %}
    {%- set target_relation = this.incorporate(type="table") -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set scratch = {} -%}
    {%- for part in [
        "edges",
        "nodes",
        "live",
        "hooks",
        "hooks_next",
        "labels",
        "labels_next",
    ] -%}
        {%- do scratch.update(
            {
                part: api.Relation.create(
                    database=this.database,
                    schema=this.schema,
                    identifier=this.identifier ~ "__" ~ part,
                    type="table",
                )
            }
        ) -%}
    {%- endfor -%}

    {{ run_hooks(pre_hooks) }}

    {# Texts become integers in text order, once: the smallest integer is the smallest text. #}
    {% do replace_scratch(
        scratch.edges,
        "select distinct left_node, right_node from (" ~ sql ~ ") as claimed",
    ) %}
    {% do replace_scratch(
        scratch.nodes,
        "         select node, cast(row_number() over (order by node) as bigint) as node_number         from (             select left_node as node from "
        ~ scratch.edges
        ~ "             union             select right_node as node from "
        ~ scratch.edges
        ~ "         ) as every_node",
    ) %}
    {% do replace_scratch(
        scratch.labels,
        "select node_number, node_number as root from " ~ scratch.nodes,
    ) %}
    {% do replace_scratch(
        scratch.live,
        "         select distinct u, v         from (             select lefts.node_number as u, rights.node_number as v             from "
        ~ scratch.edges
        ~ " as edges             inner join "
        ~ scratch.nodes
        ~ " as lefts on edges.left_node = lefts.node             inner join "
        ~ scratch.nodes
        ~ " as rights on edges.right_node = rights.node         ) as numbered         where u <> v",
    ) %}

    {% set rounds = namespace(left=1000, live=components_live_edges(scratch.live)) %}
    {% for _ in range(1000) if rounds.live > 0 %}
        {% do replace_scratch(
            scratch.hooks,
            "             select node_number, min(neighbour) as root             from (                 select u as node_number, least(u, v) as neighbour from "
            ~ scratch.live
            ~ "                 union all                 select v as node_number, least(u, v) as neighbour from "
            ~ scratch.live
            ~ "             ) as sides             group by node_number",
        ) %}
        {% for _ in range(3) %}
            {% do replace_scratch(
                scratch.hooks_next,
                "                 select hooks.node_number, coalesce(further.root, hooks.root) as root                 from "
                ~ scratch.hooks
                ~ " as hooks                 left join "
                ~ scratch.hooks
                ~ " as further on hooks.root = further.node_number",
            ) %}
            {% do replace_scratch(
                scratch.hooks,
                "select node_number, root from " ~ scratch.hooks_next,
            ) %}
        {% endfor %}
        {% do replace_scratch(
            scratch.labels_next,
            "             select labels.node_number, coalesce(hooks.root, labels.root) as root             from "
            ~ scratch.labels
            ~ " as labels             left join "
            ~ scratch.hooks
            ~ " as hooks on labels.root = hooks.node_number",
        ) %}
        {% do replace_scratch(
            scratch.labels,
            "select node_number, root from " ~ scratch.labels_next,
        ) %}
        {# The comparison stands outermost: without statistics on tables made in this transaction DuckDB would plan
           an inequality join first (minutes instead of milliseconds). #}
        {% do replace_scratch(
            scratch.hooks_next,
            "             select distinct u, v             from (                 select coalesce(lefts.root, live.u) as u, coalesce(rights.root, live.v) as v                 from "
            ~ scratch.live
            ~ " as live                 left join "
            ~ scratch.hooks
            ~ " as lefts on live.u = lefts.node_number                 left join "
            ~ scratch.hooks
            ~ " as rights on live.v = rights.node_number             ) as contracted             where u <> v",
        ) %}
        {% do replace_scratch(scratch.live, "select u, v from " ~ scratch.hooks_next) %}
        {% set rounds.live = components_live_edges(scratch.live) %}
    {% endfor %}

    {% if existing is not none %} {% do adapter.drop_relation(existing) %} {% endif %}
    {% call statement("main") -%}
        {{
            create_table_as(
                false,
                target_relation,
                "             select nodes.node, roots.node as component             from "
                ~ scratch.nodes
                ~ " as nodes             inner join "
                ~ scratch.labels
                ~ " as labels on nodes.node_number = labels.node_number             inner join "
                ~ scratch.nodes
                ~ " as roots on labels.root = roots.node_number",
            )
        }}
    {%- endcall %}
    {% for relation in scratch.values() %}
        {% do adapter.drop_relation(relation) %}
    {% endfor %}

    {{ run_hooks(post_hooks) }}
    {% do persist_docs(target_relation, model) %}
    {{ adapter.commit() }}
    {{ return({"relations": [target_relation]}) }}
{% endmaterialization %}

{% macro replace_scratch(relation, query) %}
    {% call statement("scratch", fetch_result=false) %} drop table if exists {{ relation }}
    {% endcall %}
    {% call statement("scratch", fetch_result=false) %} create table {{ relation }} as {{ query }}
    {% endcall %}
{% endmacro %}

{% macro components_live_edges(relation) %}
    {{
        return(
            run_query("select count(*) as live from " ~ relation)
            .columns[0]
            .values()[0]
            | int
        )
    }}
{% endmacro %}
