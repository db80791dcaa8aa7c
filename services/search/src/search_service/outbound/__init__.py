"""We call the world: MongoDB keeps what is known, Elasticsearch finds it."""
