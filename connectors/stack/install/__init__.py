"""Installing: what the machine lacks (`machine`, which runs before anything else), archives and Java by checksum.

Starting what was installed is in `connectors.stack.servers`.
"""
