"""The Payment accounting report of a day, here at once and in UTC; the columns that are of use.

https://docs.adyen.com/reporting/invoice-reconciliation/payment-accounting-report
"""

import csv
import io
import re
import time
from collections.abc import Mapping

from gateway_sandbox.ledger import Object
from gateway_sandbox.provider import Till

COLUMNS = (
    "Company Account", "Merchant Account", "Psp Reference", "Merchant Reference", "Payment Method", "Booking Date",
    "TimeZone", "Main Currency", "Main Amount", "Record Type", "Payment Currency", "Received (PC)", "Authorized (PC)",
    "Captured (PC)", "Settlement Currency", "Payable (SC)", "Commission (SC)", "Markup (SC)", "Scheme Fees (SC)",
    "Interchange (SC)", "Modification Merchant Reference",
)  # fmt: skip
DIGITS = {"JPY": 0, "KRW": 0, "CVE": 0, "IDR": 0, "BHD": 3, "JOD": 3, "KWD": 3, "OMR": 3, "TND": 3}
COMMISSION = 100  # basis points


def report(till: Till, account: str, file: str) -> str | None:
    """None: no such file."""
    named = re.fullmatch(r"payments_accounting_report_(\d{4})_(\d\d)_(\d\d)\.csv", file)
    if named is None:
        return None
    day, rows = "-".join(named.groups()), list[Mapping[str, str]]()
    for charge in till.page("charge"):
        if charge["captured"]:
            psp = charge["id"].removeprefix("charge_")
            fee = (charge["amount"] * COMMISSION + 5000) // 10_000
            rows.append(_row(charge, account, psp, "SentForSettle", charge["amount"], fee, ""))
    for change in till.page("change"):
        booked = till.load("refund", f"booked_{change['id']}")
        if booked is not None and booked["status"] == "succeeded":
            rows.append(
                _row(booked, account, change["payment"], "SentForRefund", -booked["amount"], 0, change["reference"])
            )
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="")
    writer.writeheader()
    writer.writerows(row for row in rows if row["Booking Date"].startswith(day))
    return text.getvalue()


def _row(of: Object, account: str, psp: str, kind: str, amount: int, fee: int, ours: str) -> Mapping[str, str]:
    currency = of["currency"]
    return {
        "Merchant Account": account,
        "Psp Reference": psp,
        "Merchant Reference": of["order"],
        "Payment Method": "visa",
        "Booking Date": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(of["created"])),
        "TimeZone": "UTC",
        "Main Currency": currency,
        "Main Amount": _major(amount, currency),
        "Record Type": kind,
        "Payment Currency": currency,
        "Settlement Currency": currency,
        "Commission (SC)": _major(fee, currency),
        "Modification Merchant Reference": ours,
    }


def _major(units: int, currency: str) -> str:
    digits = DIGITS.get(currency, 2)
    return f"{units / 10**digits:.{digits}f}"
