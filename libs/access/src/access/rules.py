"""The access rule of an rpc, read from its descriptor and checked once at start."""

from dataclasses import dataclass

from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message

from access.roles import RoleTable, role_table
from usher.access.v1 import access_pb2


@dataclass(frozen=True, slots=True)
class AccessRule:
    """usher.access.v1.Rule with the resource path split; neither `public` nor `signed_in` means a grant is needed."""

    public: bool = False
    signed_in: bool = False
    resource: tuple[str, ...] = ()
    permission: str = ""
    owner: bool = False

    @property
    def field(self) -> str:
        """Path of the request field that names the resource."""
        return ".".join(self.resource)

    def resource_of(self, request: Message) -> str:
        """The resource name in a request."""
        value: object = request
        for part in self.resource:
            value = getattr(value, part)
        return str(value)


def rule_of(method: MethodDescriptor, roles: RoleTable | None = None) -> AccessRule:
    """The rule on an rpc. ValueError when it has none, or one nobody could meet: those are faults of the contract."""
    options = method.GetOptions()
    if not options.HasExtension(access_pb2.rule):
        raise ValueError(f"{method.full_name} has no usher.access.v1.rule")
    rule: access_pb2.Rule = options.Extensions[access_pb2.rule]
    match rule.WhichOneof("who"):
        case "public" if rule.public:
            return AccessRule(public=True)
        case "signed_in" if rule.signed_in:
            return AccessRule(signed_in=True)
        case "grant":
            return _grant(method, rule.grant, roles or role_table())
    raise ValueError(f"{method.full_name} has an empty usher.access.v1.rule")


def _grant(method: MethodDescriptor, grant: access_pb2.Grant, roles: RoleTable) -> AccessRule:
    if not grant.permission and not grant.owner:
        raise ValueError(f"{method.full_name} grants access to nobody")
    if grant.permission:
        roles.require_known(grant.permission)
    path = tuple(grant.resource.split("."))
    message: Descriptor | None = method.input_type
    found: FieldDescriptor | None = None
    for part in path:
        found = message.fields_by_name.get(part) if message is not None else None
        message = found.message_type if found is not None and not found.is_repeated else None
    if found is None or found.is_repeated or found.type != FieldDescriptor.TYPE_STRING:
        raise ValueError(
            f"{method.full_name}: {grant.resource!r} is not a string field of {method.input_type.full_name}"
        )
    return AccessRule(resource=path, permission=grant.permission, owner=grant.owner)
