"""Are somebody's servers as Timeloom needs them: a list of points, each right, wrong or could be better."""
