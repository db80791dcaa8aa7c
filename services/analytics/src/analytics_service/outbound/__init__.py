"""We call the world: MongoDB keeps and counts facts, Elasticsearch shows them."""
