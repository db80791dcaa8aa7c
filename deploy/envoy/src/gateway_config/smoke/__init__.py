"""Asks a running platform, through its gateway, what it is there for: the test of a release and of a local stack."""

from gateway_config.smoke.checks import CHECKS, Outcome, smoke
from gateway_config.smoke.visit import Account, Visit

__all__ = ["CHECKS", "Account", "Outcome", "Visit", "smoke"]
