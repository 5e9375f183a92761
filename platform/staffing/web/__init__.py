"""What every surface stands on: session, guard, forms, rendering, errors."""
