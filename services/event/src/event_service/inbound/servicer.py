"""The rpcs of the event service: parse, handle, encode."""

import asyncio
from collections.abc import AsyncIterator, Callable

from google.protobuf.message import Message

from domain_kit.clock import Clock, utc_now
from domain_kit.ids import new_id
from domain_kit.refusals import FailedPrecondition, InvalidArgument
from event_service.domain.capacity_pool import CapacityPool
from event_service.domain.discount import Discount
from event_service.domain.event import Event, Outcome
from event_service.domain.event_date import EventDate
from event_service.domain.ports import EventRepository
from event_service.domain.question import Question
from event_service.domain.ticket_type import TicketType
from event_service.handlers.create_event import create_event
from event_service.handlers.import_events import LineProblem, Prepared, import_events, prepare
from event_service.handlers.read_event import read_event
from event_service.inbound import queries
from event_service.inbound.import_lines import MOST_LINES, read_line
from event_service.inbound.parts import Mapping, Parts
from event_service.inbound.readers import insider
from event_service.inbound.seating import replaced_seating_plan
from event_service.wire import names
from event_service.wire.capacity_pools import capacity_pool_from_wire, capacity_pool_to_wire
from event_service.wire.discounts import discount_from_wire, discount_to_wire
from event_service.wire.event_dates import event_date_from_wire, event_date_to_wire
from event_service.wire.events import details_from_wire, event_to_wire, listed_event_to_wire
from event_service.wire.questions import question_from_wire, question_to_wire
from event_service.wire.seating import seating_plan_to_wire
from event_service.wire.ticket_types import ticket_type_from_wire, ticket_type_to_wire
from grpc_runtime import cause_of
from grpc_runtime.validation import Validation
from resource_api import PageTokens, apply_update_mask, numbered_lines, page_size_of
from usher.event.v1 import discount_pb2, event_date_pb2, event_pb2, question_pb2, seating_plan_pb2, ticket_type_pb2
from usher.event.v1 import event_service_pb2 as pb
from usher.event.v1.event_service_pb2_grpc import EventServiceServicer

CHECKED_AT_ONCE = 200
CHARACTERS_AT_ONCE = 20_000  # some hundredths of a second
MOST_PROBLEMS = 100
TICKET_TYPES = Mapping(TicketType, names.TICKET_TYPE, ticket_type_to_wire, ticket_type_from_wire)
CAPACITY_POOLS = Mapping(CapacityPool, names.CAPACITY_POOL, capacity_pool_to_wire, capacity_pool_from_wire)
EVENT_DATES = Mapping(EventDate, names.EVENT_DATE, event_date_to_wire, event_date_from_wire)
# Who books a hidden type by a voucher is told which questions are still to be answered.
QUESTIONS = Mapping(Question, names.QUESTION, question_to_wire, question_from_wire, lambda question: question)
DISCOUNTS = Mapping(Discount, names.DISCOUNT, discount_to_wire, discount_from_wire)


