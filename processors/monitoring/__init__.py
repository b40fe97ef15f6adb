"""Decides whether the pipeline is well, as pure functions of values. Nothing here asks a broker or reads a clock.

status            a consumer's status by Burrow's rules
links             the links of the pipeline for `ops status`, each with its remedy
offset_moves      what moving a consumer's offsets would do
capture_watchdog  when to restart capture's task

The values are measured in `streams.shared.consumer_state` and `streams.ops`.
"""
