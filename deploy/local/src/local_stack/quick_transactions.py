"""SecantusDB's transactions, without what lets them wait for each other or for a look at what is old.

Each statement of a transaction looks for transactions that were left alone for too long. Those in use are not waited
for: that let all of them wait for each other's statements and commits, with half of the machine idle.

A cursor that has found something holds its page (a hazard pointer). WiredTiger splits a page that has grown beyond
5 MB, but only one that nobody holds, and until then lets everyone who comes to it wait some milliseconds. The thread
that looks once a minute for documents whose time is over held its last page until the next look, and with it all
former versions of all documents since. It lets go now.

What a write was answered is kept in case it is repeated, for half an hour and up to 10,000 of them. What is too old or
too many is found from the oldest on, instead of by a look at all of them with each write outside a transaction.
"""

from typing import Any

from secantus import transactions


def let_go_after_a_sweep(kind: Any) -> None:
    """Teach a Storage class to, where it looks for documents whose time is over."""
    prune = kind.prune_ttl_all_collections

    def pruned(self: Any, **options: Any) -> int:
        try:
            return int(prune(self, **options))
        finally:
            self.release_thread_snapshot()

    kind.prune_ttl_all_collections = pruned


def forget_oldest_answers(kind: Any) -> None:
    """Teach a TransactionRegistry class to, which keeps what writes were answered in the order in which they came."""
    taught = "_prune_retryable_locked"
    getattr(kind, taught)
    lifetime, most = transactions._RETRYABLE_RECORD_LIFETIME_SECONDS, transactions._RETRYABLE_RECORD_MAX

    def prune(self: Any) -> None:
        kept, since = self._retryable, self._time() - lifetime
        while kept:
            oldest = next(iter(kept))
            if len(kept) <= most and kept[oldest][1] >= since:
                return
            del kept[oldest]

    setattr(kind, taught, prune)


def pass_transactions_in_use(kind: Any) -> None:
    """Teach a TransactionRegistry class to, where it ends what was left alone: what is at a statement was not."""
    taught = "_prune_locked"
    getattr(kind, taught)
    going, ended = transactions.TxnState.IN_PROGRESS, transactions.TxnState.ABORTED

    def prune(self: Any) -> int:
        cutoff, reaped = self._time() - self._lifetime, 0
        for each in [each for each in self._txns.values() if each.state is going and each.last_use < cutoff]:
            if not each.mutex.acquire(blocking=False):
                continue
            try:
                if each.state is going and each.last_use < cutoff:
                    self._rollback_quietly(each)
                    each.state = ended
                    reaped += 1
            finally:
                each.mutex.release()
        return reaped

    setattr(kind, taught, prune)
