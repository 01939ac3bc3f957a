{#
  Connected components of a graph, whatever its diameter, on an engine without useful recursion.

  The model's SQL yields edges (left_node, right_node) of any type that has an order, text or whole numbers; a node
  alone is an edge with itself. The table holds one row per node: node, component, where component is the smallest
  node of its component, so that it depends on the set of edges only.

  With `changes="<column>"` the table is incremental. The SQL then also yields `is_live` (false: the edge was
  withdrawn) and that column, a number that grows whenever an edge comes, goes or comes back. Only components that
  a change touches are resolved again: whole where edges came, edge by edge where one went. `resolved_to` keeps
  how far the changes were read. A full refresh gives the same nodes and components.
#}
{% materialization connected_components, default %}
    {%- set target_relation = this.incorporate(type="table") -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set changes = config.get("changes") -%}

    {{ run_hooks(pre_hooks) }}
    {% if changes and existing is not none and not should_full_refresh() %}
        {% do resolve_touched_components(existing, sql, changes) %}
    {% else %} {% do resolve_all_components(target_relation, existing, sql, changes) %}
    {% endif %}
    {{ run_hooks(post_hooks) }}
    {% do persist_docs(target_relation, model) %}
    {{ adapter.commit() }}
    {{ return({"relations": [target_relation]}) }}
{% endmaterialization %}

{% macro resolve_all_components(target_relation, existing, sql, changes) %}
    {% set edges = scratch("edges") %}
    {% set roots = scratch("roots") %}
    {% call replace_scratch(edges) %}
        select
            left_node as u,
            right_node as v
            {% if changes %}, {{ changes }} as change_number {% endif %}
        from ({{ sql }}) as claimed
        {% if changes %} where is_live {% endif %}
    {% endcall %}
    {% do find_roots(edges, roots) %}
    {% if existing is not none %} {% do adapter.drop_relation(existing) %} {% endif %}
    {% set components %}
        select
            node,
            root as component
            {% if changes %}
                ,
                cast(
                    (select coalesce(max(change_number), 0) from {{ edges }}) as bigint
                ) as resolved_to
            {% endif %}
        from {{ roots }}
    {% endset %}
    {% call statement("main") -%}
        {{ create_table_as(false, target_relation, components) }}
    {%- endcall %}
    {% do drop_scratch([edges, roots]) %}
{% endmacro %}

{# A touched component stands for its nodes while edges only come; where one went, each node stands for itself. #}
{% macro resolve_touched_components(existing, sql, changes) %}
    {% set changed = scratch("changed") %}
    {% set touched = scratch("touched") %}
    {% set members = scratch("members") %}
    {% set given = scratch("given") %}
    {% set mapped = scratch("mapped") %}
    {% set edges = scratch("edges") %}
    {% set roots = scratch("roots") %}
    {% set resolved_to = number_of(
        "select coalesce(max(resolved_to), 0) from " ~ existing
    ) %}
    {% call replace_scratch(changed) %}
        select left_node as u, right_node as v, is_live, {{ changes }} as change_number
        from ({{ sql }}) as claimed
        where {{ changes }} > {{ resolved_to }}
    {% endcall %}
    {% set resolves_to = number_of(
        "select coalesce(max(change_number), 0) from " ~ changed
    ) %}
    {% call replace_scratch(touched) %}
        select components.component, max(ends.is_withdrawn) as is_split
        from {{ existing }} as components
        inner join
            (
                select u as node, case when is_live then 0 else 1 end as is_withdrawn
                from {{ changed }}
                union all
                select v as node, case when is_live then 0 else 1 end as is_withdrawn
                from {{ changed }}
            ) as ends
            on components.node = ends.node
        group by components.component
    {% endcall %}
    {% call replace_scratch(members) %}
        select
            components.node,
            touched.is_split,
            case
                when touched.is_split = 1
                then components.node
                else components.component
            end as label
        from {{ existing }} as components
        inner join {{ touched }} as touched on components.component = touched.component
    {% endcall %}
    {% call replace_scratch(given) %}
        select u, v
        from {{ changed }}
        where is_live
        {% if number_of("select count(*) from " ~ touched ~ " where is_split = 1") %}
            union all
            select left_node as u, right_node as v
            from ({{ sql }}) as claimed
            where
                is_live
                and left_node in (select node from {{ members }} where is_split = 1)
        {% endif %}
    {% endcall %}
    {% call replace_scratch(mapped) %}
        select
            given.u,
            given.v,
            coalesce(lefts.label, given.u) as left_label,
            coalesce(rights.label, given.v) as right_label
        from {{ given }} as given
        left join {{ members }} as lefts on given.u = lefts.node
        left join {{ members }} as rights on given.v = rights.node
    {% endcall %}
    {% call replace_scratch(edges) %}
        select left_label as u, right_label as v
        from {{ mapped }}
        union all
        select component as u, component as v
        from {{ touched }}
        where is_split = 0
    {% endcall %}
    {% do find_roots(edges, roots) %}
    {% set in_touched = "component in (select component from " ~ touched ~ ")" %}
    {% do run_query("delete from " ~ existing ~ " where " ~ in_touched) %}
    {% call statement("main") %}
        insert into {{ existing }} (node, component, resolved_to)
        select nodes.node, roots.root, cast({{ resolves_to }} as bigint)
        from
            (
                select node, label
                from {{ members }}
                where is_split = 0
                union
                select u, left_label
                from {{ mapped }}
                union
                select v, right_label
                from {{ mapped }}
            ) as nodes
        inner join {{ roots }} as roots on nodes.label = roots.node
    {% endcall %}
    {% do drop_scratch([changed, touched, members, given, mapped, edges, roots]) %}
{% endmacro %}

{#
  From edges (u, v) to `roots` (node, root): the smallest node of each node's component.

  Each round hooks every node to its smallest neighbour, follows the hooks to their ends, and contracts the edges
  to those ends; it ends when no edge is left. A node that no round moved has a smaller neighbour in the next one:
  in two rounds at least half of a component's nodes are gone. So rounds grow with the logarithm of the nodes, and
  so do the steps within a round, each of which halves the way to the hooks' end.
  After Shiloach and Vishkin (1982), "An O(log n) parallel connectivity algorithm".

  DuckDB has no statistics on tables made in the running transaction: a join and a `u <> v` in one statement are
  planned with the inequality first (minutes instead of milliseconds), so joining and filtering are two steps.
#}
{% macro find_roots(edges, roots) %}
    {% set live = scratch("live") %}
    {% set pairs = scratch("pairs") %}
    {% set state = namespace(edges=edges, live_edges=1, hooks=[]) %}
    {% for round in range(200) if state.live_edges > 0 %}
        {% set hooks = hooked_to_the_end(state.edges, "hooks" ~ round) %}
        {% do state.hooks.append(hooks) %}
        {% call replace_scratch(pairs) %}
            select lefts.root as u, rights.root as v
            from (select u, v from {{ state.edges }} where u <> v) as live
            inner join {{ hooks }} as lefts on live.u = lefts.node
            inner join {{ hooks }} as rights on live.v = rights.node
        {% endcall %}
        {% call replace_scratch(live) %}
            select distinct least(u, v) as u, greatest(u, v) as v
            from {{ pairs }}
            where u <> v
        {% endcall %}
        {% set state.edges = live %}
        {% set state.live_edges = number_of("select count(*) from " ~ live) %}
    {% endfor %}
    {% if state.live_edges > 0 %}
        {{
            exceptions.raise_compiler_error(
                "components of " ~ this ~ " are unresolved after 200 rounds"
            )
        }}
    {% endif %}
    {% set further = namespace(roots=none) %}
    {% for hooks in state.hooks | reverse %}
        {% set composed = roots if loop.last else scratch("composed" ~ loop.index) %}
        {% call replace_scratch(composed) %}
            {% if further.roots %}
                select hooks.node, coalesce(further.root, hooks.root) as root
                from {{ hooks }} as hooks
                left join {{ further.roots }} as further on hooks.root = further.node
            {% else %}
                select node, root
                from {{ hooks }}
            {% endif %}
        {% endcall %}
        {% do drop_scratch([hooks] + ([further.roots] if further.roots else [])) %}
        {% set further.roots = composed %}
    {% endfor %}
    {% do drop_scratch([live, pairs]) %}
{% endmacro %}

{# A relation (node, root): where a node ends that goes to its smallest neighbour as long as it can. #}
{% macro hooked_to_the_end(edges, name) %}
    {% set state = namespace(hooks=scratch(name), moved=1) %}
    {% call replace_scratch(state.hooks) %}
        select node, min(neighbour) as root
        from
            (
                select u as node, least(u, v) as neighbour
                from {{ edges }}
                union all
                select v as node, least(u, v) as neighbour
                from {{ edges }}
            ) as sides
        group by node
    {% endcall %}
    {% for jump in range(200) if state.moved > 0 %}
        {% set jumped = scratch(name ~ "_" ~ jump) %}
        {% call replace_scratch(jumped) %}
            select
                hooks.node,
                further.root,
                case when further.root = hooks.root then 0 else 1 end as is_moved
            from {{ state.hooks }} as hooks
            inner join {{ state.hooks }} as further on hooks.root = further.node
        {% endcall %}
        {% do drop_scratch([state.hooks]) %}
        {% set state.hooks = jumped %}
        {% set state.moved = number_of(
            "select coalesce(sum(is_moved), 0) from " ~ jumped
        ) %}
    {% endfor %}
    {{ return(state.hooks) }}
{% endmacro %}

{# A table beside the model, for the time of its building. #}
{% macro scratch(part) %}
    {{
        return(
            this.incorporate(
                path={"identifier": this.identifier ~ "__" ~ part}, type="table"
            )
        )
    }}
{% endmacro %}

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

{% macro drop_scratch(relations) %}
    {% for relation in relations %}
        {% do adapter.drop_relation(relation) %}
    {% endfor %}
{% endmacro %}

{# The one whole number that a query yields. #}
{% macro number_of(query) %}
    {{ return(run_query(query).columns[0].values()[0] | int) }}
{% endmacro %}
