"""The gateway's configuration as text with placeholders, and how they are filled in."""

from gateway_config.places import OPENAPI_DOCUMENT, TEMPLATE, descriptor_image
from gateway_config.render import PlaceholderMismatch, render_gateway, replicated
from gateway_config.site_files import assemble_site
from gateway_config.traces import with_traces

__all__ = [
    "OPENAPI_DOCUMENT",
    "TEMPLATE",
    "PlaceholderMismatch",
    "assemble_site",
    "descriptor_image",
    "render_gateway",
    "replicated",
    "with_traces",
]
