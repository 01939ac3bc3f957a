"""Orchestration: from landed files to published pages and a plan of what to send, once or on a schedule.

`run` calls the five steps one after another (ingest, contracts, dbt build, publish, sync plan); `definitions`
shows the same five functions to Dagster as assets; `cli` shows them to people as the command `ikusei`.
"""
