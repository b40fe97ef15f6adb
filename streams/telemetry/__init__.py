"""What a program tells of itself while it runs: health, metrics, logs, trace ids.

server    /healthz, /readyz and /metrics
checks    health checks that several programs have
registry  how metrics are declared; metrics has those of several programs
logs      JSON lines; traces has the trace ids

A program's own health and metrics are in its room.
"""
