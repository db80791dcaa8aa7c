"""Protobuf and the domain."""
