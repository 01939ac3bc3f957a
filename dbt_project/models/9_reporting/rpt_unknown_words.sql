select attribute, word, people_count from {{ ref("unknown_words") }}
