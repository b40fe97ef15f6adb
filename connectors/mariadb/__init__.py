"""MariaDB: the tables, their migrations and users, connections, and rows as typed values."""
