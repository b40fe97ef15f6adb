"""Activity that a user has in files: the event form, a git repository, a calendar, as one typed stream of events."""
