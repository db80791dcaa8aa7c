"""One file a gateway. Each has `open_gateway(credentials, timeout=…)`, an async context manager that gives the gateway.

credentials: name → secret or address, from the mounted file of all gateways (`USHER_GATEWAYS_FILE`), see its docstring.
"""
