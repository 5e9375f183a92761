"""Why a window is uncovered, what would cover it, and why a person was chosen."""
