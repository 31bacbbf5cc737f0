"""graphlens: see what a neural network computes, what an optimisation changed, what it saved."""
