"""The search service: finding published events."""
