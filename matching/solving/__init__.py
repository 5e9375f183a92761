"""Finding plans: a greedy start, exact models, annealing in lanes, proven bounds, levels, and the processes that share the
work."""
