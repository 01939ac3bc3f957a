{%- set columns = ["name", "workplace", "mobile", "department", "place"] -%}
with

    queue as (select * from {{ ref("review_queue") }}),
    words as (select * from {{ ref("matching_words") }})

select
    queue.link_id,
    queue.probability,
    queue.first_claimed_at,
    because.name_ja as because_ja,
    because.name_en as because_en,
    queue.left_person_id,
    queue.right_person_id,
    queue.left_name,
    queue.right_name,
    queue.left_company,
    queue.right_company,
    queue.left_department,
    queue.right_department,
    queue.left_email,
    queue.right_email,
    queue.left_phone,
    queue.right_phone,
    queue.left_place,
    queue.right_place,
    {% for column in columns %}
        {{ column }}_words.name_ja as {{ column }}_ja,
        {{ column }}_words.name_en as {{ column }}_en,
        queue.{{ column }}_weight,
    {% endfor %}
    'ikusei links accept ' || queue.link_id || ' --why "..."' as accept_command,
    'ikusei links reject ' || queue.link_id || ' --why "..."' as reject_command
from queue
inner join words as because on queue.because = because.word
{% for column in columns %}
    left join
        words as {{ column }}_words
        on queue.{{ column }}_level = {{ column }}_words.word
{% endfor %}
