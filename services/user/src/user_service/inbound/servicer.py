"""The rpcs of the user service: parse, handle, encode."""

import hmac
from collections.abc import Callable

from google.api.httpbody_pb2 import HttpBody
from google.protobuf.message import Message

from domain_kit.clock import Clock, utc_now
from domain_kit.repository import Cause
from grpc_runtime import cause_of, http_body, principal_of
from resource_api import PageTokens, apply_update_mask, page_size_of
from user_service.domain.lockout import LockoutPolicy
from user_service.domain.organizers import organizer_and_user
from user_service.domain.passwords import WeakPasswords
from user_service.domain.ports import (
    AccessTokens,
    OrganizerRepository,
    PasswordHasher,
    SessionRepository,
    SignInFailures,
    UserRepository,
)
from user_service.domain.profiles import OrganizerProfile, Profile
from user_service.domain.sessions import SessionLimits
from user_service.handlers.add_member import add_member
from user_service.handlers.change_member_role import change_member_role
from user_service.handlers.create_organizer import create_organizer
from user_service.handlers.list_members import list_members
from user_service.handlers.refresh_tokens import refresh_tokens
from user_service.handlers.register_user import register_user
from user_service.handlers.remove_member import remove_member
from user_service.handlers.resend_verification import resend_verification
from user_service.handlers.sign_in import sign_in
from user_service.handlers.sign_out import sign_out
from user_service.handlers.turns import Turns
from user_service.handlers.update_organizer import update_organizer
from user_service.handlers.update_user import update_user
from user_service.handlers.verify_email import verify_email
from user_service.inbound.messages import (
    joined_after,
    registered_profile,
    require_member,
    require_role_mask,
    tokens_to_wire,
)
from user_service.wire.organizers import (
    MEMBER,
    ORGANIZER,
    member_to_wire,
    organizer_profile_from_wire,
    organizer_profile_to_wire,
    organizer_to_wire,
    role_from_wire,
)
from user_service.wire.users import USER, profile_from_wire, profile_to_wire, user_to_wire
from usher.user.v1 import organizer_pb2, user_pb2
from usher.user.v1 import user_service_pb2 as pb
from usher.user.v1.user_service_pb2_grpc import UserServiceServicer


