"""What became of money is counted by gateway, and its amounts by currency."""

from google.protobuf.message import Message

from domain_kit.backbone import EncodedEvent
from domain_kit.money import Money
from payment_service.metrics import OF_PAYMENT, OF_REFUND, NoticeMetrics, count_business
from resource_api import money_to_wire
from telemetry import Metrics
from usher.payment.v1 import domain_events_pb2 as pb
from usher.payment.v1 import payment_pb2


def committed(metrics: Metrics, *messages: Message) -> None:
    metrics.committed([EncodedEvent(each.DESCRIPTOR.full_name, each.SerializeToString()) for each in messages])


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_payments_and_refunds_are_counted_by_gateway_and_outcome_and_in_minor_units() -> None:
    metrics = Metrics("payment")
    count_business(metrics)
    payment = payment_pb2.Payment(gateway="stripe", amount=money_to_wire(Money(1999, "EUR")))
    refund = payment_pb2.Refund(amount=money_to_wire(Money(500, "JPY")))
    committed(
        metrics,
        pb.PaymentCreated(payment=payment_pb2.Payment()),
        pb.PaymentSucceeded(payment=payment),
        pb.PaymentSucceeded(payment=payment),
        pb.RefundCompleted(payment=payment, refund=refund),
        pb.RefundFailed(payment=payment, refund=refund),
    )
    assert value(metrics, "usher_payments_total", gateway="none", outcome="created") == 1
    assert value(metrics, "usher_payments_total", gateway="stripe", outcome="succeeded") == 2
    assert value(metrics, "usher_payments_captured_minor_units_total", currency="EUR") == 3998
    assert value(metrics, "usher_refunds_total", gateway="stripe", outcome="failed") == 1
    assert value(metrics, "usher_refunds_completed_minor_units_total", currency="JPY") == 500


def test_every_domain_event_about_the_money_of_a_payment_or_refund_is_an_outcome() -> None:
    kinds = {each.DESCRIPTOR.name for each in (*OF_PAYMENT.values(), *OF_REFUND.values())}
    told = {name for name in pb.DESCRIPTOR.message_types_by_name if name.startswith(("Payment", "Refund"))}
    assert told - kinds == {"PaymentSettingsChanged", "PaymentDisputeUpdated"}, "those move no money"


def test_a_notice_is_applied_or_put_off() -> None:
    notices = NoticeMetrics(metrics := Metrics("payment"))
    with notices.applying("stripe"):
        pass
    try:
        with notices.applying("stripe"):
            raise KeyError("not yet")
    except KeyError:
        assert value(metrics, "usher_webhooks_total", gateway="stripe", outcome="put_off") == 1
    assert value(metrics, "usher_webhooks_total", gateway="stripe", outcome="applied") == 1
