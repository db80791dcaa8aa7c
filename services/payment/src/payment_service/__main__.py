"""Runs the payment service."""

from chassis import start
from payment_service.commands import VERIFY
from payment_service.composition import SCHEMA, build
from payment_service.settings import Settings

if __name__ == "__main__":
    start(build, SCHEMA, Settings, commands=[VERIFY])
