"""The rpcs over saved ways to pay: parse, handle, encode."""

from google.protobuf.empty_pb2 import Empty

from grpc_runtime import cause_of
from payment_service.handlers.save_method import save_method
from payment_service.handlers.saved_methods import list_saved, remove_saved
from payment_service.inbound.card_fields import without_card_numbers
from payment_service.inbound.parts import Parts
from payment_service.wire.saved_methods import held_to_wire, saving_to_wire
from usher.payment.v1 import saved_payment_method_service_pb2 as pb
from usher.payment.v1.saved_payment_method_service_pb2_grpc import SavedPaymentMethodServiceServicer


@without_card_numbers
class SavedPaymentMethodServicer(SavedPaymentMethodServiceServicer):
    """usher.payment.v1.SavedPaymentMethodService."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def SavePaymentMethod(
        self, request: pb.SavePaymentMethodRequest, context: object
    ) -> pb.SavePaymentMethodResponse:
        on, cause, token = self._parts, cause_of(request, context), request.payment_method
        keeper, saving = await save_method(
            on.keepers, on.gateways, request.parent, request.gateway, token,
            consent=request.consent, cause=cause, clock=on.clock,
        )  # fmt: skip
        return saving_to_wire(keeper, saving)

    async def ListSavedPaymentMethods(
        self, request: pb.ListSavedPaymentMethodsRequest, context: object
    ) -> pb.ListSavedPaymentMethodsResponse:
        found, silent = await list_saved(self._parts.keepers, self._parts.gateways, request.parent)
        shown = [held_to_wire(each) for each in found]
        return pb.ListSavedPaymentMethodsResponse(saved_payment_methods=shown, silent_gateways=silent)

    async def DeleteSavedPaymentMethod(self, request: pb.DeleteSavedPaymentMethodRequest, context: object) -> Empty:
        await remove_saved(self._parts.keepers, self._parts.gateways, request.name)
        return Empty()
