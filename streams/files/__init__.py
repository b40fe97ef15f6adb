"""Commands on files: `preview` groups a file, `import` writes it to MariaDB, `export` writes activities as event lines.

`source_options` has the options that `preview` and `import` share; `labelled_events` reads true groups for
`streams.evaluate` and `streams.models`. Readers of each format are in `connectors.sources`.
"""
