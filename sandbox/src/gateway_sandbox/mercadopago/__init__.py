"""Mercado Pago's far end (https://www.mercadopago.com.br/developers/en/reference)."""

from gateway_sandbox.mercadopago.provider import MercadoPago

__all__ = ["MercadoPago"]
