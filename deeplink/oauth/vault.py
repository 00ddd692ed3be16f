"""
One upstream call a question: whoever asks the same again gets the same answer again.

A code works once and a refresh token dies with the answer that replaces it, so that an answer
which is lost on the way to the phone would be a lost login. The vault keeps it for a while, sealed
under what only its owner can bring, and lets parallel askers share one call.

In the store, per server key, under names that tell nothing:

- the *turn* of a code: a *claim* (who asks just now, a lease), then the *result* of the question
  that succeeded. One entry for both, so that a code is free, claimed or spent, nothing between;
- the *refusal* of a question: what a provider said no to stays no;
- the *silence* of a question: for those who waited on a call that nobody answered;
- the *successor*: from a new refresh token to the turn of the one that it replaces.
"""

from __future__ import annotations

import hmac
import json
import secrets
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from deeplink.errors import (
    Busy,
    DeeplinkError,
    LoginError,
    ProviderRefused,
    ProviderSilent,
    RequestRefused,
    TooMany,
)
from deeplink.oauth.sealing import joined, seal, unseal
from deeplink.store.spare import SparedStore, log_change

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from deeplink.errors import StoreUnavailable
    from deeplink.oauth.sealing import Key
    from deeplink.secret import Secret
    from deeplink.store import Store

#: Seconds that a claim outlives the upstream call's deadline.
LEASE_MARGIN = 2.0

#: Seconds within which a request must be answered: Heroku's router gives up after 30 (error H12).
ANSWER_WITHIN = 28.0

#: Requests that may wait for one code at the same moment, in one process.
WAITERS_PER_CODE = 64

#: Pauses, in seconds, between two looks at another process's claim.
FIRST_PAUSE, LONGEST_PAUSE = 0.02, 0.25

#: Seconds that a silence is kept: the next look of everybody who waits, and a slow store.
SILENCE_TTL = 3.0

#: What ``Retry-After`` says to those who cannot wait here.
RETRY_AFTER = 1

_HOLDER_LENGTH = _TAG_LENGTH = 16
_CLAIM, _RESULT = b"c", b"r"


class Purpose(StrEnum):
    """What is asked of the provider."""

    EXCHANGE = "exchange"
    REFRESH = "refresh"


#: Seconds that a result or a refusal is kept.
KEPT_FOR = {Purpose.EXCHANGE: 120.0, Purpose.REFRESH: 60.0}

#: What a spent code or refresh token is told, without the difference: that the owner was there
#: first would be news to a thief.
_SPENT = {
    Purpose.EXCHANGE: "The code has expired or was used before; start the login again.",
    Purpose.REFRESH: "The refresh token has expired or was replaced; start the login again.",
}


