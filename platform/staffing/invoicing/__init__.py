"""Invoices, ledger, Stripe."""
