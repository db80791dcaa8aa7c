"""usher.payment.v1.SavedPaymentMethod and the answers with it."""

from payment_service.domain.saved_methods import Held, Keeper, Saving
from payment_service.wire.payments import action_to_wire, failure_to_wire
from resource_api import time_to_wire
from usher.payment.v1 import saved_payment_method_pb2 as pb
from usher.payment.v1.saved_payment_method_service_pb2 import SavePaymentMethodResponse


def held_to_wire(held: Held) -> pb.SavedPaymentMethod:
    """The message of one."""
    return pb.SavedPaymentMethod(
        name=held.name,
        gateway=held.keeper.gateway,
        method=held.method.method,
        brand=held.method.brand,
        ending=held.method.ending,
        expire_month=held.method.expires,
        consent_time=time_to_wire(held.keeper.consent_time),
    )


def saving_to_wire(keeper: Keeper, saving: Saving) -> SavePaymentMethodResponse:
    """How it ended."""
    return SavePaymentMethodResponse(
        saved_payment_method=held_to_wire(Held(keeper, saving.method)) if saving.method is not None else None,
        action=action_to_wire(saving.action),
        failure=failure_to_wire(saving.failure),
    )
