{#
  How much of the change of a product of three factors is due to each: the mean over all six orders in which the
  factors can move (Shapley 1953). The three parts add up to the change exactly. `part` is 0, 1 or 2.
#}
{% macro shapley_of_three(before, after, part) -%}
    {%- set others = [0, 1, 2] | reject("equalto", part) | list -%}
    {%- set a, b = others[0], others[1] -%}
    ({{ after[part] }} - {{ before[part] }}) * (
        {{ before[a] }} * {{ before[b] }} / 3
        + ({{ before[a] }} * {{ after[b] }} + {{ after[a] }} * {{ before[b] }}) / 6
        + {{ after[a] }} * {{ after[b] }} / 3
    )
{%- endmacro %}
