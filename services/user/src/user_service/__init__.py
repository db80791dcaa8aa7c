"""Accounts, sessions, organizers and their members."""
