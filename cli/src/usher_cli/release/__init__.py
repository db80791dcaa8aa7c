"""Plans, makes, takes back and shows a release in a cluster: what is behind `usher release`."""
