"""Accounts, sign-in, invitations, permissions."""
