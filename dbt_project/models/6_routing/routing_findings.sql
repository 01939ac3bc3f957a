with

    cases as (select * from {{ ref("int_routing_cases") }}),

    rules as (select * from {{ ref("routing_rules") }}),

    claims as (select * from {{ ref("ownership_claims") }}),

    rules_in_force as (select * from {{ ref("int_rules_in_force") }}),

    sales_units as (select * from {{ ref("sales_units") }}),

    structures as (
        select *
        from {{ ref("routing_structures") }}
        where structure_id = '{{ var("sales_structure") }}'
    ),

    case_rules as (select * from {{ ref("int_routing_case_rules") }}),

    gaps as (
        select
            'gap' as finding_kind,
            cast(null as {{ dbt.type_string() }}) as rule_id,
            cast(null as {{ dbt.type_string() }}) as other_id,
            min(cases.case_id) as case_id,
            count(*) as cases
        from cases
        left join
            case_rules
            on cases.case_id = case_rules.case_id
            and case_rules.rule_rank = 1
        where cases.needs_owner and case_rules.case_id is null
        having count(*) > 0
    ),

    -- two rules of one priority that name two owners: only the alphabet decides
    -- between them
    ties as (
        select
            'tie' as finding_kind,
            winners.rule_id,
            losers.rule_id as other_id,
            min(winners.case_id) as case_id,
            count(*) as cases
        from case_rules as winners
        inner join
            case_rules as losers
            on winners.case_id = losers.case_id
            and winners.priority = losers.priority
        where
            winners.rule_rank = 1
            and losers.rule_rank > 1
            and winners.owner_unit_id <> losers.owner_unit_id
        group by winners.rule_id, losers.rule_id
    ),

    -- two units of one cut that cover one value
    covered as (
        select unit_id, cut, {{ each_part("covers", ",") }} as attribute
        from sales_units
        where covers is not null
    ),

    units_overlapping as (
        select
            'overlap' as finding_kind,
            one.unit_id as rule_id,
            other.unit_id as other_id,
            min(cases.case_id) as case_id,
            count(distinct cases.case_id) as cases
        from covered as one
        inner join
            covered as other
            on one.cut = other.cut
            and one.attribute = other.attribute
            and one.unit_id < other.unit_id
        left join
            cases
            on one.attribute = case
                one.cut
                when 'area'
                then cases.area
                when 'account'
                then cases.account
                when 'solution'
                then cases.solution_id
                when 'product'
                then cases.product_id
            end
        group by one.unit_id, other.unit_id
    ),

    -- what a rule would have fitted, had no rule come before it, and which rule came
    -- before it most often
    taken_over as (
        select
            shadowed.rule_id,
            winners.rule_id as other_id,
            min(shadowed.case_id) as case_id,
            count(*) as cases,
            row_number() over (
                partition by shadowed.rule_id order by count(*) desc, winners.rule_id
            ) as most_first
        from case_rules as shadowed
        inner join
            case_rules as winners
            on shadowed.case_id = winners.case_id
            and winners.rule_rank = 1
        group by shadowed.rule_id, winners.rule_id
    ),

    reached as (select distinct rule_id from case_rules where rule_rank = 1),

    unreachable as (
        select
            'unreachable' as finding_kind,
            rules_in_force.rule_id,
            taken_over.other_id,
            taken_over.case_id,
            coalesce(taken_over.cases, 0) as cases
        from rules_in_force
        left join reached on rules_in_force.rule_id = reached.rule_id
        left join
            taken_over
            on rules_in_force.rule_id = taken_over.rule_id
            and taken_over.most_first = 1
        where reached.rule_id is null
    ),

    -- a cut inside a cut that is itself inside another, or inside itself, has no
    -- place of its own
    cycles as (
        select
            'cycle' as finding_kind,
            inner_cuts.cut as rule_id,
            outer_cuts.cut as other_id,
            cast(null as {{ dbt.type_string() }}) as case_id,
            0 as cases
        from structures as inner_cuts
        inner join structures as outer_cuts on inner_cuts.contained_in = outer_cuts.cut
        where outer_cuts.contained_in is not null
    ),

    -- a rule may name a unit or a cut that does not exist
    unknowns as (
        select
            'unknown_unit' as finding_kind,
            rules_in_force.rule_id,
            rules_in_force.accountable_unit_id as other_id,
            cast(null as {{ dbt.type_string() }}) as case_id,
            0 as cases
        from rules_in_force
        left join
            sales_units on rules_in_force.accountable_unit_id = sales_units.unit_id
        where
            rules_in_force.accountable_unit_id is not null
            and sales_units.unit_id is null
        union all
        select
            'unknown_cut' as finding_kind,
            rules_in_force.rule_id,
            rules_in_force.accountable_cut as other_id,
            cast(null as {{ dbt.type_string() }}) as case_id,
            0 as cases
        from rules_in_force
        left join structures on rules_in_force.accountable_cut = structures.cut
        where
            rules_in_force.accountable_cut is not null
            and rules_in_force.accountable_cut <> 'claim'
            and structures.cut is null
    ),

    -- a rule for unclear interest goes to a person with a name, and credit is neither
    -- lost nor given twice
    deciders_missing as (
        select
            'no_decider' as finding_kind,
            rule_id,
            cast(null as {{ dbt.type_string() }}) as other_id,
            cast(null as {{ dbt.type_string() }}) as case_id,
            0 as cases
        from rules_in_force
        where is_interest_ambiguous and decider is null
    ),

    credits as (
        select rule_id, {{ each_part("credit_split", ",") }} as part
        from rules_in_force
        where credit_split is not null
    ),

    credits_summed as (
        select
            rule_id,
            sum(
                coalesce(try_cast({{ dbt.split_part("part", "':'", 2) }} as integer), 0)
            ) as credit_pct
        from credits
        group by rule_id
    ),

    credits_wrong as (
        select
            'bad_credit' as finding_kind,
            rules_in_force.rule_id,
            cast(
                coalesce(credits_summed.credit_pct, 0) as {{ dbt.type_string() }}
            ) as other_id,
            cast(null as {{ dbt.type_string() }}) as case_id,
            0 as cases
        from rules_in_force
        left join credits_summed on rules_in_force.rule_id = credits_summed.rule_id
        where coalesce(credits_summed.credit_pct, 0) <> 100
    ),

    -- not faults: rules that wait for agreement, or whose time is over
    asleep as (
        select
            case
                when agreed_by is null or agreed_on is null
                then 'unagreed'
                else 'expired'
            end as finding_kind,
            rule_id,
            cast(null as {{ dbt.type_string() }}) as other_id,
            cast(null as {{ dbt.type_string() }}) as case_id,
            0 as cases
        from rules
        where
            agreed_by is null
            or agreed_on is null
            or (expires_on is not null and expires_on < {{ as_of_date() }})
    ),

    -- two units that claim the same in words that are equally narrow: only the alphabet
    -- decides between them
    claims_clashing as (
        select
            'claims_clash' as finding_kind,
            one.claim_id as rule_id,
            other.claim_id as other_id,
            cast(null as {{ dbt.type_string() }}) as case_id,
            0 as cases
        from claims as one
        inner join
            claims as other
            on one.claim_id < other.claim_id
            and one.unit_id <> other.unit_id
            and coalesce(one.company_domain, '') = coalesce(other.company_domain, '')
            and coalesce(one.department_category, '')
            = coalesce(other.department_category, '')
            and coalesce(one.crm_lead_id, '') = coalesce(other.crm_lead_id, '')
            and coalesce(one.product_id, '') = coalesce(other.product_id, '')
        where
            (one.valid_to is null or one.valid_to >= other.valid_from)
            and (other.valid_to is null or other.valid_to >= one.valid_from)
            and (one.valid_to is null or one.valid_to >= {{ as_of_date() }})
            and (other.valid_to is null or other.valid_to >= {{ as_of_date() }})
    ),

    found as (
        select *
        from claims_clashing
        union all
        select *
        from gaps
        union all
        select *
        from ties
        union all
        select *
        from units_overlapping
        union all
        select *
        from unreachable
        union all
        select *
        from cycles
        union all
        select *
        from unknowns
        union all
        select *
        from deciders_missing
        union all
        select *
        from credits_wrong
        union all
        select *
        from asleep
    )

select
    {{ surrogate_key(["found.finding_kind", "found.rule_id", "found.other_id"]) }}
    as finding_id,
    found.finding_kind,
    found.finding_kind not in ('unagreed', 'expired') as is_fault,
    found.rule_id as subject_id,
    found.other_id,
    cast(found.cases as bigint) as cases,
    cases.has_asked,
    cases.form_kind,
    cases.product_id,
    cases.solution_id,
    cases.account,
    cases.area,
    cases.is_existing_company,
    cases.is_known_department,
    cases.is_known_person,
    cases.has_bought_product,
    cases.is_interest_ambiguous,
    cases.relation,
    cases.claimed_unit_id is not null as is_claimed,
    cases.score_band
from found
left join cases on found.case_id = cases.case_id
