"""Protobuf and the domain, both ways; used by what calls us and by the domain events we send."""
