{#
  What fails: an area, or a product, or another value of a cut, that two sales units cover; shown with both units.
  Why it matters: two units for one value are two owners, which is none. Who sells what where is settled between people
  before it is written into sales_units.csv.
#}
with

    sales_units as (select * from {{ ref("sales_units") }}),

    units_overlapping as (
        select one.cut, one.unit_id, other.unit_id as other_unit_id
        from sales_units as one
        inner join
            sales_units as other on one.cut = other.cut and one.unit_id < other.unit_id
        where
            ',' || one.covers || ',' like '%,' || other.covers || ',%'
            or ',' || other.covers || ',' like '%,' || one.covers || ',%'
    )

select *
from units_overlapping