class UserServicer(UserServiceServicer):
    """usher.user.v1.UserService. `secret` keys the fingerprints of requests that hold passwords or tokens."""

    def __init__(
        self,
        *,
        users: UserRepository,
        sessions: SessionRepository,
        organizers: OrganizerRepository,
        failures: SignInFailures,
        passwords: PasswordHasher,
        weak_passwords: WeakPasswords,
        access_tokens: AccessTokens,
        key_set: Callable[[], bytes],
        page_tokens: PageTokens,
        secret: bytes,
        lockout: LockoutPolicy,
        limits: SessionLimits,
        clock: Clock = utc_now,
    ) -> None:
        self._users, self._sessions, self._organizers = users, sessions, organizers
        self._failures, self._passwords, self._weak_passwords = failures, passwords, weak_passwords
        self._access_tokens, self._key_set, self._page_tokens = access_tokens, key_set, page_tokens
        self._fingerprint_key = hmac.digest(secret, b"request fingerprints", "sha256")
        self._lockout, self._limits, self._now = lockout, limits, clock
        self._turns = Turns()

    async def RegisterUser(self, request: pb.RegisterUserRequest, context: object) -> user_pb2.User:
        who, profile = {"email": request.email, "password": request.password}, registered_profile(request)
        cause, now = self._cause(request, context), self._now()
        user = await register_user(
            self._users, self._passwords, self._weak_passwords, **who, profile=profile, cause=cause, now=now
        )
        return user_to_wire(user)

    async def VerifyEmail(self, request: pb.VerifyEmailRequest, context: object) -> user_pb2.User:
        proof, cause = {"token": request.token, "password": request.password}, self._cause(request, context)
        user = await verify_email(
            self._users, self._passwords, self._weak_passwords, **proof, cause=cause, now=self._now()
        )
        return user_to_wire(user)

    async def ResendVerification(
        self, request: pb.ResendVerificationRequest, context: object
    ) -> pb.ResendVerificationResponse:
        cause = self._cause(request, context)
        await resend_verification(self._users, email=request.email, cause=cause, now=self._now())
        return pb.ResendVerificationResponse()

    async def SignIn(self, request: pb.SignInRequest, context: object) -> pb.Tokens:
        tokens = await sign_in(
            self._users,
            self._sessions,
            self._failures,
            self._passwords,
            self._access_tokens,
            self._turns,
            email=request.email,
            password=request.password,
            lockout=self._lockout,
            limits=self._limits,
            cause=self._cause(request, context),
            now=self._now(),
        )
        return tokens_to_wire(tokens)

    async def RefreshTokens(self, request: pb.RefreshTokensRequest, context: object) -> pb.Tokens:
        cause, now = self._cause(request, context), self._now()
        tokens = await refresh_tokens(
            self._sessions, self._access_tokens, token=request.refresh_token, limits=self._limits, cause=cause, now=now
        )
        return tokens_to_wire(tokens)

    async def SignOut(self, request: pb.SignOutRequest, context: object) -> pb.SignOutResponse:
        cause = self._cause(request, context)
        await sign_out(self._sessions, token=request.refresh_token, cause=cause, now=self._now())
        return pb.SignOutResponse()

    async def GetJsonWebKeySet(self, request: pb.GetJsonWebKeySetRequest, context: object) -> HttpBody:
        return http_body("application/jwk-set+json", self._key_set())

    async def GetUser(self, request: pb.GetUserRequest, context: object) -> user_pb2.User:
        return user_to_wire(await self._users.get(request.name))

    async def UpdateUser(self, request: pb.UpdateUserRequest, context: object) -> user_pb2.User:
        patch, cause = request.user, self._cause(request, context)
        USER.parse(patch.name, field="user.name")

        def edit(profile: Profile) -> Profile:
            stored = profile_to_wire(profile)
            stored.name = patch.name
            return profile_from_wire(apply_update_mask(stored, patch, request.update_mask))

        user = await update_user(self._users, patch.name, edit, etag=patch.etag, cause=cause, now=self._now())
        return user_to_wire(user)

    async def CreateOrganizer(self, request: pb.CreateOrganizerRequest, context: object) -> organizer_pb2.Organizer:
        profile, owner = organizer_profile_from_wire(request.organizer), principal_of(context).user
        cause = self._cause(request, context)
        organizer = await create_organizer(self._organizers, profile=profile, owner=owner, cause=cause, now=self._now())
        return organizer_to_wire(organizer)

    async def GetOrganizer(self, request: pb.GetOrganizerRequest, context: object) -> organizer_pb2.Organizer:
        return organizer_to_wire(await self._organizers.get(request.name))

    async def ListOrganizers(self, request: pb.ListOrganizersRequest, context: object) -> pb.ListOrganizersResponse:
        user, limit = principal_of(context).user, page_size_of(request)
        after = self._page_tokens.cursor_of(request, bound_to=user)
        page = await self._organizers.of_member(user, after=after, limit=limit)
        return pb.ListOrganizersResponse(
            organizers=[organizer_to_wire(each) for each in page.items],
            next_page_token=self._page_tokens.token_for(request, page.following, bound_to=user),
        )

    async def UpdateOrganizer(self, request: pb.UpdateOrganizerRequest, context: object) -> organizer_pb2.Organizer:
        patch, cause = request.organizer, self._cause(request, context)
        ORGANIZER.parse(patch.name, field="organizer.name")

        def edit(profile: OrganizerProfile) -> OrganizerProfile:
            stored = organizer_profile_to_wire(profile)
            stored.name = patch.name
            return organizer_profile_from_wire(apply_update_mask(stored, patch, request.update_mask))

        organizer = await update_organizer(
            self._organizers, patch.name, edit, etag=patch.etag, cause=cause, now=self._now()
        )
        return organizer_to_wire(organizer)

    async def CreateMember(self, request: pb.CreateMemberRequest, context: object) -> organizer_pb2.Member:
        user, role = require_member(request.member)
        cause, now = self._cause(request, context), self._now()
        organizer = await add_member(
            self._users, self._organizers, request.parent, user=user, role=role, cause=cause, now=now
        )
        return member_to_wire(organizer.name, organizer.member(user))

    async def GetMember(self, request: pb.GetMemberRequest, context: object) -> organizer_pb2.Member:
        name, user = organizer_and_user(request.name)
        return member_to_wire(name, (await self._organizers.get(name)).member(user))

    async def ListMembers(self, request: pb.ListMembersRequest, context: object) -> pb.ListMembersResponse:
        after, limit = joined_after(self._page_tokens.cursor_of(request)), page_size_of(request)
        members, following = await list_members(self._organizers, request.parent, after=after, limit=limit)
        return pb.ListMembersResponse(
            members=[member_to_wire(request.parent, each) for each in members],
            next_page_token=self._page_tokens.token_for(request, (following,) if following else None),
        )

    async def UpdateMember(self, request: pb.UpdateMemberRequest, context: object) -> organizer_pb2.Member:
        MEMBER.parse(request.member.name, field="member.name")
        require_role_mask(request.update_mask)
        (name, user), role = organizer_and_user(request.member.name), role_from_wire(request.member.role, "member.role")
        cause, now = self._cause(request, context), self._now()
        organizer = await change_member_role(self._organizers, name, user=user, role=role, cause=cause, now=now)
        return member_to_wire(name, organizer.member(user))

    async def DeleteMember(self, request: pb.DeleteMemberRequest, context: object) -> pb.DeleteMemberResponse:
        name, user = organizer_and_user(request.name)
        cause = self._cause(request, context)
        await remove_member(self._organizers, name, user=user, cause=cause, now=self._now())
        return pb.DeleteMemberResponse()

    def _cause(self, request: Message, context: object) -> Cause:
        return cause_of(request, context, key=self._fingerprint_key)
