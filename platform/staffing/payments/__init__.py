"""Money that comes in and goes back through Stripe: payments, refunds, disputes, and the check that both sides agree."""
