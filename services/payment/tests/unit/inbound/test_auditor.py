"""What a look at the ledger found stands until the whole of it has been walked again."""

from payment_service.domain.verification import Audit
from payment_service.inbound.auditor import Auditor
from payment_service.metrics import ledger_figures
from telemetry import Metrics
from testkit.memory import MemoryJournal, MemoryOutbox


async def test_the_first_look_walks_the_ledger_the_next_ones_only_its_sums_and_findings_stay():
    asked, found = [], [["ALTERED 7", "HEAD 0"], []]

    async def look(*, walk):
        asked.append(walk)
        return Audit(found[len(asked) - 1], 3, walk)

    metrics = Metrics("payment")
    auditor = Auditor(MemoryOutbox(MemoryJournal()), look, ledger_figures(metrics))
    await auditor.audit()
    assert metrics.registry.get_sample_value("usher_ledger_mismatches") == 2
    verified = metrics.registry.get_sample_value("usher_ledger_verified_timestamp_seconds")
    await auditor.audit()
    assert asked == [True, False]
    assert metrics.registry.get_sample_value("usher_ledger_mismatches") == 2, "the sums say nothing about entry 7"
    assert metrics.registry.get_sample_value("usher_ledger_verified_timestamp_seconds") == verified > 0
    assert metrics.registry.get_sample_value("usher_ledger_waiting") == 3


async def test_sums_that_are_wrong_are_told_at_once():
    told = []

    async def look(*, walk):
        return Audit([] if walk else ["balances sum to 1 EUR"], 0, walk)

    auditor = Auditor(MemoryOutbox(MemoryJournal()), look, lambda audit, wrong: told.append(wrong))
    await auditor.audit()
    await auditor.audit()
    assert told == [0, 1]


async def test_a_ledger_that_grows_too_fast_is_looked_at_later():
    asked = []

    async def look(*, walk):
        asked.append(walk)

    auditor = Auditor(MemoryOutbox(MemoryJournal()), look, lambda audit, wrong: asked.append("told"))
    await auditor.audit()
    await auditor.audit()
    assert asked == [True, True], "what could not be walked is still to be walked"
