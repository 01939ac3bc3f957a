{#
  How a name sounds, in loose Latin letters, so that カワベジュン, かわべ じゅん, "Kawabe Jun" and kawabe.jun@ meet.

  Kana become letters sign by sign; then `loose_letters` takes away what writers of Latin letters do differently:
  Hepburn or Kunrei (shi, si), long vowels (Ohno, Oono, Ono), doubled consonants, m or n before b and p. Both sides
  of a comparison pass through it, so it must be the same for both, not right for either.
#}
{% macro katakana(text) -%}
    translate(
        {{ text }},
        'ぁあぃいぅうぇえぉおかがきぎくぐけげこごさざしじすずせぜそぞただちぢっつづてでとどなにぬねのはばぱひびぴふぶぷへべぺほぼぽまみむめもゃやゅゆょよらりるれろわをんゔ',
        'ァアィイゥウェエォオカガキギクグケゲコゴサザシジスズセゼソゾタダチヂッツヅテデトドナニヌネノハバパヒビピフブプヘベペホボポマミムメモャヤュユョヨラリルレロワヲンヴ'
    )
{%- endmacro %}

{% macro reading_key(kana) -%}
    {%- set rows = {
        "": "アイウエオ",
        "k": "カキクケコ",
        "g": "ガギグゲゴ",
        "s": "サシスセソ",
        "z": "ザジズゼゾ",
        "t": "タチツテト",
        "d": "ダ  デド",
        "n": "ナニヌネノ",
        "h": "ハヒフヘホ",
        "b": "バビブベボ",
        "p": "パピプペポ",
        "m": "マミムメモ",
        "y": "ヤ ユ ヨ",
        "r": "ラリルレロ",
        "w": "ワ    ",
    } -%}
    {%- set signs = {
        "ァ": "a",
        "ィ": "i",
        "ゥ": "u",
        "ェ": "e",
        "ォ": "o",
        "ャ": "ya",
        "ュ": "yu",
        "ョ": "yo",
        "ヂ": "zi",
        "ヅ": "zu",
        "ヲ": "o",
        "ン": "n",
        "ヴ": "bu",
        "ッ": "",
        "ー": "",
        "・": "",
        " ": "",
    } -%}
    {%- for consonant, row in rows.items() -%}
        {%- for sign in row -%}
            {%- if sign != " " -%}
                {%- do signs.update({sign: consonant ~ "aiueo"[loop.index0]}) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set spelt = namespace(sql=katakana(kana)) -%}
    {%- for sign, letters in signs.items() -%}
        {%- set spelt.sql = (
            "replace(" ~ spelt.sql ~ ", '" ~ sign ~ "', '" ~ letters ~ "')"
        ) -%}
    {%- endfor -%}
    {{ loose_letters(spelt.sql) }}
{%- endmacro %}

{% macro loose_letters(letters) -%}
    {%- set habits = [
        ("sh", "sy"),
        ("ch", "ty"),
        ("ts", "t"),
        ("j", "zy"),
        ("f", "h"),
        ("iy", "y"),
        ("yi", "i"),
        ("tc", "t"),
        ("kk", "k"),
        ("ss", "s"),
        ("tt", "t"),
        ("pp", "p"),
        ("nn", "n"),
        ("mb", "nb"),
        ("mp", "np"),
        ("oh", "o"),
        ("ou", "o"),
        ("oo", "o"),
        ("uu", "u"),
    ] -%}
    {%- set loosened = namespace(sql="lower(" ~ letters ~ ")") -%}
    {%- for written, meant in habits -%}
        {%- set loosened.sql = (
            "replace("
            ~ loosened.sql
            ~ ", '"
            ~ written
            ~ "', '"
            ~ meant
            ~ "')"
        ) -%}
    {%- endfor -%}
    {{ loosened.sql }}
{%- endmacro %}

{# The text if it is nothing but letters a to z, else null: a reading with kanji left in it is none. #}
{% macro letters_only(text) -%}
    case
        when
            {{ text }} <> ''
            and translate({{ text }}, 'abcdefghijklmnopqrstuvwxyz', '') = ''
        then {{ text }}
    end
{%- endmacro %}

{# The words before the @, without digits: the first and the second of `kawabe_jun2`. #}
{% macro mail_words(email, place) -%}
    split_part(
        translate(split_part({{ email }}, '@', 1), '_-0123456789', '..'),
        '.',
        {{ place }}
    )
{%- endmacro %}
