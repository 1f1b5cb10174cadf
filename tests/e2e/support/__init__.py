"""Tools of the whole-program tests: the two programs, the wire, bad networks and waiting."""
