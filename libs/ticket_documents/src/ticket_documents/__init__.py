"""QR codes, printable tickets, calendar entries and wallet passes. Import the module you need: some are large."""
