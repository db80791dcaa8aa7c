"""The conventions of resource-oriented APIs (AIP): names, etags, page tokens, masks, filters, orders, wire types."""

from resource_api.etags import check_etag, etag_of
from resource_api.field_masks import apply_update_mask, mask_paths
from resource_api.filters import Boolean, Choice, Comparison, FilterFields, Instant, Integer, Text
from resource_api.json_lines import numbered_lines, read_message
from resource_api.money import minor_to_wire, money_from_wire, money_to_wire
from resource_api.names import ResourceName
from resource_api.order_by import OrderBy
from resource_api.page_tokens import PageTokens, page_size_of
from resource_api.timestamps import time_from_wire, time_to_wire

__all__ = [
    "Boolean",
    "Choice",
    "Comparison",
    "FilterFields",
    "Instant",
    "Integer",
    "OrderBy",
    "PageTokens",
    "ResourceName",
    "Text",
    "apply_update_mask",
    "check_etag",
    "etag_of",
    "mask_paths",
    "minor_to_wire",
    "money_from_wire",
    "money_to_wire",
    "numbered_lines",
    "page_size_of",
    "read_message",
    "time_from_wire",
    "time_to_wire",
]
