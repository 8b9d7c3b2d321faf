"""Callback templates and rules, as the API describes them.

Pure.  A template has one key and one URL for each event; a rule binds it to a push domain and
an app name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Self

from exporter.tencent.times import seconds_of
from exporter.tencent.words import plain

Site = Literal["mainland", "international"]

FIELDS: Final = {
    "push": "StreamBeginNotifyUrl",
    "interruption": "StreamEndNotifyUrl",
    "recording": "RecordNotifyUrl",
    "screencapture": "SnapshotNotifyUrl",
    "porn_detection": "PornCensorshipNotifyUrl",
    "push_error": "PushExceptionNotifyUrl",
    "audio_moderation": "AudioAuditNotifyUrl",
    "recording_status": "RecordStatusNotifyUrl",
    "recording_exception": "RecordExceptionNotifyUrl",
}
"""The events that a template can call back, and the field of each."""

MAINLAND_ONLY: Final = ("audio_moderation", "recording_status", "recording_exception")
"""Events whose URL the international site's API does not take."""

UNREADABLE: Final = "recording_status"
"""The event whose URL the API does not document to give back."""


def settable(site: Site) -> tuple[str, ...]:
    """Return the events whose URL a site's API takes."""
    return tuple(name for name in FIELDS if site == "mainland" or name not in MAINLAND_ONLY)


@dataclass(frozen=True, slots=True)
class Template:
    """A callback template as the API describes it; ``urls`` by event, only those that are set."""

    template_id: int
    name: str
    description: str
    key: str = field(repr=False)
    urls: Mapping[str, str] = field(default_factory=dict)
    levels: frozenset[str] = frozenset()

    @classmethod
    def of(cls, answer: Any) -> Self:
        """Read one of the API's answers.  Raises ``ValueError`` if it is none of a template."""
        if not isinstance(answer, dict) or not isinstance(answer.get("TemplateId"), int):
            raise ValueError("a template without TemplateId")  # noqa: TRY004 - one error for all
        texts = {name: _text(answer, name) for name in ("TemplateName", "Description")}
        levels = answer.get("RecordExceptionLevels") or []
        if not isinstance(levels, list) or not all(isinstance(level, str) for level in levels):
            raise ValueError("RecordExceptionLevels is no list of texts")
        urls = {name: _text(answer, wire) for name, wire in FIELDS.items()}
        return cls(
            template_id=answer["TemplateId"],
            name=texts["TemplateName"],
            description=texts["Description"],
            key=_text(answer, "CallbackKey"),
            urls={name: url for name, url in urls.items() if url},
            levels=frozenset("warning" if level == "alarm" else level for level in levels),
        )

    @property
    def title(self) -> str:
        """Return what to call it."""
        return f"{self.template_id} ({plain(self.name)})"


@dataclass(frozen=True, slots=True)
class Rule:
    """A template bound to a push domain and an app name, as the API describes it.

    ``made_at`` is when it was made or last changed, in Unix seconds, if that is known.
    """

    push_domain: str
    app_name: str
    template_id: int
    made_at: float | None = None

    @classmethod
    def of(cls, answer: Any) -> Self:
        """Read one of the API's answers.  Raises ``ValueError`` if it is none of a rule."""
        if not isinstance(answer, dict) or not isinstance(answer.get("TemplateId"), int):
            raise ValueError("a rule without TemplateId")  # noqa: TRY004 - one error for all
        names = ("DomainName", "AppName", "CreateTime", "UpdateTime")
        domain, app_name, created_at, updated_at = (_text(answer, name) for name in names)
        if not domain:
            raise ValueError("a rule without DomainName")
        made_at = seconds_of(updated_at or created_at)
        return cls(domain, app_name, answer["TemplateId"], made_at)

    @property
    def title(self) -> str:
        """Return what to call it."""
        return f"{plain(self.push_domain)}/{plain(self.app_name)}"


def _text(answer: Mapping[str, Any], name: str) -> str:
    value = answer.get(name)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{name} is no text")
    return value or ""
