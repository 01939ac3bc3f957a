{# Whose points for deeds this build may change. It reads those of the build before, so they are written after it. #}
{{ config(materialized="incremental", incremental_strategy="renewed") }}
{{ people_told_anew(this.incorporate(path={"identifier": "int_touch_points"})) }}
