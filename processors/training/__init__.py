"""Makes grouping models from labelled activities: with the features that serve, listwise, the same on every machine."""
