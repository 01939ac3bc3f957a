{# A whole number as people write it, thousands apart: 20298 is 20,298. `value` is a bigint from 0 on. #}
{% macro number_written(value) -%}
    case
        {%- for groups in [1, 2, 3, 4] %}
            {% if groups < 4 -%} when {{ value }} < {{ 1000**groups }} then
            {%- else -%} else
            {%- endif %}
                cast(
                    cast(
                        floor({{ value }} / {{ 1000.0 ** (groups - 1) }}) as bigint
                    ) as {{ dbt.type_string() }}
                )
                {%- for group in range(groups - 1, 0, -1) %}
                    || ','
                    || lpad(
                        cast(
                            cast(
                                floor(
                                    {{ value }} / {{ 1000.0 ** (group - 1) }}
                                ) as bigint
                            )
                            % 1000 as {{ dbt.type_string() }}
                        ),
                        3,
                        '0'
                    )
                {%- endfor %}
        {%- endfor %}
    end
{%- endmacro %}
