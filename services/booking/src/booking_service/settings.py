"""Settings of the booking service."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from environment import ServiceSettings, SettingsError, variable
from environment.reading import positive

if TYPE_CHECKING:
    from ticket_documents.apple_pass import AppleSigner
    from ticket_documents.google_pass import GoogleSigner


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError("must be at least 1")
    return number


@dataclass(frozen=True, kw_only=True)
class Settings(ServiceSettings):
    """hold_seconds: how long places are held. watch_seconds: how long a stream may last.

    lanes: commits at once; one gathers the most, also of many events. lane_bound: commands that may wait in a lane.
    waiting_room_streams: streams that may watch places at once.
    apple_certificates: PEM, the pass type certificate and then those above it (WWDR). apple_key: PEM, its RSA key.
    google_issuer: number of the Wallet issuer. google_account: key file (JSON) of its service account. Either wallet
    may be left out, but not half of it.
    """

    service: str = "booking"
    hold_seconds: float = variable("USHER_HOLD_SECONDS", positive, default=600.0)
    watch_seconds: float = variable("USHER_WATCH_SECONDS", positive, default=600.0)
    lanes: int = variable("USHER_LANES", _count, default=1)
    lane_bound: int = variable("USHER_LANE_BOUND", _count, default=4096)
    waiting_room_streams: int = variable("USHER_WAITING_ROOM_STREAMS", _count, default=2000)
    apple_certificates: str = variable("USHER_APPLE_PASS_CERTIFICATES", default="")
    apple_key: str = variable("USHER_APPLE_PASS_KEY", default="", secret=True)
    google_issuer: str = variable("USHER_GOOGLE_WALLET_ISSUER", default="")
    google_account: str = variable("USHER_GOOGLE_WALLET_ACCOUNT", default="", secret=True)

    def __post_init__(self) -> None:
        """SettingsError for a wallet whose certificate or key cannot be used."""
        super().__post_init__()
        self.apple_signer()
        self.google_signer()

    def apple_signer(self) -> "AppleSigner | None":
        """What signs passes for Apple's wallet; None when it is not set."""
        if not self.apple_certificates and not self.apple_key:
            return None
        from ticket_documents.apple_pass import AppleSigner

        try:
            return AppleSigner.from_pem(self.apple_certificates, self.apple_key)
        except ValueError as error:
            problem = f"USHER_APPLE_PASS_CERTIFICATES or USHER_APPLE_PASS_KEY is malformed: {error}"
            raise SettingsError([problem]) from None

    def google_signer(self) -> "GoogleSigner | None":
        """What signs passes for Google's wallet; None when it is not set."""
        if not self.google_issuer and not self.google_account:
            return None
        from ticket_documents.google_pass import GoogleSigner

        try:
            return GoogleSigner.from_account(self.google_issuer, self.google_account)
        except ValueError:
            problem = "USHER_GOOGLE_WALLET_ISSUER or USHER_GOOGLE_WALLET_ACCOUNT is malformed"
            raise SettingsError([problem]) from None
