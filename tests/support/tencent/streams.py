"""What the API says of streams: who is online, in what state, what happened, what was sent."""

from datetime import datetime, timedelta, timezone
from typing import Any

from support.tencent.paging import needed, paged
from support.tencent.signing import ApiFault
from support.tencent.world import Push, World, utc

Fields = dict[str, Any]

DAY = 86400
MOST_EVENTS = 10_000
BEIJING = timezone(timedelta(hours=8))


def online_list(world: World, fields: Fields) -> Fields:
    """Without an app name only ``live`` is looked at, as the documents put it."""
    app_name = fields.get("AppName", "live")
    streams: dict[tuple[str, str, str], list[Push]] = {}
    for push in world.online():
        asked = (
            fields.get("DomainName", push.push_domain),
            app_name,
            fields.get("StreamName", push.stream_id),
        )
        if push.stream == asked:
            streams.setdefault(push.stream, []).append(push)
    shown = [
        {
            "StreamName": stream_id,
            "AppName": app,
            "DomainName": domain,
            "PublishTimeList": [{"PublishTime": utc(push.began_at)} for push in pushes],
            "PushToDelay": 0,
        }
        for (domain, app, stream_id), pushes in streams.items()
    ]
    most = 300_000 if world.site == "mainland" else 100
    page, words = paged(shown, fields, sizes=(10, most))
    return {"OnlineInfo": page, **words}


def state(world: World, fields: Fields) -> Fields:
    asked = tuple(needed(fields, "DomainName", "AppName", "StreamName"))
    if asked in world.banned:
        return {"StreamState": "forbid"}
    is_online = any(push.stream == asked for push in world.online())
    return {"StreamState": "active" if is_online else "inactive"}


def event_list(world: World, fields: Fields) -> Fields:
    """Only pushes that ended, found by their end; that is not documented."""
    start, end = map(moment, needed(fields, "StartTime", "EndTime"))
    now = world.clock()
    if end > now + 1 or start < now - 60 * DAY or not 0 <= end - start <= 30 * DAY:
        raise ApiFault("InvalidParameterValue", "StartTime, EndTime")
    listed = [
        push
        for push in world.pushes
        if push.ended_at is not None
        and start <= int(push.ended_at) <= min(end, now - world.event_delay_seconds)
        and push.push_domain == fields.get("DomainName", push.push_domain)
        and push.app_name == fields.get("AppName", "live")
        and _named(push.stream_id, fields)
    ]
    listed.sort(key=lambda push: push.ended_at or 0, reverse=not fields.get("IsAsc"))
    shown = [
        {
            "AppName": push.app_name,
            "DomainName": push.push_domain,
            "StreamName": push.stream_id,
            "StreamStartTime": utc(push.began_at),
            "StreamEndTime": utc(push.ended_at or 0),
            "StopReason": push.stop_reason,
            "Duration": int((push.ended_at or 0) - push.began_at),
            "ClientIp": push.client_ip,
            "Resolution": "1280x720",
        }
        for push in listed[:MOST_EVENTS]
    ]
    page, words = paged(shown, fields, sizes=(1, 100))
    return {"EventList": page, **words}


def _named(stream_id: str, fields: Fields) -> bool:
    asked = fields.get("StreamName", "")
    return stream_id == asked if asked and fields.get("IsStrict") else asked in stream_id


def callback_records(world: World, fields: Fields) -> Fields:
    names = ("StartTime", "EndTime", "StreamName", "PageNum", "PageSize")
    start_text, end_text, stream_id, _, _ = needed(fields, *names)
    start, end = moment(start_text), moment(end_text)
    if not 0 <= end - start <= DAY or start < world.clock() - 14 * DAY:
        raise ApiFault("InvalidParameterValue", "StartTime, EndTime")
    result = fields.get("ResultCode")
    listed = [
        sent
        for sent in world.sent
        if sent.stream_id == stream_id
        and start <= sent.at <= end
        and sent.event_type == fields.get("EventType", sent.event_type)
        and (result is None or (sent.result_code == 0) == (result == 0))
    ]
    written = utc if start_text.endswith("Z") else _beijing
    shown = [
        {
            "EventTime": written(sent.at),
            "EventType": sent.event_type,
            "Request": sent.request,
            "Response": sent.response,
            "ResponseTime": written(sent.at),
            "ResultCode": sent.result_code,
            "StreamId": sent.stream_id,
        }
        for sent in listed
    ]
    page, words = paged(shown, fields, sizes=(1, 1000))
    return {"DataInfoList": page, **words}


def moment(text: Any) -> float:
    """Return the Unix time of one of the API's two forms."""
    try:
        at = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise ApiFault("InvalidParameterValue", "a time") from None
    return at.replace(tzinfo=at.tzinfo or BEIJING).timestamp()


def _beijing(at: float) -> str:
    return datetime.fromtimestamp(at, BEIJING).strftime("%Y-%m-%d %H:%M:%S")
