"""Payments and refunds over payment gateways."""