class EventServicer(EventServiceServicer):
    """usher.event.v1.EventService."""

    def __init__(self, events: EventRepository, page_tokens: PageTokens, clock: Clock = utc_now) -> None:
        self._events, self._tokens, self._now = events, page_tokens, clock
        self._validation = Validation()
        self._ticket_types = Parts(TICKET_TYPES, events, page_tokens, clock)
        self._capacity_pools = Parts(CAPACITY_POOLS, events, page_tokens, clock)
        self._event_dates = Parts(EVENT_DATES, events, page_tokens, clock)
        self._questions = Parts(QUESTIONS, events, page_tokens, clock)
        self._discounts = Parts(DISCOUNTS, events, page_tokens, clock)

    async def CreateEvent(self, request: pb.CreateEventRequest, context: object) -> event_pb2.Event:
        details, cause = details_from_wire(request.event), cause_of(request, context)
        event = await create_event(
            self._events, new_id(), request.event.organizer, details, cause=cause, now=self._now()
        )  # fmt: skip
        return event_to_wire(event)

    async def GetEvent(self, request: pb.GetEventRequest, context: object) -> event_pb2.Event:
        return event_to_wire(await read_event(self._events, request.name, insider(context)))

    async def ListEvents(self, request: pb.ListEventsRequest, context: object) -> pb.ListEventsResponse:
        after = self._tokens.cursor_of(request)
        page = await self._events.list_page(queries.event_query(request), after, page_size_of(request))
        return pb.ListEventsResponse(
            events=[listed_event_to_wire(each) for each in page.items],
            next_page_token=self._tokens.token_for(request, page.following),
        )

    async def UpdateEvent(self, request: pb.UpdateEventRequest, context: object) -> event_pb2.Event:
        def decide(event: Event) -> Outcome:
            merged = apply_update_mask(event_to_wire(event), request.event, request.update_mask)
            return event.revised(details_from_wire(merged), self._now())

        return event_to_wire(await self._change(request.event.name, decide, request, context, request.event.etag))

    async def DeleteEvent(self, request: pb.DeleteEventRequest, context: object) -> event_pb2.Event:
        event = await self._change(
            request.name, lambda each: each.deleted(self._now()), request, context, request.etag
        )  # fmt: skip
        return event_to_wire(event)

    async def PublishEvent(self, request: pb.PublishEventRequest, context: object) -> event_pb2.Event:
        event = await self._change(
            request.name, lambda each: each.published(self._now()), request, context, request.etag
        )  # fmt: skip
        return event_to_wire(event)

    async def CancelEvent(self, request: pb.CancelEventRequest, context: object) -> event_pb2.Event:
        event = await self._change(
            request.name, lambda each: each.cancelled(request.reason, self._now()), request, context, request.etag
        )
        return event_to_wire(event)

    async def ImportEvents(
        self, request: pb.ImportEventsRequest, context: object
    ) -> AsyncIterator[pb.ImportEventsResponse]:
        cause, now = cause_of(request, context), self._now()
        lines = numbered_lines(request.json_lines, most=MOST_LINES, field="json_lines")
        if not 0 < len(lines) <= MOST_LINES:
            raise InvalidArgument.of("json_lines", f"must have 1 to {MOST_LINES} lines.")
        prepared: list[Prepared] = []
        problems: list[LineProblem] = []
        unbroken = 0
        for start in range(0, len(lines), CHECKED_AT_ONCE):
            for number, line in lines[start : start + CHECKED_AT_ONCE]:
                unbroken += len(line)
                if unbroken > CHARACTERS_AT_ONCE:
                    unbroken = 0
                    await asyncio.sleep(0)  # others get their turn
                read = read_line(number, line, self._validation)
                made = (
                    read
                    if isinstance(read, list)
                    else prepare(read, new_id(), request.parent, publish=request.publish, now=now)
                )
                if isinstance(made, list):
                    problems += made
                else:
                    prepared.append(made)
            yield pb.ImportEventsResponse(
                total_count=len(lines), checked_count=min(start + CHECKED_AT_ONCE, len(lines))
            )  # fmt: skip
        try:
            names = (
                [] if problems or request.validate_only else await import_events(self._events, prepared, cause=cause)
            )
        except (FailedPrecondition, InvalidArgument) as refusal:  # over HTTP a status after answers is heard by nobody
            told = pb.ImportError(description=refusal.message)
            yield pb.ImportEventsResponse(total_count=len(lines), checked_count=len(lines), errors=[told])
            raise
        yield pb.ImportEventsResponse(
            total_count=len(lines),
            checked_count=len(lines),
            imported_count=len(names),
            errors=[
                pb.ImportError(line=each.number, field=each.field, description=each.description)
                for each in problems[:MOST_PROBLEMS]
            ],
            done=True,
            events=names,
        )

    async def CreateTicketType(
        self, request: pb.CreateTicketTypeRequest, context: object
    ) -> ticket_type_pb2.TicketType:
        return await self._ticket_types.create(request, context)

    async def GetTicketType(self, request: pb.GetTicketTypeRequest, context: object) -> ticket_type_pb2.TicketType:
        return await self._ticket_types.get(request, context)

    async def ListTicketTypes(self, request: pb.ListTicketTypesRequest, context: object) -> pb.ListTicketTypesResponse:
        page, token = await self._ticket_types.page(request, context, public=lambda each: not each.hidden)
        return pb.ListTicketTypesResponse(ticket_types=page, next_page_token=token)

    async def UpdateTicketType(
        self, request: pb.UpdateTicketTypeRequest, context: object
    ) -> ticket_type_pb2.TicketType:
        return await self._ticket_types.update(request, context)

    async def DeleteTicketType(
        self, request: pb.DeleteTicketTypeRequest, context: object
    ) -> pb.DeleteTicketTypeResponse:
        await self._ticket_types.delete(request, context)
        return pb.DeleteTicketTypeResponse()

    async def CreateCapacityPool(
        self, request: pb.CreateCapacityPoolRequest, context: object
    ) -> ticket_type_pb2.CapacityPool:
        return await self._capacity_pools.create(request, context)

    async def GetCapacityPool(
        self, request: pb.GetCapacityPoolRequest, context: object
    ) -> ticket_type_pb2.CapacityPool:
        return await self._capacity_pools.get(request, context)

    async def ListCapacityPools(
        self, request: pb.ListCapacityPoolsRequest, context: object
    ) -> pb.ListCapacityPoolsResponse:
        page, token = await self._capacity_pools.page(request, context)
        return pb.ListCapacityPoolsResponse(capacity_pools=page, next_page_token=token)

    async def UpdateCapacityPool(
        self, request: pb.UpdateCapacityPoolRequest, context: object
    ) -> ticket_type_pb2.CapacityPool:
        return await self._capacity_pools.update(request, context)

    async def DeleteCapacityPool(
        self, request: pb.DeleteCapacityPoolRequest, context: object
    ) -> pb.DeleteCapacityPoolResponse:
        await self._capacity_pools.delete(request, context)
        return pb.DeleteCapacityPoolResponse()

    async def CreateEventDate(self, request: pb.CreateEventDateRequest, context: object) -> event_date_pb2.EventDate:
        return await self._event_dates.create(request, context)

    async def GetEventDate(self, request: pb.GetEventDateRequest, context: object) -> event_date_pb2.EventDate:
        return await self._event_dates.get(request, context)

    async def ListEventDates(self, request: pb.ListEventDatesRequest, context: object) -> pb.ListEventDatesResponse:
        page, token = await self._event_dates.page(request, context)
        return pb.ListEventDatesResponse(event_dates=page, next_page_token=token)

    async def UpdateEventDate(self, request: pb.UpdateEventDateRequest, context: object) -> event_date_pb2.EventDate:
        return await self._event_dates.update(request, context)

    async def DeleteEventDate(self, request: pb.DeleteEventDateRequest, context: object) -> pb.DeleteEventDateResponse:
        await self._event_dates.delete(request, context)
        return pb.DeleteEventDateResponse()

    async def CreateQuestion(self, request: pb.CreateQuestionRequest, context: object) -> question_pb2.Question:
        return await self._questions.create(request, context)

    async def GetQuestion(self, request: pb.GetQuestionRequest, context: object) -> question_pb2.Question:
        return await self._questions.get(request, context)

    async def ListQuestions(self, request: pb.ListQuestionsRequest, context: object) -> pb.ListQuestionsResponse:
        page, token = await self._questions.page(request, context)
        return pb.ListQuestionsResponse(questions=page, next_page_token=token)

    async def UpdateQuestion(self, request: pb.UpdateQuestionRequest, context: object) -> question_pb2.Question:
        return await self._questions.update(request, context)

    async def DeleteQuestion(self, request: pb.DeleteQuestionRequest, context: object) -> pb.DeleteQuestionResponse:
        await self._questions.delete(request, context)
        return pb.DeleteQuestionResponse()

    async def CreateDiscount(self, request: pb.CreateDiscountRequest, context: object) -> discount_pb2.Discount:
        return await self._discounts.create(request, context)

    async def GetDiscount(self, request: pb.GetDiscountRequest, context: object) -> discount_pb2.Discount:
        return await self._discounts.get(request, context)

    async def ListDiscounts(self, request: pb.ListDiscountsRequest, context: object) -> pb.ListDiscountsResponse:
        page, token = await self._discounts.page(request, context)
        return pb.ListDiscountsResponse(discounts=page, next_page_token=token)

    async def UpdateDiscount(self, request: pb.UpdateDiscountRequest, context: object) -> discount_pb2.Discount:
        return await self._discounts.update(request, context)

    async def DeleteDiscount(self, request: pb.DeleteDiscountRequest, context: object) -> pb.DeleteDiscountResponse:
        await self._discounts.delete(request, context)
        return pb.DeleteDiscountResponse()

    async def GetSeatingPlan(self, request: pb.GetSeatingPlanRequest, context: object) -> seating_plan_pb2.SeatingPlan:
        event = await read_event(self._events, request.name.removesuffix("/seatingPlan"), insider(context))
        return seating_plan_to_wire(event.name, event.offer.seating_plan)

    async def UpdateSeatingPlan(
        self, request: pb.UpdateSeatingPlanRequest, context: object
    ) -> seating_plan_pb2.SeatingPlan:
        names.SEATING_PLAN.parse(request.seating_plan.name, field="seating_plan.name")
        event = await self._change(
            request.seating_plan.name.removesuffix("/seatingPlan"),
            lambda each: replaced_seating_plan(each, request, self._now()),
            request,
            context,
        )
        return seating_plan_to_wire(event.name, event.offer.seating_plan)

    async def _change(
        self, name: str, decide: Callable[[Event], Outcome], request: Message, context: object, etag: str = ""
    ) -> Event:
        return await self._events.update(name, decide, etag=etag, cause=cause_of(request, context))
