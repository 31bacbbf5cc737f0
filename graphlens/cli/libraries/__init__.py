"""Models of other people's libraries, by name, with seeded random weights."""
