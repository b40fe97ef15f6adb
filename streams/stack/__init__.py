"""`stack`, `prepare` and `demo`: bring servers up, and get them ready.

command       `stack`: the servers in the project's own folder
prepare       creates or checks the database, the topics and the connector
server_check  `stack check`: what a user's own servers need
demo          the main job on the real stack, from nothing to a timesheet; demo_figures measures it

Starting and supervising the servers is in `connectors.stack`.
"""
