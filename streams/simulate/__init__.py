"""`simulate`: writes a generated week to MariaDB as a collector would, one small transaction after another.

The week itself is generated in `processors.simulation`.
"""
