"""Work entries, from the timer to approval."""
