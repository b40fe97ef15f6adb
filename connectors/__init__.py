"""Adapters to what runs outside this process: each package talks to one kind of server or input and decides nothing.

`mariadb`, `kafka`, `debezium` and `llm` are the servers, `sources` reads people's files, `stack` starts and watches the
local servers and programs, and `containers` holds the files of the container images. Import the module that you need;
this package has no names of its own.

Not here: decisions (`processors`, which no connector imports), the types that flow (`schemas`) and the programs that
put all of it together (`streams`).
"""
