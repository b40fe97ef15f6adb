"""The programs that run, one file each, with the command line, the pages and the settings."""
