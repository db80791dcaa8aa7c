"""Protobuf ↔ domain."""
