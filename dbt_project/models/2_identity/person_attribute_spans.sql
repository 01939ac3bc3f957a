{# What was known of a person on each day: person_attributes judged anew at each new word and each new employer, by
   the same order of precedence. Addresses are not here, since no rule asks how an address reads; so nothing bounces.

   What the records of the employer say stands in for what nobody said of the person, from the first record that
   said it on. #}
{%- set of_companies = ["company_name", "prefecture", "industry"] -%}

with

    words as (
        select *
        from {{ ref("int_person_words") }}
        where attribute not in ('person_name', 'person_kana', 'email', 'phone')
    ),
    rules as (select * from {{ ref("attribute_rules") }}),
    employments as (select * from {{ ref("employment_spans") }}),
    sightings as (select * from {{ ref("int_person_sightings") }}),
    companies as (select * from {{ ref("dim_companies") }}),
    company_sightings as (select * from {{ ref("int_company_identifiers") }}),
    members as (select * from {{ ref("int_company_members") }}),
    departments as (select * from {{ ref("int_departments_categorised") }}),

    employers as (
        select person_id, company_id, min(seen_at) as opened_at
        from sightings
        where company_id is not null
        group by person_id, company_id
    ),

    values_of_companies as (
        {% for attribute in of_companies %}
            select
                companies.company_id,
                '{{ attribute }}' as attribute,
                companies.{{ attribute }} as company_value,
                min(
                    {%- if attribute == "company_name" %}company_sightings.seen_at
                    {%- else %}
                        case
                            when
                                company_sightings.{{ attribute }}
                                = companies.{{ attribute }}
                            then company_sightings.seen_at
                        end
                    {%- endif %}
                ) as said_at
            from companies
            inner join members on companies.company_id = members.company_id
            inner join
                company_sightings
                on members.company_identifier = company_sightings.company_identifier
            where companies.{{ attribute }} is not null
            group by companies.company_id, companies.{{ attribute }}
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    ),

    -- When another value may win: a word, a new employer, a record of the employer.
    moments as (
        select
            person_id, attribute, seen_at as moment, company_id, trust, attribute_value
        from words
        union all
        select
            employers.person_id,
            values_of_companies.attribute,
            greatest(employers.opened_at, values_of_companies.said_at),
            null,
            null,
            null
        from employers
        inner join
            values_of_companies on employers.company_id = values_of_companies.company_id
        union all
        select
            employers.person_id, rules.attribute, employers.opened_at, null, null, null
        from employers
        cross join rules
        where
            rules.follows_employment
            and rules.attribute not in ('person_name', 'person_kana', 'email', 'phone')
    ),

    -- Of words of one moment and one trust the smaller text wins. A key that sorts as
    -- the words rank: trust, moment, and behind them the value itself.
    moments_keyed as (
        select
            moments.person_id,
            moments.attribute,
            moments.moment,
            employments.company_id,
            case
                when moments.attribute_value is not null
                then
                    lpad(cast(moments.trust as {{ dbt.type_string() }}), 3, '0')
                    || chr(31)
                    || cast(moments.moment as {{ dbt.type_string() }})
                    || chr(31)
            end as word_key,
            min(moments.attribute_value) over (
                partition by
                    moments.person_id, moments.attribute, moments.trust, moments.moment
            ) as word,
            case
                when
                    rules.follows_employment
                    and moments.company_id = employments.company_id
                then
                    min(moments.attribute_value) over (
                        partition by
                            moments.person_id,
                            moments.attribute,
                            moments.trust,
                            moments.moment,
                            moments.company_id
                    )
            end as word_of_present
        from moments
        left join rules on moments.attribute = rules.attribute
        left join
            employments
            on moments.person_id = employments.person_id
            and moments.moment >= employments.span_from
            and moments.moment < employments.span_to
    ),

    moments_judged as (
        select
            person_id,
            attribute,
            moment,
            company_id,
            max(word_key || word) over (
                partition by person_id, attribute order by moment
            ) as best_of_all,
            max(word_key || word_of_present) over (
                partition by person_id, attribute, company_id order by moment
            ) as best_of_present
        from moments_keyed
    ),

    moments_valued as (
        select
            moments_judged.person_id,
            moments_judged.attribute,
            moments_judged.moment,
            coalesce(
                split_part(
                    coalesce(
                        moments_judged.best_of_present, moments_judged.best_of_all
                    ),
                    chr(31),
                    3
                ),
                case
                    when values_of_companies.said_at <= moments_judged.moment
                    then values_of_companies.company_value
                end,
                ''
            ) as attribute_value
        from moments_judged
        left join
            values_of_companies
            on moments_judged.company_id = values_of_companies.company_id
            and moments_judged.attribute = values_of_companies.attribute
    ),

    -- A day has one value: that of its evening.
    days as (
        select
            person_id,
            attribute,
            {{ local_date("moment") }} as valid_from,
            max_by(attribute_value, moment) as attribute_value
        from moments_valued
        group by person_id, attribute, {{ local_date("moment") }}
    ),

    days_compared as (
        select
            *,
            lag(attribute_value) over (
                partition by person_id, attribute order by valid_from
            ) as value_before
        from days
    ),

    spans as (
        select
            person_id,
            attribute,
            attribute_value,
            valid_from,
            lead(valid_from) over (
                partition by person_id, attribute order by valid_from
            ) as valid_to
        from days_compared
        where value_before is null or value_before <> attribute_value
    ),

    spans_and_categories as (
        select person_id, attribute, attribute_value, valid_from, valid_to
        from spans
        union all
        select
            spans.person_id,
            'department_category',
            departments.department_category,
            spans.valid_from,
            spans.valid_to
        from spans
        inner join departments on spans.attribute_value = departments.department
        where
            spans.attribute = 'department'
            and departments.department_category is not null
    )

select person_id, attribute, attribute_value, valid_from, valid_to
from spans_and_categories
where attribute_value <> ''
