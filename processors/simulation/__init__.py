"""A generated working week of generated people, for the demo, the benchmarks and the tests.

Pure: the seed comes in as functions that give numbers in [0, 1), the first day as a date. Everything says that it is
generated: the firm's name, the source of each row, mail domains that can't exist.
"""
