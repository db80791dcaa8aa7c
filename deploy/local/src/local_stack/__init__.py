"""Runs the whole platform as processes on one machine: engines, services, gateway, mail catcher."""
