{#
  The catalogue as a table, written from the metrics of kpis/: one place defines a KPI, for MetricFlow, for the pages
  and for the SQL of fct_kpis. definition_version changes with any word of a definition, its measures included.
#}
{%- if execute -%}
    {%- set measures, metrics = {}, {} -%}
    {%- for model in graph.semantic_models.values() -%}
        {%- for measure in model.measures -%}
            {%- do measures.update(
                {
                    measure.name: [
                        model.model,
                        measure.agg | string,
                        measure.expr,
                    ]
                }
            ) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for metric in graph.metrics.values() -%}
        {%- do metrics.update({metric.name: metric}) -%}
    {%- endfor -%}
    {%- for name in metrics | sort %}
        {%- set parts, meta = metrics[name].type_params, metrics[name].config.meta -%}
        {%- if metrics[name].type == "ratio" -%}
            {%- set above = metrics[parts.numerator.name].type_params.measure.name -%}
            {%- set below = metrics[parts.denominator.name].type_params.measure.name -%}
        {%- else -%} {%- set above, below = parts.measure.name, none -%}
        {%- endif -%}
        {%- set definition = tojson(
            [name, above, below, measures[above], measures.get(below), meta]
        ) -%}
        {%- set texts = {
            "kpi_id": name,
            "measure": above,
            "denominator_measure": below,
            "name_ja": meta.name_ja,
            "name_en": meta.name_en,
            "family": meta.family,
            "formula_ja": meta.formula_ja,
            "formula_en": meta.formula,
            "unit": meta.unit,
            "grain": meta.grain,
            "clock": meta.clock,
            "clock_ja": meta.clock_ja,
            "exclusions": meta.exclusions,
            "exclusions_ja": meta.exclusions_ja,
            "requirements": (meta.requirements or []) | join(" "),
            "agreed_by": meta.agreed_by,
            "agreed_on": meta.agreed_on,
            "missing_data": meta.missing_data,
            "missing_data_ja": meta.missing_data_ja,
            "definition_version": local_md5(definition)[:12],
        } %}
        select
            {%- for column, value in texts.items() %}
                {% if value -%}
                    {{ dbt.string_literal(dbt.escape_single_quotes(value | string)) }}
                {%- else -%} cast(null as {{ dbt.type_string() }})
                {%- endif %} as {{ column }}
                {%- if not loop.last -%}, {%- endif %}
            {%- endfor %}
        {% if not loop.last %}
            union all
        {% endif %}
    {%- endfor %}
{%- else %} select 1 as kpi_id
{%- endif %}
