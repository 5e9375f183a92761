"""Billing: worked time in, amounts out; Stripe at the edge only."""
