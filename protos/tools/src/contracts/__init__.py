"""Compiles, checks and documents the contracts under protos/usher."""
