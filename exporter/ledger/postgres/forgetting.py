"""What the shared ledger forgets, in small steps; any replica may take the next one."""

import math
from math import ceil
from typing import Any, Final

import orjson

from exporter.ledger.clock import Clock
from exporter.ledger.facts import Facts
from exporter.ledger.history import By
from exporter.ledger.limits import Limits
from exporter.ledger.postgres.admission import SELECT_WATCHED, lock_places, streams_in
from exporter.ledger.postgres.connection import LIMIT_TRANSACTION, Connection, columns
from exporter.ledger.postgres.numbers import ask_series, encode, lock_of, series_of
from exporter.ledger.postgres.tables import (
    FOUND,
    LOCK_PUSHES,
    begin,
    begun_at,
    pushes_in,
    write,
)
from exporter.ledger.posting import plan_expiry, questions_of_expiry
from exporter.ledger.watching import STORED_FAMILIES, streams_with_series, unwatched

FORGET_STEP: Final = 5000
EXPIRE_STEP: Final = 200
PRUNE_STEP: Final = 500

_READ_CLOCK: Final = """
    SELECT extract(epoch FROM clock_timestamp())::float8, read_at, doubted_for
    FROM css_exporter.ledger"""
# Unless another replica has just done so.
_NOTE_CLOCK: Final = """
    UPDATE css_exporter.ledger SET read_at = %b, doubted_for = %b
    WHERE read_at IS NOT DISTINCT FROM %b"""
# Those too old, and those that a clock gone wrong put too far ahead.
_FORGET: Final = """
    DELETE FROM css_exporter.identity WHERE identity = ANY(ARRAY(
        SELECT identity FROM css_exporter.identity WHERE seen_at < %(before)s
        ORDER BY seen_at LIMIT %(step)s FOR UPDATE SKIP LOCKED))
    OR identity = ANY(ARRAY(
        SELECT identity FROM css_exporter.identity WHERE seen_at > %(after)s
        ORDER BY seen_at DESC LIMIT %(step)s FOR UPDATE SKIP LOCKED))"""
_SELECT_IDLE: Final = """
    (SELECT stream_key FROM css_exporter.push
        WHERE ended_at_ms IS NULL AND heard_at_ms < %(before)s
        ORDER BY heard_at_ms LIMIT %(step)s)
    UNION ALL
    (SELECT stream_key FROM css_exporter.push
        WHERE ended_at_ms IS NULL AND heard_at_ms > %(after)s
        ORDER BY heard_at_ms DESC LIMIT %(step)s)"""
_LOCK: Final = """
    SELECT stream_key FROM unnest(%b::bytea[], %b::bigint[]) AS idle(stream_key, lock)
    WHERE pg_try_advisory_xact_lock(lock)"""
_SELECT_PUSHES: Final = f"""
    SELECT {FOUND} FROM css_exporter.push
    WHERE stream_key = ANY(%b) AND (ended_at_ms IS NULL) ORDER BY identity FOR UPDATE"""  # noqa: S608 - our own names
# Ended too long ago, or too far ahead by a clock gone wrong.
_SELECT_OLD: Final = """
    (SELECT identity FROM css_exporter.push WHERE ended_at_ms < %(before)s
        ORDER BY ended_at_ms LIMIT %(step)s)
    UNION ALL
    (SELECT identity FROM css_exporter.push WHERE ended_at_ms > %(after)s
        ORDER BY ended_at_ms DESC LIMIT %(step)s)"""
_COUNT_ENDED: Final = "SELECT count(*) FROM css_exporter.push WHERE ended_at_ms IS NOT NULL"
_SELECT_FIRST: Final = """
    SELECT identity FROM css_exporter.push WHERE ended_at_ms IS NOT NULL
    ORDER BY ended_at_ms LIMIT %b"""
# None of them began later than this, wherever a clock gone wrong put it.
_NOTE_PRUNED: Final = """
    INSERT INTO css_exporter.pruned AS pruned
    SELECT 1, max(least(greatest(began_at_ms, ended_at_ms), %b)) FROM css_exporter.push
    WHERE identity = ANY(%b) AND ended_at_ms IS NOT NULL HAVING count(*) > 0
    ON CONFLICT (id) DO UPDATE SET until_ms = greatest(pruned.until_ms, excluded.until_ms)"""
_DELETE: Final = """
    WITH gone AS (DELETE FROM css_exporter.push WHERE {which} RETURNING *)
    INSERT INTO css_exporter.identity
    SELECT identity, heard_at_ms / 1000 + 1 FROM gone
    WHERE begun_by = 'push' AND heard_at_ms >= %b
    UNION
    SELECT interruption, heard_at_ms / 1000 + 1 FROM gone
    WHERE ended_by = 'interruption' AND heard_at_ms >= %b
    ORDER BY 1 ON CONFLICT DO NOTHING"""
_DELETE_UNWATCHED: Final = """
    DELETE FROM css_exporter.watched WHERE stream = ANY(%b)"""
_SELECT_CELLS: Final = "SELECT key, labels FROM css_exporter.cell WHERE family = ANY(%b)"
_DELETE_CELLS: Final = "DELETE FROM css_exporter.cell WHERE key = ANY(%b)"
_COUNT_SECONDS: Final = 10


