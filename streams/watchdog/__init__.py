"""`watchdog`: keeps capture running, and measures the lag of every consumer. `command` starts it.

command          the command, and the loop that observes capture and restarts its task
lag_metrics      the lag of every consumer and of capture, measured when metrics are scraped
health, metrics  what the process reports about itself

When to restart is decided in `processors.monitoring.capture_watchdog`.
"""
