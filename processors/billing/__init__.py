"""From groups to what is billed: days, slices, matters, periods, narratives and prices, as pure functions."""
