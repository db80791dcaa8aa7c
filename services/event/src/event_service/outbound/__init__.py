"""We call the world: storage and the wire form of domain events."""
