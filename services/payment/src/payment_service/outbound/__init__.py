"""We call the world: MongoDB, the booking service, payment gateways."""
