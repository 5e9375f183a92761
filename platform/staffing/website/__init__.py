"""The public site, sign-in and invitations."""
