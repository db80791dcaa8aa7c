import asyncio

from domain_kit.refusals import Unavailable
from user_service.outbound.password_hashing import open_passwords

SMALL = {"memory_kib": 64, "passes": 1, "lanes": 1}


async def test_a_hash_is_argon2id_and_fits_its_password_only():
    async with open_passwords(**SMALL, threads=1) as passwords:
        hashed = await passwords.hash("seven kayaks")
        assert hashed.startswith("$argon2id$v=19$m=64,t=1,p=1$")
        assert await passwords.verify(hashed, "seven kayaks")
        assert not await passwords.verify(hashed, "eight kayaks")
        assert not await passwords.verify("", "seven kayaks")
        assert not await passwords.verify("not a hash", "seven kayaks")


async def test_other_parameters_make_a_hash_outdated():
    async with (
        open_passwords(**SMALL, threads=1) as before,
        open_passwords(**{**SMALL, "passes": 2}, threads=1) as after,
    ):
        hashed = await before.hash("seven kayaks")
        assert not before.outdated(hashed)
        assert after.outdated(hashed)
        assert await after.verify(hashed, "seven kayaks")


async def test_more_calls_than_may_wait_are_refused():
    async with open_passwords(**SMALL, threads=1, queue=2) as passwords:
        results = await asyncio.gather(*(passwords.hash("seven kayaks") for _ in range(8)), return_exceptions=True)
    refused = [result for result in results if isinstance(result, Exception)]
    assert len(refused) == 5
    assert {type(refusal) for refusal in refused} == {Unavailable}
