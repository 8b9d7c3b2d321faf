"""What is true on Tencent Cloud's side: streams that come and go, templates, rules, domains."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


def utc(at: float) -> str:
    """Return a Unix time as the API's UTC text."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Push:
    """One push, from its begin to its end; Unix seconds."""

    push_domain: str
    app_name: str
    stream_id: str
    sequence: str
    began_at: float
    ended_at: float | None = None
    stop_reason: str = ""
    client_ip: str = "203.0.113.7"

    @property
    def stream(self) -> tuple[str, str, str]:
        return self.push_domain, self.app_name, self.stream_id


@dataclass
class Sent:
    """One callback that the platform sent or tried to send."""

    stream_id: str
    event_type: int
    at: float
    request: str
    result_code: int = 0
    response: str = '{"code":0}'


@dataclass
class World:
    """The account and its streams.

    What no document says of the real one is a switch: ``omitted_clears`` (a modify clears what it
    leaves out), ``empty_clears`` (and what is sent empty), ``rule_replaces`` (a second rule of a
    pair takes the first one's place), ``shows_recording_status`` (that URL is given back),
    ``event_delay_seconds`` (how late a push stands in the event list).
    """

    site: str = "mainland"
    clock: Callable[[], float] = time.time
    omitted_clears: bool = False
    empty_clears: bool = True
    rule_replaces: bool = False
    shows_recording_status: bool = False
    event_delay_seconds: float = 0
    domains: list[str] = field(default_factory=lambda: ["push.example.com"])
    delayed_domains: list[str] = field(default_factory=list)
    unsafe_hosts: tuple[str, ...] = ("nowhere.invalid",)
    templates: dict[int, dict[str, Any]] = field(default_factory=dict)
    rules: list[dict[str, Any]] = field(default_factory=list)
    pushes: list[Push] = field(default_factory=list)
    banned: set[tuple[str, str, str]] = field(default_factory=set)
    sent: list[Sent] = field(default_factory=list)

    def begin(
        self,
        stream_id: str = "camera-1",
        push_domain: str = "push.example.com",
        app_name: str = "live",
        at: float | None = None,
    ) -> Push:
        """Let a host begin to push."""
        began_at = self.clock() if at is None else at
        push = Push(push_domain, app_name, stream_id, str(1000 + len(self.pushes)), began_at)
        self.pushes.append(push)
        return push

    def end(self, push: Push, at: float | None = None, reason: str = "stop(3)") -> None:
        """End a push."""
        push.ended_at, push.stop_reason = self.clock() if at is None else at, reason

    def online(self) -> Iterator[Push]:
        """Yield the pushes that go on."""
        return (push for push in self.pushes if push.ended_at is None)

    def template(self, **fields: Any) -> int:
        """Put a template into the account, however odd; return its id."""
        number = max(self.templates, default=1000) + 1
        self.templates[number] = {"TemplateId": number, "TemplateName": "", **fields}
        return number

    def rule(
        self, template_id: int, push_domain: str = "push.example.com", app_name: str = "live"
    ) -> None:
        """Put a rule into the account."""
        at = datetime.fromtimestamp(self.clock() + 8 * 3600, UTC).strftime("%Y-%m-%d %H:%M:%S")
        self.rules.append(
            {
                "CreateTime": at,
                "UpdateTime": at,
                "TemplateId": template_id,
                "DomainName": push_domain,
                "AppName": app_name,
            }
        )
