"""Registering, proving an address from the caught mail, signing in: what every journey and the import begin with."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from local_stack.mail_folder import CaughtMail, caught
from usher_cli.api import Api, fresh_id
from usher_cli.options import CommandFailure

T = TypeVar("T")

MAIL_SECONDS = 20.0
POLL_SECONDS = 0.1
_TOKEN = re.compile(r"^([A-Za-z0-9._~-]{20,})$", re.MULTILINE)


@dataclass(slots=True)
class Account:
    """A signed-in user; `token` is the present access token (ten minutes)."""

    name: str
    email: str
    token: str
    refresh_token: str

    def refresh(self, api: Api) -> None:
        """Trade the refresh token for new tokens, in which roles given since are."""
        answer = api.post("/v1/sessions:refresh", {"refreshToken": self.refresh_token})
        self.token, self.refresh_token = answer["accessToken"], answer["refreshToken"]


def register(api: Api, mail: Path, *, email: str, password: str, display_name: str) -> Account:
    """A new account with its address proved by the code in the mail."""
    body = {"email": email, "password": password, "displayName": display_name, "requestId": fresh_id()}
    api.post("/v1/users:register", body)
    message = wait_for_mail(mail, to=email, having=lambda each: _TOKEN.search(each.text) is not None)
    token = _TOKEN.search(message.text)
    if token is None:
        raise CommandFailure(f"the mail to {email} has no verification code")
    proof = {"token": token[1], "password": password, "requestId": fresh_id()}
    api.post("/v1/users:verifyEmail", proof)
    return sign_in(api, email=email, password=password)


def sign_in(api: Api, *, email: str, password: str) -> Account:
    """A session of an existing account."""
    tokens = api.post("/v1/sessions:signIn", {"email": email, "password": password})
    return Account(name=tokens["user"], email=email, token=tokens["accessToken"], refresh_token=tokens["refreshToken"])


def wait_for_mail(
    folder: Path, *, to: str, having: Callable[[CaughtMail], bool], seconds: float = MAIL_SECONDS
) -> CaughtMail:
    """The newest caught message to an address for which `having` holds, as soon as there is one."""

    def look() -> CaughtMail | None:
        found = [each for each in caught(folder) if any(to in address for address in each.recipients) and having(each)]
        return found[-1] if found else None

    return eventually(look, seconds=seconds, what=f"a mail to {to}")


def eventually(look: Callable[[], T | None], *, seconds: float, what: str) -> T:
    """What `look` finds, asked again and again until it finds something; raises CommandFailure after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found is not None:
            return found
        if time.monotonic() > deadline:
            raise CommandFailure(f"{what} did not come within {seconds:.0f} s")
        time.sleep(POLL_SECONDS)
