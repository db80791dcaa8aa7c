"""Refusals a domain raises, one class per canonical code (google.rpc.Code), each with a stable reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One request field that is wrong: `field` is its path in the request, `description` says what would be right."""

    field: str
    description: str


class Refusal(Exception):
    """A typed no. `reason` is UPPER_SNAKE and stable, `message` is for people, `metadata` for programs (AIP-193)."""

    code: ClassVar[str] = "UNKNOWN"

    def __init__(
        self,
        reason: str,
        message: str,
        *,
        metadata: Mapping[str, str] | None = None,
        violations: Sequence[FieldViolation] = (),
        retry_after: timedelta | None = None,
    ) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message
        self.metadata = dict(metadata or {})
        self.violations = tuple(violations)
        self.retry_after = retry_after


class InvalidArgument(Refusal):
    """The request is wrong whatever the state of the system."""

    code = "INVALID_ARGUMENT"

    @classmethod
    def of(cls, field: str, description: str, *, reason: str = "FIELD_INVALID") -> "InvalidArgument":
        """A refusal that names one field."""
        return cls(reason, f"{field}: {description}", violations=[FieldViolation(field, description)])


class NotFound(Refusal):
    """The named resource does not exist."""

    code = "NOT_FOUND"

    @classmethod
    def named(cls, name: str) -> "NotFound":
        """A refusal for a missing resource with its full resource name."""
        return cls("RESOURCE_NOT_FOUND", f"{name} does not exist.", metadata={"resource": name})


class AlreadyExists(Refusal):
    """A resource with that name or unique value exists."""

    code = "ALREADY_EXISTS"


class FailedPrecondition(Refusal):
    """The system is not in the state the request needs; repeating it unchanged will not help."""

    code = "FAILED_PRECONDITION"


class Aborted(Refusal):
    """Somebody else changed the resource first (etag mismatch, write conflict); read again and repeat."""

    code = "ABORTED"


class ResourceExhausted(Refusal):
    """A limit or quota is used up."""

    code = "RESOURCE_EXHAUSTED"


class PermissionDenied(Refusal):
    """The caller is known and may not do this."""

    code = "PERMISSION_DENIED"


class Unauthenticated(Refusal):
    """The caller is not known, or the credential is bad or expired."""

    code = "UNAUTHENTICATED"


class Unavailable(Refusal):
    """Something this needs does not answer just now; repeating it later may help."""

    code = "UNAVAILABLE"


class DeadlineExceeded(Refusal):
    """There was not enough time left to do it."""

    code = "DEADLINE_EXCEEDED"
