"""Schedule, in-place reuse and the arena."""
