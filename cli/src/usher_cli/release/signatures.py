"""Whether images are signed by whom we expect, as far as cosign is there and somebody said who that is."""

import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass

from usher_cli.release.outcomes import Exit, Trouble

ISSUER = "https://token.actions.githubusercontent.com"
SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Signer:
    """Who has to have signed: an identity of the certificate (a regular expression), and who vouches for it."""

    identity: str = ""
    issuer: str = ISSUER


def verified(images: Iterable[str], signer: Signer) -> str:
    """What was checked, or why nothing was. Trouble(REFUSED) for an image that is not signed so."""
    cosign = shutil.which("cosign")
    if not signer.identity:
        return "skipped: nobody was named who should have signed (--signed-by)"
    if cosign is None:
        raise Trouble(Exit.REFUSED, "--signed-by asks for signatures and cosign is not on the PATH: install cosign")
    wanted = sorted(images)
    for image in wanted:
        done = subprocess.run(
            [
                cosign,
                "verify",
                "--output=text",
                f"--certificate-oidc-issuer={signer.issuer}",
                f"--certificate-identity-regexp=^(?:{signer.identity})$",
                image,
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
        if done.returncode:
            last = [line for line in done.stderr.splitlines() if line.strip()] or ["cosign does not say why"]
            raise Trouble(Exit.REFUSED, f"{image} is not signed by {signer.identity}", last[0])
    return f"{len(wanted)} images signed by {signer.identity}"
