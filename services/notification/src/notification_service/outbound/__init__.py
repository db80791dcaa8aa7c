"""We call the world: storage, mail."""
