"""References in, answers out: the gallery, its search, its votes, its decisions."""
