"""Finding plans: greedy start, exact models, search by neighbourhoods, proven bounds, and the processes that share the work."""
