{# K25: what the stock was said to be worth, beside the orders that came since. #}
select * from {{ ref("fct_lead_asset_calibration") }}
