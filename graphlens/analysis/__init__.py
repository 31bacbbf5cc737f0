"""What can be said of a graph without running it: diff, equivalence, cost, lifetimes."""
