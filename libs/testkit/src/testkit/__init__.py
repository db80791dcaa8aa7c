"""Fakes and real engines for tests; nothing outside tests imports it."""
