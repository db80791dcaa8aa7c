"""Protobuf and the domain; used by what calls us and by what we call."""
