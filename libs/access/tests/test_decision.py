"""Who may do what, by rule, role and ownership."""

from datetime import UTC, datetime

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool

from access import AccessRule, Ownership, Principal, Role, allows, decide_access, role_table, rule_of
from access.decision import named_owner
from access.roles import parse_role_table
from domain_kit.refusals import InvalidArgument, PermissionDenied, Unauthenticated
from usher.access.v1 import access_pb2
from usher.user.v1 import organizer_pb2, user_service_pb2

ADA = Principal("users/ada", datetime(2027, 1, 1, tzinfo=UTC), roles={"organizers/o": Role.MANAGER})


async def nobody(name: str) -> Ownership | None:
    return None


async def test_public_needs_nobody_and_signed_in_needs_anybody():
    request = user_service_pb2.GetUserRequest()
    await decide_access(AccessRule(public=True), request, None, nobody)
    await decide_access(AccessRule(signed_in=True), request, ADA, nobody)
    with pytest.raises(Unauthenticated):
        await decide_access(AccessRule(signed_in=True), request, None, nobody)


async def test_names_of_users_and_organizers_say_themselves_whose_they_are():
    rule = AccessRule(resource=("name",), permission="members.read", owner=True)
    for name in ("users/ada", "users/ada/sessions/1", "organizers/o", "organizers/o/members"):
        await decide_access(rule, user_service_pb2.GetUserRequest(name=name), ADA, nobody)
    for name in ("users/adam", "users/-", "organizers/other", "organizers/", "things/x", "users"):
        with pytest.raises(PermissionDenied):
            await decide_access(rule, user_service_pb2.GetUserRequest(name=name), ADA, nobody)


async def test_a_membership_is_the_users_as_well():
    rule = AccessRule(resource=("name",), permission="members.manage", owner=True)
    request = user_service_pb2.GetUserRequest
    await decide_access(rule, request(name="organizers/elsewhere/members/ada"), ADA, nobody)
    for name in ("organizers/elsewhere/members/bob", "organizers/elsewhere/members/", "organizers/x/members/ada/more"):
        with pytest.raises(PermissionDenied):
            await decide_access(rule, request(name=name), ADA, nobody)


async def test_no_resource_at_all_is_a_fault_of_the_request():
    rule = AccessRule(resource=("name",), owner=True)
    with pytest.raises(InvalidArgument) as caught:
        await decide_access(rule, user_service_pb2.GetUserRequest(), ADA, nobody)
    assert caught.value.violations[0].field == "name"


def test_an_owner_rule_without_permission_gives_roles_nothing():
    boss = Principal("users/boss", ADA.expires, roles={"organizers/o": Role.OWNER})
    whose = Ownership(user="users/ada", organizer="organizers/o")
    assert allows(ADA, whose, owner=True)
    assert not allows(boss, whose, owner=True)
    assert not allows(ADA, whose)
    assert not allows(None, whose, permission="events.read", owner=True)


def test_a_resource_of_no_organizer_is_reached_by_no_role():
    assert not allows(Principal("users/x", ADA.expires, roles={"": Role.OWNER}), Ownership(), permission="events.read")


def test_each_role_carries_what_its_work_needs_and_no_more():
    table = role_table()
    assert table.of_role[Role.OWNER] == table.permissions
    carried = {role: {name for name in table.permissions if table.carries(role, name)} for role in Role}
    assert "members.manage" not in carried[Role.MANAGER]
    assert carried[Role.CHECK_IN] & {"tickets.checkIn", "events.update"} == {"tickets.checkIn"}
    assert carried[Role.FINANCE] & {"payments.refund", "tickets.checkIn"} == {"payments.refund"}
    assert all(name.endswith(".read") for name in carried[Role.VIEWER])


def test_a_permission_nobody_listed_is_a_mistake_not_a_denial():
    with pytest.raises(ValueError, match=r"events\.explode"):
        role_table().carries(Role.OWNER, "events.explode")


def test_a_table_with_a_hole_or_a_misspelling_is_not_accepted():
    with pytest.raises(ValueError, match="matches no permission"):
        parse_role_table({"permissions": {"events": ["read"]}, "roles": {"OWNER": ["event.*"]}})
    with pytest.raises(ValueError, match="without permissions"):
        parse_role_table({"permissions": {"events": ["read"]}, "roles": {"OWNER": ["*"]}})


def test_every_committed_rpc_has_a_rule_that_can_be_met():
    service = user_service_pb2.DESCRIPTOR.services_by_name["UserService"]
    for method in service.methods:
        rule_of(method)
    assert rule_of(service.methods_by_name["UpdateOrganizer"]).field == "organizer.name"


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        (None, "has no"),
        (access_pb2.Rule(), "empty"),
        (access_pb2.Rule(public=False), "empty"),
        (access_pb2.Rule(grant={"resource": "name"}), "nobody"),
        (access_pb2.Rule(grant={"resource": "nam", "owner": True}), "not a string field"),
        (access_pb2.Rule(grant={"resource": "", "owner": True}), "not a string field"),
        (access_pb2.Rule(grant={"resource": "name.x", "owner": True}), "not a string field"),
        (access_pb2.Rule(grant={"resource": "create_time", "owner": True}), "not a string field"),
        (access_pb2.Rule(grant={"resource": "name", "permission": "events.explode"}), "not listed"),
    ],
)
def test_a_rule_that_could_never_be_met_is_a_fault_of_the_contract(rule, complaint):
    file = descriptor_pb2.FileDescriptorProto(
        name="x.proto", package="x", syntax="proto3", dependency=[organizer_pb2.DESCRIPTOR.name]
    )
    method = file.service.add(name="S").method.add(
        name="M", input_type=".usher.user.v1.Organizer", output_type=".usher.user.v1.Organizer"
    )
    if rule is not None:
        method.options.Extensions[access_pb2.rule].CopyFrom(rule)
    pool = descriptor_pool.DescriptorPool()
    for each in _with_dependencies(organizer_pb2.DESCRIPTOR):
        pool.AddSerializedFile(each)
    pool.AddSerializedFile(file.SerializeToString())
    with pytest.raises(ValueError, match=complaint):
        rule_of(pool.FindServiceByName("x.S").methods_by_name["M"])


def _with_dependencies(file) -> list[bytes]:
    found: dict[str, bytes] = {}

    def visit(each) -> None:
        for dependency in each.dependencies:
            visit(dependency)
        found.setdefault(each.name, each.serialized_pb)

    visit(file)
    return list(found.values())


def test_whose_a_name_is():
    assert named_owner("events/e") is None
    assert named_owner("users/u/x/y") == Ownership(user="users/u")
