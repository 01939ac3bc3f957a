{#
  Connected components of a graph, whatever its diameter, on an engine without useful recursion.

  The model's SQL yields edges (left_node, right_node), text; a node alone is an edge with itself. The table holds
  one row per node: node, component, where component is the smallest node of the component in text order, so that
  it depends on the set of edges only.

  Each round hooks every live node to its smallest neighbour, shortens the chains by three pointer jumps, and
  contracts the edges; it ends when no edge joins two components. Rounds grow with the logarithm of the diameter.
  After Shiloach and Vishkin (1982), "An O(log n) parallel connectivity algorithm".

  DuckDB has no statistics on tables made in the running transaction: a join and a `u <> v` in one statement are
  planned with the inequality first (minutes instead of milliseconds), so joining and filtering are two steps.
#}
{% materialization connected_components, default %}
    {%- set target_relation = this.incorporate(type="table") -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set scratch = {} -%}
    {%- for part in ["edges", "nodes", "pairs", "live", "hooks", "jumped", "labels"] -%}
        {%- set name = this.identifier ~ "__" ~ part -%}
        {%- do scratch.update(
            {part: this.incorporate(path={"identifier": name}, type="table")}
        ) -%}
    {%- endfor -%}

    {{ run_hooks(pre_hooks) }}

    {# Texts become integers in text order, once: the smallest integer is the smallest text. #}
    {% call replace_scratch(scratch.edges) %}
        select distinct left_node, right_node
        from ({{ sql }}) as claimed
    {% endcall %}
    {% call replace_scratch(scratch.nodes) %}
        select node, cast(row_number() over (order by node) as bigint) as node_number
        from
            (
                select left_node as node
                from {{ scratch.edges }}
                union
                select right_node as node
                from {{ scratch.edges }}
            ) as every_node
    {% endcall %}
    {% call replace_scratch(scratch.labels) %}
        select node_number, node_number as root
        from {{ scratch.nodes }}
    {% endcall %}
    {% call replace_scratch(scratch.pairs) %}
        select lefts.node_number as u, rights.node_number as v
        from {{ scratch.edges }} as edges
        inner join {{ scratch.nodes }} as lefts on edges.left_node = lefts.node
        inner join {{ scratch.nodes }} as rights on edges.right_node = rights.node
    {% endcall %}
    {% call replace_scratch(scratch.live) %}
        select distinct u, v
        from {{ scratch.pairs }}
        where u <> v
    {% endcall %}

    {% set round = namespace(live_edges=rows_of(scratch.live)) %}
    {% for _ in range(1000) if round.live_edges > 0 %}
        {% call replace_scratch(scratch.hooks) %}
            select node_number, min(neighbour) as root
            from
                (
                    select u as node_number, least(u, v) as neighbour
                    from {{ scratch.live }}
                    union all
                    select v as node_number, least(u, v) as neighbour
                    from {{ scratch.live }}
                ) as sides
            group by node_number
        {% endcall %}
        {% for _ in range(3) %}
            {% call replace_scratch(scratch.jumped) %}
                select hooks.node_number, coalesce(further.root, hooks.root) as root
                from {{ scratch.hooks }} as hooks
                left join {{ scratch.hooks }} as further on hooks.root = further.node_number
            {% endcall %}
            {% call replace_scratch(scratch.hooks) %}
                select node_number, root
                from {{ scratch.jumped }}
            {% endcall %}
        {% endfor %}
        {% call replace_scratch(scratch.jumped) %}
            select labels.node_number, coalesce(hooks.root, labels.root) as root
            from {{ scratch.labels }} as labels
            left join {{ scratch.hooks }} as hooks on labels.root = hooks.node_number
        {% endcall %}
        {% call replace_scratch(scratch.labels) %}
            select node_number, root
            from {{ scratch.jumped }}
        {% endcall %}
        {% call replace_scratch(scratch.pairs) %}
            select lefts.root as u, rights.root as v
            from {{ scratch.live }} as live
            inner join {{ scratch.hooks }} as lefts on live.u = lefts.node_number
            inner join {{ scratch.hooks }} as rights on live.v = rights.node_number
        {% endcall %}
        {% call replace_scratch(scratch.live) %}
            select distinct u, v
            from {{ scratch.pairs }}
            where u <> v
        {% endcall %}
        {% set round.live_edges = rows_of(scratch.live) %}
    {% endfor %}

    {% if existing is not none %} {% do adapter.drop_relation(existing) %} {% endif %}
    {% set components %}
        select nodes.node, roots.node as component
        from {{ scratch.nodes }} as nodes
        inner join {{ scratch.labels }} as labels on nodes.node_number = labels.node_number
        inner join {{ scratch.nodes }} as roots on labels.root = roots.node_number
    {% endset %}
    {% call statement("main") -%}
        {{ create_table_as(false, target_relation, components) }}
    {%- endcall %}
    {% for relation in scratch.values() %}
        {% do adapter.drop_relation(relation) %}
    {% endfor %}

    {{ run_hooks(post_hooks) }}
    {% do persist_docs(target_relation, model) %}
    {{ adapter.commit() }}
    {{ return({"relations": [target_relation]}) }}
{% endmaterialization %}

{# Called with the query as its body. #}
{% macro replace_scratch(relation) %}
    {% set query = caller() %}
    {% call statement("scratch", fetch_result=false) %}
        drop table if exists {{ relation }}
    {% endcall %}
    {% call statement("scratch", fetch_result=false) %}
        create table {{ relation }} as {{ query }}
    {% endcall %}
{% endmacro %}

{% macro rows_of(relation) %}
    {% set counted = run_query("select count(*) as row_count from " ~ relation) %}
    {{ return(counted.columns[0].values()[0] | int) }}
{% endmacro %}