@dataclass(frozen=True, slots=True)
class Question:
    """
    What an app asks, with everything on which the answer depends.

    *grant* is the code or the refresh token, *proof* the verifier (None for a refresh, and where
    a provider has no PKCE). Only who brings both gets the answer again. *app* may be empty.
    """

    purpose: Purpose
    provider: str
    app: str
    client_key: str
    redirect_uri: str
    grant: Secret
    proof: Secret | None = None

    @property
    def context(self) -> tuple[str, ...]:
        return (self.purpose, self.provider, self.app, self.client_key, self.redirect_uri)

    @property
    def secrets(self) -> tuple[str, str]:
        return (self.grant.reveal(), self.proof.reveal() if self.proof else "")


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What the provider gave. The vault does not look into *body*.

    *successor* is the refresh token that replaces the question's: when it is presented itself, its
    owner has this answer, and the vault forgets it. *is_replay* says that no call was made for it.
    """

    body: bytes = field(repr=False)
    successor: Secret | None = field(default=None, compare=False)
    is_replay: bool = field(default=False, compare=False)


@dataclass(slots=True)
class _Names:
    """What a question is called in the store, under one server key."""

    turn: str
    refusal: str
    tag: bytes
    _key: Key
    _whole: bytes = field(repr=False)

    @property
    def silence(self) -> str:
        """Made when somebody waits: few do."""
        return self._key.name("silence", self._whole).hex()


@dataclass(slots=True)
class _Flight:
    """One question on its way, in this process: its first asker leads, the others follow."""

    turn: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)
    answer: Answer | None = None
    error: DeeplinkError | None = None


@dataclass(slots=True)
class _Line:
    """The flights about one code, in the order in which they came, and who waits for them."""

    flights: dict[bytes, _Flight] = field(default_factory=dict)
    waiting: int = 0


class Vault:
    """
    The memory of a server's exchanges, shared with the other servers of the same *store*.

    *keys* are the server keys, the first of which seals. *deadline* is the longest that an ``ask``
    may take, in seconds; *threads* how many threads the process has, of which half may wait here.
    If the store goes away, all promises hold within this process; *on_store_change* hears of it.
    """

    def __init__(
        self,
        store: Store,
        keys: Sequence[Key],
        *,
        deadline: float,
        threads: int,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[int], bytes] = secrets.token_bytes,
        on_store_change: Callable[[StoreUnavailable | None], None] = log_change,
    ) -> None:
        self._store = SparedStore(store, clock=clock, on_change=on_store_change)
        self._keys = tuple(keys)
        # All servers claim in the same order, whichever key they promote.
        self._ordered_keys = sorted(keys, key=lambda key: key.id)
        self._deadline = deadline
        self._lease = deadline + LEASE_MARGIN
        self._max_waiting = max(1, threads // 2)
        self._clock = clock
        self._sleep = sleep
        self._random = random
        self._lock = threading.Lock()
        self._lines: dict[str, _Line] = {}
        self._waiting = 0

    @property
    def store(self) -> SparedStore:
        """The store and its spare. While it is away, processes do not see each other."""
        return self._store

    def once(self, question: Question, ask: Callable[[], Answer]) -> Answer:
        """
        The answer to *question*: a kept one, one that is just under way, or that of *ask*.

        *ask* makes the upstream call. Its ``ProviderRefused`` is kept and repeated like an answer,
        its ``ProviderSilent`` is shared with those who wait and then forgotten: the next repeat
        asks again. After an answer, another verifier is refused with ``RequestRefused``
        (``invalid_grant``) without a call; before one, everybody may try, one after another.

        Refuses with ``Busy`` who would wait too long or in too large a crowd, and with
        ``StoreUnavailable`` if the answer lies sealed under a key that this process lacks.
        """
        names = self._names(question)
        flight, leads = self._join(names[0])
        if not leads:
            return self._follow(names[0], flight)
        try:
            flight.answer = self._lead(names, question, ask, flight)
            return flight.answer
        except DeeplinkError as error:
            flight.error = error
            raise
        finally:
            self._leave(names[0], flight)

    # Within the process: one flight a question, one flight at a time a code.

    def _join(self, names: _Names) -> tuple[_Flight, bool]:
        """The question's flight, and whether the caller leads it."""
        with self._lock:
            line = self._lines.setdefault(names.turn, _Line())
            if flight := line.flights.get(names.tag):
                return flight, False
            flight = line.flights[names.tag] = _Flight()
            if len(line.flights) == 1:
                flight.turn.set()
            return flight, True

    def _leave(self, names: _Names, flight: _Flight) -> None:
        with self._lock:
            flights = self._lines[names.turn].flights
            del flights[names.tag]
            if flights:
                next(iter(flights.values())).turn.set()
            else:
                del self._lines[names.turn]
        flight.done.set()

    def _follow(self, names: _Names, flight: _Flight) -> Answer:
        if not flight.done.is_set():
            with self._seat(names):
                flight.done.wait(ANSWER_WITHIN)
        if not flight.done.is_set():
            raise Busy(RETRY_AFTER)
        if flight.answer:
            return replace(flight.answer, is_replay=True)
        raise _same_again(flight.error)

    @contextmanager
    def _seat(self, names: _Names) -> Iterator[None]:
        """A place to wait; ``Busy`` if there is none."""
        with self._lock:
            # The line may be gone already, if the flight ended in this moment.
            line = self._lines.get(names.turn) or _Line()
            if line.waiting >= WAITERS_PER_CODE or self._waiting >= self._max_waiting:
                raise Busy(RETRY_AFTER)
            line.waiting += 1
            self._waiting += 1
        try:
            yield
        finally:
            with self._lock:
                line.waiting -= 1
                self._waiting -= 1

    def _lead(
        self,
        names: Sequence[_Names],
        question: Question,
        ask: Callable[[], Answer],
        flight: _Flight,
    ) -> Answer:
        started = self._clock()
        if not flight.turn.is_set():
            with self._seat(names[0]):
                came = flight.turn.wait(max(0.0, ANSWER_WITHIN - self._deadline))
            if not came:
                raise Busy(RETRY_AFTER)
        if question.purpose is Purpose.REFRESH:
            self._forget_predecessor(question)
        holder = self._random(_HOLDER_LENGTH)
        awaited = b""
        if (record := self._claim(names, holder)) is not None:
            if not _is_result(record):
                with self._seat(names[0]):
                    record, awaited = self._wait(names, holder, record, started)
            if record is not None:
                return self._open_result(names, question, record)
        return self._hold(names, question, ask, holder, awaited, started)

    # Between processes: one claim a code.

    def _claim(self, names: Sequence[_Names], holder: bytes) -> bytes | None:
        """
        What stands in the way: another's claim, a result, or nothing any more (empty); None if
        the claim is ours, under every key.
        """
        for position, name in enumerate(names):
            if self._store.put(
                name.turn, _CLAIM + holder + name.tag, self._lease, only_if_absent=True
            ):
                continue
            record = self._store.get(name.turn) or b""
            self._release(names[:position], holder)
            return record
        return None

    def _wait(
        self, names: Sequence[_Names], holder: bytes, record: bytes, started: float
    ) -> tuple[bytes | None, bytes]:
        """
        Look again and again until there is a result, or the claim is ours (None). With it comes
        the claim that we waited for last.
        """
        awaited = b""
        pause = FIRST_PAUSE
        while True:
            same = any(record.endswith(name.tag) for name in names)
            awaited = record or awaited
            if self._clock() - started >= self._longest_wait(same=same or not record):
                raise Busy(RETRY_AFTER)
            self._sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE)
            in_the_way = self._claim(names, holder)
            if in_the_way is None or _is_result(in_the_way):
                return in_the_way, awaited
            record = in_the_way

    def _longest_wait(self, *, same: bool) -> float:
        """Whoever waits for another's turn to end needs time for a call of their own."""
        if same:
            return min(self._lease + LONGEST_PAUSE, ANSWER_WITHIN)
        return max(0.0, ANSWER_WITHIN - self._deadline)

    def _hold(
        self,
        names: Sequence[_Names],
        question: Question,
        ask: Callable[[], Answer],
        holder: bytes,
        awaited: bytes,
        started: float,
    ) -> Answer:
        """The answer of *ask*, while the claim is ours; at the end it is a result, or released."""
        is_result = False
        try:
            self._repeat_error(names, question, awaited)
            waited = self._clock() - started
            if waited and waited + self._deadline > ANSWER_WITHIN:
                raise Busy(RETRY_AFTER)
            answer = self._ask(names, question, ask, holder)
            is_result = True
            return answer
        finally:
            if not is_result:
                self._release(names, holder)

    def _ask(
        self,
        names: Sequence[_Names],
        question: Question,
        ask: Callable[[], Answer],
        holder: bytes,
    ) -> Answer:
        try:
            answer = ask()
        except ProviderRefused as error:
            # Somebody who was thought dead may have come back with the tokens meanwhile.
            if (late := self._store.get(names[0].turn)) and _is_result(late):
                return self._open_result(names, question, late)
            self._keep_refusal(names, question, error)
            raise
        except ProviderSilent as error:
            self._keep_silence(names, question, holder, error)
            raise
        self._keep_result(names, question, answer)
        return answer

    def _release(self, names: Sequence[_Names], holder: bytes) -> None:
        """
        Give the claim back. If the lease ended before us, what lies there is not ours to take: a
        result goes back in any case, another's claim if nobody was quicker.
        """
        for name in names:
            found = self._store.take(name.turn)
            if found is None or found[1 : 1 + _HOLDER_LENGTH] == holder:
                continue
            if _is_result(found):
                self._store.put(name.turn, found, KEPT_FOR[Purpose.EXCHANGE])
            else:
                self._store.put(name.turn, found, self._lease, only_if_absent=True)

    # What is kept, and how it is read.

    def _keep_result(self, names: Sequence[_Names], question: Question, answer: Answer) -> None:
        sealed = self._seal(question, "result", answer.body)
        for name in names:
            self._store.put(name.turn, _RESULT + name.tag + sealed, KEPT_FOR[question.purpose])
        successor = answer.successor
        if successor and not successor.equals(question.grant.reveal()):
            for pointer, name in zip(self._pointers(question, successor), names, strict=True):
                self._store.put(pointer, name.turn.encode(), KEPT_FOR[question.purpose])

    def _open_result(self, names: Sequence[_Names], question: Question, record: bytes) -> Answer:
        tag, sealed = record[1 : 1 + _TAG_LENGTH], record[1 + _TAG_LENGTH :]
        is_ours = any(hmac.compare_digest(tag, name.tag) for name in names)
        if not is_ours or not sealed:
            raise RequestRefused("invalid_grant", _SPENT[question.purpose])
        return Answer(self._unseal(question, "result", sealed), is_replay=True)

    def _forget_predecessor(self, question: Question) -> None:
        """Drop the answer that brought this refresh token: whoever presents it has got it."""
        for pointer in self._pointers(question, question.grant):
            turn = self._store.get(pointer) and self._store.take(pointer)
            record = turn and self._store.get(turn.decode())
            if turn and record and _is_result(record):
                # Without its sealed part it still says that the token before is spent.
                spent = record[: 1 + _TAG_LENGTH]
                self._store.put(turn.decode(), spent, KEPT_FOR[Purpose.REFRESH])

    def _keep_refusal(
        self, names: Sequence[_Names], question: Question, error: ProviderRefused
    ) -> None:
        sealed = self._seal(question, "refusal", _error_to_bytes(error))
        for name in names:
            self._store.put(name.refusal, sealed, KEPT_FOR[question.purpose])

    def _keep_silence(
        self, names: Sequence[_Names], question: Question, holder: bytes, error: ProviderSilent
    ) -> None:
        sealed = self._seal(question, "silence", _error_to_bytes(error))
        for name in names:
            self._store.put(name.silence, holder + sealed, SILENCE_TTL)

    def _repeat_error(self, names: Sequence[_Names], question: Question, awaited: bytes) -> None:
        """Refuse as before, if this question was refused, or if the call we waited for failed."""
        for name in names:
            if sealed := self._store.get(name.refusal):
                arguments = _error_arguments(self._unseal(question, "refusal", sealed))
                raise ProviderRefused(**arguments)
            if not awaited:
                continue
            silence = self._store.get(name.silence)
            if silence and silence[:_HOLDER_LENGTH] == awaited[1 : 1 + _HOLDER_LENGTH]:
                sealed = silence[_HOLDER_LENGTH:]
                arguments = _error_arguments(self._unseal(question, "silence", sealed))
                raise ProviderSilent(**arguments)

    # Names and seals.

    def _names(self, question: Question) -> tuple[_Names, ...]:
        # The code alone names the turn: a stranger's app or verifier waits in the same line.
        grant = joined(
            question.purpose, question.provider, question.client_key, question.grant.reveal()
        )
        whole = joined(_joined_context(*question.context), *question.secrets)
        return tuple(
            _Names(
                key.name("turn", grant).hex(),
                key.name("refusal", whole).hex(),
                key.name("question", whole),
                key,
                whole,
            )
            for key in self._ordered_keys
        )

    def _pointers(self, question: Question, token: Secret) -> list[str]:
        parts = (question.provider, question.client_key, token.reveal())
        return [key.name("successor", *parts).hex() for key in self._ordered_keys]

    def _seal(self, question: Question, kind: str, plain: bytes) -> bytes:
        return seal(
            self._keys[0],
            plain,
            secrets=question.secrets,
            context=(kind, _joined_context(*question.context)),
            random=self._random,
        )

    def _unseal(self, question: Question, kind: str, sealed: bytes) -> bytes:
        return unseal(
            self._keys,
            sealed,
            secrets=question.secrets,
            context=(kind, _joined_context(*question.context)),
        )


# One for each app of each provider, all from the configuration.
@lru_cache(maxsize=256)
def _joined_context(*context: str) -> bytes:
    return joined(*context)


def _is_result(record: bytes) -> bool:
    return record[:1] == _RESULT


def _same_again(error: DeeplinkError | None) -> DeeplinkError:
    """A new error that says what *error* says: one object cannot be raised in two threads."""
    if isinstance(error, LoginError):
        return type(error)(error.error, error.description, log_id=error.log_id)
    if isinstance(error, TooMany):
        return type(error)(error.retry_after)
    if error is not None:
        return type(error)(*error.args)
    return ProviderSilent(
        "server_error", "The call to the provider ended without an answer; send the request again."
    )


def _error_to_bytes(error: LoginError) -> bytes:
    fields = {"error": error.error, "description": error.description, "log_id": error.log_id}
    return json.dumps(fields).encode()


def _error_arguments(body: bytes) -> dict[str, Any]:
    arguments: dict[str, Any] = json.loads(body)
    return arguments
