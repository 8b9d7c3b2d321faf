"""Calls: what is asked again and what not, what hangs, what only looks like an answer."""

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from support.programs import until
from support.tencent import lies
from support.tencent.desk import HASTY, URL, client, template
from support.tencent.server import Double

from exporter.protocol.api_errors import BAD_ANSWER, NETWORK
from exporter.tencent.calling import Patience
from exporter.tencent.errors import ApiError

LIST = "DescribeLiveCallbackTemplates"
CREATE = "CreateLiveCallbackTemplate"
FIELDS = {"TemplateName": "css", "CallbackKey": "hush", "StreamBeginNotifyUrl": URL}
ONCE = Patience(read_seconds=0.5, call_seconds=1, pauses=())


def code_of(call: Callable[[], Any]) -> str:
    """Return the error code of a call that must fail."""
    with pytest.raises(ApiError) as raised:
        call()
    return raised.value.code


WRONG: dict[str, tuple[lies.Lie, str]] = {
    "null": (lies.fields(Templates=None), BAD_ANSWER),
    "no list": (lies.without("Templates"), BAD_ANSWER),
    "items of nothing": (lies.fields(Templates=[None]), BAD_ANSWER),
    "items of the wrong type": (
        lies.fields(Templates=[{"TemplateId": 1, "TemplateName": 2}]),
        BAD_ANSWER,
    ),
    "charset": (lies.error_with_charset("InternalError.DBError"), "InternalError.DBError"),
    "no request id": (lies.fields(RequestId=None), BAD_ANSWER),
    "status": (lies.travelling(status=502, body=b"<html>"), BAD_ANSWER),
    "no JSON": (lies.travelling(body=b"<html>"), BAD_ANSWER),
    "no object": (lies.travelling(body=b"[]", content_type="text/html"), BAD_ANSWER),
    "no response": (lies.travelling(body=b'{"Response": null}'), BAD_ANSWER),
    "nothing": (lies.travelling(body=b""), BAD_ANSWER),
    "cut": (lies.travelling(cut_after=10), NETWORK),
    "hang": (lies.travelling(hang_seconds=30), NETWORK),
    "drip": (lies.travelling(drip_seconds=0.2), NETWORK),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_only_looks_like_an_answer_is_a_failure(double: Double, name: str) -> None:
    """Never is it taken for an empty list."""
    lie, code = WRONG[name]
    double.lie(lie)
    assert code_of(client(double, ONCE).templates) == code


@pytest.mark.parametrize("name", WRONG)
def test_reading_goes_on_when_the_answers_are_right_again(double: Double, name: str) -> None:
    """What was read is what the right answer said."""
    double.world.template(TemplateName="css")
    double.lie(WRONG[name][0])
    assert [one.name for one in client(double).templates()] == ["css"]


def test_an_answer_that_never_ends_has_an_end(double: Double) -> None:
    """The package's own time-out begins anew with each byte; the next call is not held up."""
    double.lie(lies.travelling(drip_seconds=0.2))
    one = client(double, ONCE)
    with pytest.raises(ApiError, match="no answer within 1 s"):
        one.templates()
    assert one.templates() == []


def test_a_server_that_is_away(double: Double) -> None:
    """A refused connection is a failure of the network, with a sentence."""
    one = client(double, ONCE)
    double.__exit__()
    with pytest.raises(ApiError, match="Check network, proxy, TLS and tencent_endpoint"):
        one.templates()


def test_patience_ends(double: Double) -> None:
    """After so many attempts the last error is the answer."""
    double.lie(lies.refuse("InternalError"), times=9)
    assert code_of(client(double).templates) == "InternalError"
    assert double.actions() == [LIST] * (1 + len(HASTY.pauses))


def test_throttled_calls_are_made_again(double: Double) -> None:
    """Nothing was done, so even a write is."""
    double.lie(lies.refuse("RequestLimitExceeded"), CREATE, times=2)
    client(double).create(FIELDS)
    assert [one["TemplateName"] for one in double.world.templates.values()] == ["css"]


@pytest.mark.parametrize(
    "lie",
    [
        lies.fail("InternalError"),
        lies.travelling(cut_after=5),
        lies.travelling(hang_seconds=30),
        lies.travelling(status=502),
        lies.fields(RequestId=None),
    ],
)
def test_a_write_that_may_have_been_done_is_not_made_again(double: Double, lie: lies.Lie) -> None:
    """The caller must look."""
    double.lie(lie, CREATE)
    code_of(lambda: client(double).create(FIELDS))
    assert double.actions() == [CREATE]
    assert len(double.world.templates) == 1


def test_a_lost_answer_is_looked_up(double: Double) -> None:
    """A template, a rule, and their ends: done once, and well in the end."""
    double.lie(lies.travelling(cut_after=5), CREATE)
    double.lie(lies.travelling(cut_after=5), "CreateLiveCallbackRule")
    double.lie(lies.travelling(cut_after=5), "DeleteLiveCallbackRule")
    double.lie(lies.travelling(cut_after=5), "DeleteLiveCallbackTemplate")
    steps = (
        ("apply", "--name", "css", "--url", URL),
        ("bind", "--domain", "push.example.com", "--name", "css"),
        ("unbind", "--domain", "push.example.com"),
        ("delete", "--name", "css"),
    )
    for step in steps:
        result = template(double, *step, "--yes")
        assert result.exit_code == 0, result.output
        assert "Looking whether it is done" in result.stderr
    writes = [action for action in double.actions() if not action.startswith("Describe")]
    assert len(writes) == len(set(writes)) == len(steps)


def test_a_write_that_was_not_done_is_said(double: Double) -> None:
    """A fault of the provider before anything happened."""
    double.lie(lies.refuse("InternalError"), CREATE)
    result = template(double, "apply", "--name", "css", "--url", URL, "--yes")
    assert (result.exit_code, "was not made" in result.stderr) == (1, True)
    template(double, "apply", "--name", "css", "--url", URL, "--yes")
    double.lie(lies.refuse("InternalError"), "CreateLiveCallbackRule")
    result = template(double, "bind", "--domain", "push.example.com", "--name", "css", "--yes")
    assert (result.exit_code, "does not show that it is done" in result.stdout) == (1, True)


def test_what_is_gone_already_is_deleted(double: Double) -> None:
    """Somebody else was quicker."""
    number = double.world.template(TemplateName="css")
    double.lie(lies.Lie(before=double.world.templates.clear), "DescribeLiveCallbackRules")
    result = template(double, "delete", "--id", number, "--yes")
    assert result.exit_code == 0, result.output


def test_push_domains_are_read_to_the_last_page(double: Double) -> None:
    """Those with delayed play too, and an error that means none."""
    double.world.domains = [f"push-{number:03}.example.com" for number in range(250)]
    double.world.delayed_domains = ["slow.example.com"]
    assert client(double).push_domains() == [*double.world.domains, "slow.example.com"]
    double.lie(lies.refuse("ResourceNotFound.EmptyData"), "DescribeLiveDomains")
    assert client(double).push_domains() == ["slow.example.com"]


@pytest.mark.parametrize(
    "lie",
    [
        lies.short("DomainList"),
        lies.repeated(),
        lies.shifted("DomainList"),
        lies.fields(DomainList=[]),
        lies.fields(DomainList=None),
        lies.fields(AllCount=None),
        lies.fields(AllCount=7),
        lies.fields(AllCount=10**9),
    ],
)
@pytest.mark.parametrize("page", [1, 2, 3])
def test_a_list_is_whole_or_none(double: Double, lie: lies.Lie, page: int) -> None:
    """A page that is short, comes twice or is shifted makes the list partial."""
    double.world.domains = [f"push-{number:03}.example.com" for number in range(250)]
    for _ in range(page - 1):
        double.lie(lies.Lie())
    double.lie(lie)
    with suppress(ApiError):
        assert client(double).push_domains() == double.world.domains


def test_check_goes_on_without_the_list_of_domains(double: Double) -> None:
    """Where the policy does not allow it, domains with rules are looked at."""
    double.world.rule(double.world.template(TemplateName="css"))
    double.lie(lies.refuse("UnauthorizedOperation"), "DescribeLiveDomains")
    result = template(double, "check")
    assert "Only push domains with a rule are looked at" in result.stderr
    assert "push.example.com" in result.stdout


def test_no_thread_waits_for_ever(double: Double) -> None:
    """What hangs is left behind, and ends with its connection."""
    before = set(threading.enumerate())
    double.lie(lies.travelling(hang_seconds=30))
    code_of(client(double, ONCE).templates)
    assert client(double, ONCE).templates() == []
    double.__exit__()
    until(lambda: not set(threading.enumerate()) - before, "the threads end", 29)


def test_the_callback_key_is_in_no_error(double: Double) -> None:
    """Not even if the API repeats it."""
    double.lie(lies.refuse("InvalidParameterValue", "CallbackKey hush is \x1b[31m bad"), CREATE)
    with pytest.raises(ApiError) as raised:
        client(double).create(FIELDS)
    assert "hush" not in str(raised.value)
    assert "\x1b" not in str(raised.value)
    assert "request id 00000000-double" in str(raised.value)