class Forgetting:
    """What one replica does of it."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._count_at = -math.inf
        self._knows_watched = False

    def step(self, connection: Connection) -> bool:
        """Forget a step's worth of what is too old or too much; return if more may be due."""
        limits = self._limits
        if not self._knows_watched:
            _forget_unwatched(connection, limits)
            self._knows_watched = True
        now, clock = _read_clock(connection)
        if not clock.is_trusted:
            return False
        more = _forget_identities(connection, limits, now)
        more = self._prune(connection, now) or more
        if limits.push_idle_seconds:
            more = _expire(connection, limits, now * 1000) or more
        return more

    def _prune(self, connection: Connection, now: float) -> bool:
        """Delete the next ended pushes that are too old or too many."""
        kept = self._limits.push_history_days * 86_400
        bounds = {
            "before": int((now - kept) * 1000),
            "after": ceil((now + kept) * 1000),
            "step": PRUNE_STEP,
        }
        old = connection.execute(_SELECT_OLD, bounds).fetchall()
        if not old and now >= self._count_at:
            (ended,) = connection.execute(_COUNT_ENDED).fetchone() or (0,)
            too_many = min(ended - self._limits.push_history_rows, PRUNE_STEP)
            if too_many > 0:
                old = connection.execute(_SELECT_FIRST, (too_many,)).fetchall()
            else:
                self._count_at = now + _COUNT_SECONDS
        if old:
            identities = sorted(identity for (identity,) in old)
            since = now - self._limits.dedupe_seconds
            with connection.together():
                begin(connection)
                # Those that are to be completed just now must be there for that.
                connection.execute(LOCK_PUSHES, (sorted(map(lock_of, identities)),))
                connection.execute(_NOTE_PRUNED, (ceil(now * 1000), identities))
                which = "identity = ANY(%b) AND ended_at_ms IS NOT NULL"
                forget_pushes(connection, which, identities, since)
                connection.commit_now()
        return bool(old)


def forget_pushes(
    connection: Connection, which: str, values: list[Any], remembered_since: float
) -> None:
    """Delete pushes; the events of those heard of since stay remembered.

    ``which`` is a condition in SQL, with ``values`` for its mark.
    """
    since_ms = int(remembered_since * 1000)
    connection.execute(_DELETE.format(which=which), (values, since_ms, since_ms))


def _forget_unwatched(connection: Connection, limits: Limits) -> None:
    """Give back the places, and delete the numbers, of streams that are watched no more."""
    remembered = streams_in(connection.execute(SELECT_WATCHED))
    kept = set(streams_with_series(limits, remembered))
    cells = connection.execute(_SELECT_CELLS, (list(STORED_FAMILIES),)).fetchall()
    gone = [encode(stream) for stream in unwatched(limits, remembered)]
    numbers = [key for key, labels in cells if tuple(orjson.loads(labels)[:3]) not in kept]
    if not gone and not numbers:
        return
    with connection.together():
        begin(connection)
        connection.execute(_DELETE_UNWATCHED, (gone,))
        connection.execute(_DELETE_CELLS, (sorted(numbers),))
        connection.commit_now()


def _forget_identities(connection: Connection, limits: Limits, now: float) -> bool:
    kept = ceil(limits.dedupe_seconds)
    with connection.together():
        begin(connection)
        forgotten = connection.execute(
            _FORGET, {"before": int(now) - kept, "after": ceil(now) + kept, "step": FORGET_STEP}
        )
        connection.commit_now()
    return forgotten.rowcount >= FORGET_STEP


def _read_clock(connection: Connection) -> tuple[float, Clock]:
    """Return the server's time and the ledger's clock after reading it."""
    now, *known = connection.execute(_READ_CLOCK).fetchone() or (0.0, None, 0.0)
    before = Clock(*known)
    clock = before.after(now)
    if clock != before:
        with connection.together():
            connection.execute("BEGIN")
            connection.execute(LIMIT_TRANSACTION)
            connection.execute(_NOTE_CLOCK, (*clock, before.read_at))
            connection.commit_now()
    return now, clock


def _expire(connection: Connection, limits: Limits, now_ms: float) -> bool:
    """Close a step's worth of idle pushes; a stream that somebody has in hand waits."""
    # Whole numbers: for others PostgreSQL would read all of the index.
    before, after = int(now_ms - limits.silence_ms), int(now_ms + limits.silence_ms)
    idle = connection.execute(
        _SELECT_IDLE, {"before": before, "after": after, "step": EXPIRE_STEP}
    ).fetchall()
    if not idle:
        return False
    streams = [(key, lock_of(key)) for key in {key for (key,) in idle}]
    with connection.together() as pipeline:
        begun = begin(connection)
        locked = connection.execute(_LOCK, columns(streams))
        # Before any row of a push, as in every transaction.
        lock_places(connection)
        pipeline.sync()
        found = connection.execute(_SELECT_PUSHES, ([key for (key,) in locked],))
        pipeline.sync()
        pushes = pushes_in(found)
        silent = {
            identity: push
            for identity, push in pushes.items()
            if not before <= push.heard_at_ms <= after
        }
        asked = ask_series(connection, questions_of_expiry(silent.values(), By.IDLE))
        remembered = connection.execute(SELECT_WATCHED)
        pipeline.sync()
        stored, room = series_of(asked, limits.max_series)
        now, stripe = begun_at(begun)
        watched = set(streams_in(remembered))
        facts = Facts(pushes=pushes, series=stored, series_room=room, watched=watched)
        closing = {identity: push.heard_at_ms for identity, push in silent.items()}
        write(connection, plan_expiry(closing, By.IDLE, facts, limits, now), stripe)
        connection.commit_now()
    return bool(silent) and len(idle) >= EXPIRE_STEP
