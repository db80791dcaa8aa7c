"""The analytics service: what was sold and paid back, by local day, event, ticket type and currency."""
