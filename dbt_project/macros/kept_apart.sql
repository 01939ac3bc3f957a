{#
  Components that must not hold certain pairs of nodes, cut until they do not.

  The model's SQL yields edges (left_node, right_node, strength) of whole components, and with strength NULL the
  pairs that must be apart. The table holds one row per node: node, component, the smallest node of what is left
  together.

  While a component holds a pair that must be apart, its first pair by number is taken and every other node goes
  with one of the two: along the strongest edges first, among these the nearest, among these the smaller number.
  Edges between the two sides are cut. All this depends on the set of edges and pairs only.
#}
{% materialization kept_apart, default %}
    {%- set target_relation = this.incorporate(type="table") -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set given = scratch("given") -%}
    {%- set edges = scratch("uncut") -%}
    {%- set alone = scratch("alone") -%}
    {%- set roots = scratch("pieces") -%}
    {%- set pairs = scratch("violated") -%}

    {{ run_hooks(pre_hooks) }}
    {% call replace_scratch(given) %}
        select left_node as u, right_node as v, strength
        from ({{ sql }}) as claimed
    {% endcall %}
    {% call replace_scratch(edges) %}
        select u, v, strength
        from {{ given }}
        where strength is not null
    {% endcall %}
    {% set state = namespace(pairs=1) %}
    {% for _ in range(100000) if state.pairs > 0 %}
        {% call replace_scratch(alone) %}
            select u, v
            from {{ edges }}
            union all
            select u, u
            from {{ given }}
            union all
            select v, v
            from {{ given }}
        {% endcall %}
        {% do find_roots(alone, roots) %}
        {% call replace_scratch(pairs) %}
            select u, v
            from
                (
                    select
                        given.u,
                        given.v,
                        row_number() over (
                            partition by lefts.root order by given.u, given.v
                        ) as pair_number
                    from {{ given }} as given
                    inner join {{ roots }} as lefts on given.u = lefts.node
                    inner join
                        {{ roots }} as rights
                        on given.v = rights.node
                        and lefts.root = rights.root
                    where given.strength is null and given.u <> given.v
                ) as numbered
            where pair_number = 1
        {% endcall %}
        {% set state.pairs = number_of("select count(*) from " ~ pairs) %}
        {% if state.pairs > 0 %} {% do cut_between(pairs, edges) %} {% endif %}
    {% endfor %}

    {% if existing is not none %} {% do adapter.drop_relation(existing) %} {% endif %}
    {% set pieces %}
        select node, root as component
        from {{ roots }}
    {% endset %}
    {% call statement("main") -%}
        {{ create_table_as(false, target_relation, pieces) }}
    {%- endcall %}
    {% do drop_scratch([given, edges, alone, roots, pairs]) %}

    {{ run_hooks(post_hooks) }}
    {% do persist_docs(target_relation, model) %}
    {{ adapter.commit() }}
    {{ return({"relations": [target_relation]}) }}
{% endmaterialization %}

{# Every node that hangs together with a pair joins one of the two; edges between different sides go. #}
{% macro cut_between(pairs, edges) %}
    {% set sides = scratch("sides") %}
    {% set reached = scratch("reached") %}
    {% set uncut = scratch("remaining") %}
    {% call replace_scratch(sides) %}
        select u as node, u as seed
        from {{ pairs }}
        union all
        select v as node, v as seed
        from {{ pairs }}
    {% endcall %}
    {% set strengths = run_query(
        "select distinct strength from " ~ edges ~ " order by strength desc"
    ) %}
    {% for strength in strengths.columns[0].values() %}
        {% set state = namespace(reached=1) %}
        {% for _ in range(100000) if state.reached > 0 %}
            {% call replace_scratch(reached) %}
                select neighbours.node, min(neighbours.seed) as seed
                from
                    (
                        select edges.v as node, sides.seed
                        from {{ edges }} as edges
                        inner join {{ sides }} as sides on edges.u = sides.node
                        where edges.strength >= {{ strength }}
                        union all
                        select edges.u as node, sides.seed
                        from {{ edges }} as edges
                        inner join {{ sides }} as sides on edges.v = sides.node
                        where edges.strength >= {{ strength }}
                    ) as neighbours
                left join {{ sides }} as known on neighbours.node = known.node
                where known.node is null
                group by neighbours.node
            {% endcall %}
            {% set state.reached = number_of("select count(*) from " ~ reached) %}
            {% if state.reached > 0 %}
                {% call statement("scratch", fetch_result=false) %}
                    insert into {{ sides }}
                    select node, seed
                    from {{ reached }}
                {% endcall %}
            {% endif %}
        {% endfor %}
    {% endfor %}
    {% call replace_scratch(uncut) %}
        select edges.u, edges.v, edges.strength
        from {{ edges }} as edges
        left join {{ sides }} as lefts on edges.u = lefts.node
        left join {{ sides }} as rights on edges.v = rights.node
        where coalesce(lefts.seed, edges.u) = coalesce(rights.seed, edges.u)
    {% endcall %}
    {% call replace_scratch(edges) %}
        select u, v, strength
        from {{ uncut }}
    {% endcall %}
    {% do drop_scratch([sides, reached, uncut]) %}
{% endmacro %}
