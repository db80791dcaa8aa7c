"""Holds, bookings, tickets, check-in and availability."""
