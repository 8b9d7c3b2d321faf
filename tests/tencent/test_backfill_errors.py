"""What ``css-exporter backfill`` says, and does not record, when the API or the ledger fails."""

import json
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from support.tencent import lies
from support.tencent.filling import EVENTS, RECORDS, Filling
from support.tencent.server import Double
from support.tencent.world import Push

from exporter.ledger.sqlite.files import FileLock


@pytest.mark.parametrize(
    ("lie", "words"),
    [
        (lies.refuse("UnauthorizedOperation"), f"Allow live:{EVENTS}"),
        (lies.refuse("AuthFailure.SignatureExpire"), "clock"),
        (lies.refuse("FailedOperation.Novel"), "FailedOperation.Novel"),
    ],
)
def test_errors_of_the_api_become_sentences(
    filling: Filling, double: Double, missed: Push, lie: lies.Lie, words: str
) -> None:
    """Status 1, and nothing is recorded."""
    double.lie(lie, EVENTS, times=4)
    ended = filling("--apply", "--json")
    assert (ended.returncode, words in ended.stderr) == (1, True), ended.stderr
    assert words in json.loads(ended.stdout)["error"]
    assert filling.recorded(missed) == 0


def test_a_part_of_a_list_is_none(filling: Filling, double: Double, missed: Push) -> None:
    """Whatever else the list has: nobody knows what is missing of it."""
    filling.push("other")
    double.lie(lies.short("EventList"), EVENTS, times=8)
    ended = filling("--apply")
    assert (ended.returncode, f"{EVENTS} failed" in ended.stderr) == (1, True), ended.stderr
    assert filling.recorded(missed) == 0


def test_what_is_throttled_is_asked_for_again(
    filling: Filling, double: Double, missed: Push
) -> None:
    """Whoever waits is shown why."""
    for action in (EVENTS, RECORDS):
        double.lie(lies.refuse("RequestLimitExceeded"), action)
    ended = filling("--apply")
    assert ended.returncode == 0
    for action in (EVENTS, RECORDS):
        assert f"{action}: RequestLimitExceeded; again in 1 s" in ended.stderr
    assert filling.recorded(missed) == 1


def test_where_there_is_no_list_of_callbacks_the_event_list_does(
    filling: Filling, double: Double, missed: Push
) -> None:
    """It is said why; the international site has none."""
    double.lie(lies.refuse("InvalidAction"), RECORDS)
    ended = filling("--apply")
    assert ended.returncode == 0, ended.stderr
    assert f"The list of callbacks could not be asked: {RECORDS} failed." in ended.stdout
    assert filling.recorded(missed) == 1


def test_a_list_of_callbacks_that_fails_decides_nothing(
    filling: Filling, double: Double, missed: Push
) -> None:
    """It may give the packets the next time; who does not want to wait can say so."""
    double.lie(lies.fields(DataInfoList=None), RECORDS, times=4)
    ended = filling("--apply")
    assert (ended.returncode, "Or do without: --no-packets." in ended.stderr) == (1, True)
    assert filling.recorded(missed) == 0
    assert filling("--apply", "--no-packets").returncode == 0
    assert filling.recorded(missed) == 1


def test_a_ledger_that_cannot_commit_is_said(
    filling: Filling, double: Double, missed: Push
) -> None:
    """Another process keeps its lock, since the list was asked for; the next run goes on."""
    with ExitStack() as stack:
        lock = stack.enter_context(closing(FileLock(Path(f"{filling.path}.lock"))))
        double.lie(lies.Lie(after=lambda _: stack.enter_context(lock.within(5))), EVENTS)
        ended = filling("--apply", "--no-packets")
    assert ended.returncode == 1
    assert "0 entries were recorded; then the ledger failed" in ended.stdout
    assert "Run it again." in ended.stdout
    # It could not say either that it has ended.
    refused = filling("--apply", "--no-packets")
    assert (refused.returncode, "another backfill is recording" in refused.stderr) == (1, True)


def test_a_ledger_that_cannot_commit_from_the_start_is_said(
    filling: Filling, missed: Push
) -> None:
    """Then nothing is asked, and the next run goes on."""
    with closing(FileLock(Path(f"{filling.path}.lock"))) as lock, lock.within(5):
        ended = filling("--apply", "--no-packets")
    assert (ended.returncode, "the ledger cannot be used" in ended.stderr) == (1, True)
    assert filling("--apply", "--no-packets").returncode == 0
    assert filling.recorded(missed) == 1


def test_credentials_that_are_missing_are_said(filling: Filling, tmp_path: Path) -> None:
    """As for template."""
    file = tmp_path / "credentials"
    file.write_text("[default]\nsecret_id = AKID\n")
    ended = filling(tencent_credentials_file=file)
    assert (ended.returncode, "no usable secret_key" in ended.stderr) == (1, True)
