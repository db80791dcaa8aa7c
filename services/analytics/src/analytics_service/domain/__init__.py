"""Facts, days and figures: what is counted, when, and how it adds up."""
