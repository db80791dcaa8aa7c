"""Every rpc against everybody who must not call it; generated from the contracts."""

import re
from datetime import timedelta

import grpc
import pytest

from access import SigningKey, TokenSigner, role_table
from access.principal import Role
from testkit.rpcs import Rpc, call, every_rpc, put, request_about, resource_patterns

RPCS = every_rpc()
# What answers a call that is allowed, where it is not OK: the stack has no wallet's keys.
ALLOWED_BUT_REFUSED = {
    "TicketService.GetWalletPass": grpc.StatusCode.FAILED_PRECONDITION,
    "LedgerService.GetPayout": grpc.StatusCode.NOT_FOUND,  # there is none before the holding period is over
}
GUARDED = [rpc for rpc in RPCS if not rpc.rule.public]
GRANTED = [rpc for rpc in GUARDED if not rpc.rule.signed_in]


def ids(rpcs: list[Rpc]) -> list[str]:
    return [rpc.id for rpc in rpcs]


def outcome(channel: grpc.Channel, rpc: Rpc, request, token: str | None) -> tuple[grpc.StatusCode, str]:
    answered = call(channel, rpc, request, token)
    return answered.code, answered.reason


def test_there_are_rpcs_to_try() -> None:
    assert len(RPCS) > 45
    assert len(GRANTED) > 30


@pytest.mark.parametrize("rpc", GUARDED, ids=ids(GUARDED))
def test_nobody_gets_in_without_a_token(rpc: Rpc, channel, world) -> None:
    """INVARIANT: an rpc that is not public refuses the anonymous."""
    assert outcome(channel, rpc, request_about(rpc, world.resources), None) == (
        grpc.StatusCode.UNAUTHENTICATED,
        "TOKEN_MISSING",
    )


@pytest.mark.parametrize("rpc", RPCS, ids=ids(RPCS))
def test_a_token_of_another_issuer_opens_nothing(rpc: Rpc, channel, world) -> None:
    signer = TokenSigner(SigningKey.generate(), "https://elsewhere.example")
    forged = signer.sign(world.journey.buyer.name, {world.journey.organizer: Role.OWNER}, session="s")
    code, _ = outcome(channel, rpc, request_about(rpc, world.resources), forged)
    if not rpc.rule.public:
        assert code is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize("rpc", GUARDED, ids=ids(GUARDED))
def test_an_expired_token_opens_nothing(rpc: Rpc, channel, world, signer) -> None:
    former = signer.sign(
        world.journey.owner.name, {world.journey.organizer: Role.OWNER}, session="s", lifetime=timedelta(minutes=-5)
    )
    assert outcome(channel, rpc, request_about(rpc, world.resources), former)[0] is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize("who", ["stranger", "rival"])
@pytest.mark.parametrize("rpc", GRANTED, ids=ids(GRANTED))
def test_another_user_and_another_organizer_are_denied(rpc: Rpc, who: str, channel, world) -> None:
    """INVARIANT: what is somebody else's is out of reach, whatever one is elsewhere."""
    token = getattr(world, who).token
    assert outcome(channel, rpc, request_about(rpc, world.resources), token) == (
        grpc.StatusCode.PERMISSION_DENIED,
        "PERMISSION_DENIED",
    )


@pytest.mark.parametrize("rpc", GRANTED, ids=ids(GRANTED))
def test_members_whose_role_does_not_carry_the_permission_are_denied(rpc: Rpc, channel, world) -> None:
    table = role_table()
    lacking = [role for role in Role if not (rpc.rule.permission and table.carries(role, rpc.rule.permission))]
    for role in lacking:
        member = world.members[f"ROLE_{role.name}"]
        code, reason = outcome(channel, rpc, request_about(rpc, world.resources), member.token)
        assert (role, code, reason) == (role, grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")


@pytest.mark.parametrize("rpc", GRANTED, ids=ids(GRANTED))
def test_a_resource_that_does_not_exist_answers_as_one_that_is_not_yours(rpc: Rpc, channel, world) -> None:
    """INVARIANT: nobody learns from a refusal whether something exists (AIP-211)."""
    request = rpc.request()
    name = re.sub(r"[a-z0-9]{26}", "0" * 26, world.resources[resource_patterns(rpc)[rpc.rule.field]])
    put(request, rpc.rule.field, name)
    assert outcome(channel, rpc, request, world.stranger.token) == (
        grpc.StatusCode.PERMISSION_DENIED,
        "PERMISSION_DENIED",
    )


def test_the_rights_that_are_granted_do_work(channel, world) -> None:
    """The matrix above would pass on a server that refuses everything."""
    for rpc in GRANTED:
        if not rpc.descriptor.name.startswith(("Get", "List", "Query")):
            continue
        of_organizer = resource_patterns(rpc)[rpc.rule.field].startswith("organizers/")
        token = world.journey.buyer_token if rpc.rule.owner and not of_organizer else world.members["ROLE_OWNER"].token
        assert (rpc.id, outcome(channel, rpc, request_about(rpc, world.resources), token)[0]) == (
            rpc.id,
            ALLOWED_BUT_REFUSED.get(rpc.id, grpc.StatusCode.OK),
        )
