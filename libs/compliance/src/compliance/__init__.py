"""Tax rules as data: which taxes a ticket carries, by place, class and date, each with its source."""

from compliance.lookup import tax_places, tax_rates
from compliance.parts import TaxPart, included_tax
from compliance.rates import TaxClass, TaxRate

__all__ = ["TaxClass", "TaxPart", "TaxRate", "included_tax", "tax_places", "tax_rates"]
