"""Whether consumers are well: decided from how they move, as values; nothing here asks a broker or a clock."""
