"""The card network's far end for local runs and tests: a server that speaks Stripe's HTTP."""
