"""Matching: from profiles of people to pairs that are probably one person (名寄せ), with Splink.

    a model (JSON) + a table of profiles  ->  predict  ->  pairs with probability and the evidence of each
    pairs + what people decided           ->  settle   ->  which pairs join, wait for a person, or never join
    a model (JSON) + tables to learn from ->  train    ->  the model with its weights learned anew

Everything is a function of its arguments: same tables, same model, same pairs, whatever the order of rows.
"""
