"""The world calls us: rpcs, domain events, the postman."""
