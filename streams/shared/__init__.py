"""What two or more programs share. A module that only one program uses belongs in that program's room.

model_store      the grouping models at hand: shipped, from files, and firms' own
billing_rules    the decisions of `processors.billing` as the database code calls them
group_records    records of `groups` as typed values; published folds them to what is published now
catch_up         waits until `bill` has seen marks; pending_marks says where they are
consumer_state   the state and lag of our consumers
probe            asks a server with a deadline
server_access    settings for TLS and logins; stop_signal, terminal
"""
