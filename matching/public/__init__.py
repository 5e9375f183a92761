"""Public problem sets that are solved in their own objective: shift minimisation personnel task scheduling, generalised
assignment."""
