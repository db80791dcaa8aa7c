"""Lets the tests import the modules beside them that several of them share."""

import sys
from pathlib import Path

import pytest

from booking_service.domain.pricing.inputs import Phase
from domain_kit.money import Money

sys.path.append(str(Path(__file__).parent))

from resale_sale import TERMS, Sale  # it stands beside


@pytest.fixture
def sale(make):
    """Two places, both sold to Ada at an early price."""

    def start(*types, terms=TERMS, hall=2, **changes):
        early = make.type(phases=(Phase("early", Money(1500, "EUR"), places=2),))
        offer = make.offer(*(types or (early,)), capacities={"hall": hall}, terms=terms, **changes)
        return Sale(
            stock=make.stock(offer), records={}, now=make.NOW, ids=0, issuer=make.Issuer(), event=make.EVENT, steps=()
        )

    return start
