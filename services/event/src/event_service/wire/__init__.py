"""Protobuf and the domain, both ways; used by what calls us and by what we call."""
