{#
  Which band a score is in, in one place: from the band's min_score on, up to the next band's. Half open, so that a score
  on the bound is in the upper band, and every score in exactly one.
#}
{% macro bands_with_ends() -%}
    select
        band_kind,
        band,
        min_score,
        lead(min_score) over (partition by band_kind order by min_score) as ends_before
    from {{ ref("score_bands") }}
{%- endmacro %}

{# Argument: `score` is a column beside those of bands_with_ends, which stand as `bands`. #}
{% macro is_in_band(score) -%}
    {{ score }} >= bands.min_score
    and (bands.ends_before is null or {{ score }} < bands.ends_before)
{%- endmacro %}
