"""What a program tells of itself while it runs: health, metrics, and decisions by their place in the binlog."""
