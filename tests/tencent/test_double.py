"""The double is what the official package takes for the API, models and all."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from support.tencent import lies
from support.tencent.server import Double
from support.tencent.world import Sent, utc
from tencentcloud.common.credential import Credential
from tencentcloud.common.exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.live.v20180801 import models
from tencentcloud.live.v20180801.live_client import LiveClient


def package(double: Double, **secret: str) -> LiveClient:
    """Return the package's own client of the double."""
    given = double.secret._replace(**secret)
    http = HttpProfile(protocol="http", endpoint=double.endpoint.removeprefix("http://"))
    profile = ClientProfile(httpProfile=http, language="en-US")
    return LiveClient(Credential(given.secret_id, given.secret_key, given.token), "", profile)


def ask(client: LiveClient, action: str, **fields: Any) -> Any:
    """Call one of the package's methods with its own models."""
    request = getattr(models, f"{action}Request")()
    for name, value in fields.items():
        assert hasattr(request, name)
        setattr(request, name, value)
    return getattr(client, action)(request)


def code_of(client: LiveClient, action: str = "DescribeLiveCallbackRules", **fields: Any) -> str:
    """Return the error code of a call that must fail."""
    with pytest.raises(TencentCloudSDKException) as raised:
        ask(client, action, **fields)
    return str(raised.value.code)


def test_only_the_right_key_may_ask_and_only_now(double: Double) -> None:
    """Secret id, secret key, token and clock."""
    assert ask(package(double), "DescribeLiveCallbackRules").Rules == []
    assert code_of(package(double, secret_id="AKIDother")) == "AuthFailure.SecretIdNotFound"
    assert code_of(package(double, secret_key="other")) == "AuthFailure.SignatureFailure"
    assert code_of(package(double, token="other")) == "AuthFailure.TokenFailure"
    for skew_seconds, code in ((200, ""), (400, "AuthFailure.SignatureExpire")):
        double.skew_seconds = skew_seconds
        if code:
            assert code_of(package(double)) == code
        else:
            ask(package(double), "DescribeLiveCallbackRules")


def test_a_body_that_was_altered_on_its_way_is_refused(double: Double) -> None:
    """The signature covers the bytes of the body."""
    client = package(double)
    send = client.request.send_request

    def altered(request: Any) -> Any:
        request.data = request.data.replace("1", "2")
        return send(request)

    client.request.send_request = altered
    action = "DescribeLiveCallbackTemplate"
    assert code_of(client, action, TemplateId=1) == "AuthFailure.SignatureFailure"


def test_other_versions_and_actions_are_unknown(double: Double) -> None:
    """So are fields that the action does not have."""
    client = package(double)
    assert code_of(client, "DescribeLiveCerts") == "InvalidAction"
    client._apiVersion = "2017-01-01"
    assert code_of(client) == "NoSuchVersion"
    with pytest.raises(TencentCloudSDKException) as raised:
        package(double).call_json("DescribeLiveCallbackRules", {"Nonsense": 1})
    assert raised.value.code == "UnknownParameter"


def test_streams_come_and_go(double: Double) -> None:
    """The online list, the state and the event list are of the same world."""
    world, client = double.world, package(double)
    first, second = world.begin("camera-1"), world.begin("camera-1")
    world.begin("camera-2", app_name="show")
    names = {"DomainName": "push.example.com", "AppName": "live", "StreamName": "camera-1"}
    (online,) = ask(client, "DescribeLiveStreamOnlineList").OnlineInfo
    assert (online.StreamName, len(online.PublishTimeList)) == ("camera-1", 2)
    assert ask(client, "DescribeLiveStreamState", **names).StreamState == "active"
    for push in (first, second):
        world.end(push)
    assert ask(client, "DescribeLiveStreamOnlineList").TotalNum == 0
    assert ask(client, "DescribeLiveStreamState", **names).StreamState == "inactive"
    world.banned.add(first.stream)
    assert ask(client, "DescribeLiveStreamState", **names).StreamState == "forbid"
    now = time.time()
    times = {"StartTime": utc(now - 60), "EndTime": utc(now)}
    events = ask(client, "DescribeLiveStreamEventList", **times).EventList
    assert [event.StopReason for event in events] == ["stop(3)", "stop(3)"]


def test_the_event_list_has_its_limits(double: Double) -> None:
    """Span, age and page size."""
    client, now = package(double), time.time()
    action = "DescribeLiveStreamEventList"
    for start, end, size in ((0, 31, 10), (61, 60, 10), (-1, -2, 10), (1, 0, 101)):
        times = {"StartTime": utc(now - end * 86400), "EndTime": utc(now - start * 86400)}
        assert code_of(client, action, **times, PageSize=size) == "InvalidParameterValue"


def test_callback_records_are_those_of_a_stream(double: Double) -> None:
    """They exist on the mainland site only, and speak the time of the question."""
    now = time.time()
    double.world.sent += [
        Sent("camera-1", 0, now - 60, "{}", result_code=503),
        Sent("camera-1", 1, now - 90, "{}"),
        Sent("camera-2", 1, now - 90, "{}"),
    ]
    beijing = datetime.fromtimestamp(now - 3600 + 8 * 3600, UTC).strftime("%Y-%m-%d %H:%M:%S")
    asked = {"StreamName": "camera-1", "PageNum": 1, "PageSize": 10, "EndTime": utc(now)}
    action = "DescribeCallbackRecordsList"
    both = ask(package(double), action, StartTime=utc(now - 3600), **asked).DataInfoList
    assert [one.ResultCode for one in both] == [503, 0]
    assert both[0].EventTime == utc(now - 60)
    failed = ask(package(double), action, StartTime=beijing, ResultCode=1, **asked).DataInfoList
    assert [one.EventTime[-1] == "Z" for one in failed] == [False]
    double.world.site = "international"
    assert code_of(package(double), action, StartTime=beijing, **asked) == "InvalidAction"


def test_pages_can_be_short_repeated_and_shifted(double: Double) -> None:
    """Each lie is for one answer."""
    for number in range(25):
        double.world.begin(f"camera-{number:02}")
    action = "DescribeLiveStreamOnlineList"

    def page() -> list[str]:
        answer = ask(package(double), action, PageNum=2)
        assert (answer.TotalNum, answer.TotalPage) == (25, 3)
        return [stream.StreamName for stream in answer.OnlineInfo]

    honest = [f"camera-{number:02}" for number in range(10, 20)]
    assert page() == honest
    double.lie(lies.short("OnlineInfo", by=3), action)
    assert page() == honest[:7]
    double.lie(lies.repeated(), action)
    assert page() == [f"camera-{number:02}" for number in range(10)]
    double.lie(lies.shifted("OnlineInfo"), action)
    assert page() == ["camera-09", *honest[:9]]
    assert page() == honest


def test_the_package_takes_some_lies_for_the_truth(double: Double) -> None:
    """Why its models are not used: an error with a charset becomes a success full of None."""
    double.lie(lies.error_with_charset("InternalError"))
    assert ask(package(double), "DescribeLiveCallbackTemplates").Templates is None
    double.lie(lies.fields(Templates=None))
    assert ask(package(double), "DescribeLiveCallbackTemplates").Templates is None
