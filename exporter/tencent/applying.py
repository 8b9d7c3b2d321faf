"""What a callback template should be, how one differs from it, and what to send.

Pure.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from exporter.tencent.templates import FIELDS, UNREADABLE, Site, Template, settable
from exporter.tencent.words import joined, plain, shown_url

LEVELS: Final = frozenset({"error", "warning"})
"""The levels of recording exceptions to be called back, in the words of requests.

Answers are documented to have ``error`` and ``alarm``: a requested ``info`` would never come
back.
"""

MOST_TEMPLATES: Final = 50
LONGEST_KEY: Final = 32
LONGEST_TEMPLATE_NAME: Final = 255
LONGEST_DESCRIPTION: Final = 1024
"""Bytes of UTF-8, by the API's documents; the key's length is the console's limit."""

_WORD: Final = {"mainland": r"[A-Za-z0-9_\-\u3400-\u9fff]*", "international": r"[A-Za-z0-9_-]*"}


@dataclass(frozen=True, slots=True)
class Order:
    """What a template should be.

    ``description`` None leaves it as it is.  ``keys`` are the exporter's, the one to sign with
    first; none at all is a template without a key.
    """

    name: str
    urls: Mapping[str, str]
    description: str | None = None
    keys: tuple[str, ...] = field(default=(), repr=False)

    @property
    def key(self) -> str:
        """Return the key to sign with, "" for none."""
        return self.keys[0] if self.keys else ""

    def problems(self, site: Site) -> list[str]:
        """Return what the API would not take, a sentence each."""
        return [
            *_word_problems("name", self.name, LONGEST_TEMPLATE_NAME, site),
            *_word_problems("description", self.description or "", LONGEST_DESCRIPTION, site),
            *([] if self.name else ["the name is empty"]),
            *_key_problems(self.key),
            *_url_problems(next(iter(self.urls.values()), "")),
            *_event_problems(tuple(self.urls), site),
        ]


def urls_below(url: str, events: Sequence[str]) -> dict[str, str]:
    """Return a URL of its own for each event: the name of the event is added to the path."""
    before, question, query = url.partition("?")
    return {name: f"{before.rstrip('/')}/{name}{question}{query}" for name in events}


def _word_problems(what: str, text: str, longest: int, site: Site) -> list[str]:
    problems = []
    if len(text.encode()) > longest:
        problems.append(f"the {what} is longer than {longest} bytes")
    if not re.fullmatch(_WORD[site], text):
        also = " and Chinese characters" if site == "mainland" else ""
        problems.append(f"the {what} may have letters, digits, _ and -{also}, nothing else")
    return problems


def _key_problems(key: str) -> list[str]:
    problems = []
    if len(key) > LONGEST_KEY:
        problems.append(f"the callback key is longer than {LONGEST_KEY} characters")
    if not re.fullmatch(r"[A-Za-z0-9_-]*", key):
        problems.append("the callback key may have letters, digits, _ and -, nothing else")
    return problems


def _url_problems(url: str) -> list[str]:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not url.isascii() or not url.isprintable() or " " in url or "#" in url:
        return ["the URL must be like https://css.example.com/callback"] if url else []
    return []


def _event_problems(events: tuple[str, ...], site: Site) -> list[str]:
    if not events:
        return ["a template needs a URL for at least one event"]
    problems = []
    unknown = [name for name in events if name not in FIELDS]
    if unknown:
        problems.append(
            f"a template has no URL for {joined(unknown)}; there are {joined(settable(site))}"
        )
    abroad = [name for name in events if name in FIELDS and name not in settable(site)]
    if abroad:
        problems.append(
            f"the international site's API takes no URL for {joined(abroad)}:"
            " leave it out, and enter it in the console"
        )
    return problems


@dataclass(frozen=True, slots=True)
class Change:
    """A field that differs; both values are fit to be shown, keys in words."""

    field: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.field}: {self.before or 'none'} -> {self.after or 'none'}"


def key_in_words(key: str, ours: Sequence[str]) -> str:
    """Return whose a template's key is, in words, never the key."""
    if not key:
        return ""
    if key not in ours:
        return "another key"
    return "the exporter's key" if key == ours[0] else "another of the exporter's keys"


def differences(order: Order, template: Template | None) -> list[Change]:
    """Return how a template differs from what it should be, field by field.

    The URL that cannot be read back differs if there is no template, or another was read.
    """
    has = template or Template(0, "", "", "")
    changes = []
    if template is None or has.name != order.name:
        changes.append(Change("name", plain(has.name), order.name))
    if order.description is not None and has.description != order.description:
        changes.append(Change("description", plain(has.description), order.description))
    if has.key != order.key:
        before, after = key_in_words(has.key, order.keys), key_in_words(order.key, order.keys)
        changes.append(Change("key", before, after))
    for name, url in order.urls.items():
        was = has.urls.get(name, "")
        if was != url and (template is None or was or name != UNREADABLE):
            changes.append(_of_urls(name, was, url))
    if "recording_exception" in order.urls and has.levels != LEVELS:
        before, after = joined(sorted(has.levels)), joined(sorted(LEVELS))
        changes.append(Change("recording_exception levels", plain(before), after))
    return changes


def _of_urls(name: str, before: str, after: str) -> Change:
    shown = shown_url(before)
    hidden = " (another user or query)" if shown == shown_url(after) else ""
    return Change(name, f"{shown}{hidden}", shown_url(after))


def kept(order: Order, template: Template) -> dict[str, str]:
    """Return the URLs of a template that an order does not name; they stay as they are."""
    return {name: url for name, url in template.urls.items() if name not in order.urls}


def request_of(order: Order, template: Template | None, site: Site) -> dict[str, Any]:
    """Return the fields to send: all that are wanted, and all that must stay.

    Whether a field that is left out stays or is cleared is not documented.
    """
    urls = {**(kept(order, template) if template else {}), **order.urls}
    fields: dict[str, Any] = {
        "TemplateName": order.name,
        **{FIELDS[name]: url for name, url in urls.items() if name in settable(site)},
    }
    if order.key or (template and template.key):
        fields["CallbackKey"] = order.key
    if template:
        fields["TemplateId"] = template.template_id
    description = order.description
    if description is None and template:
        # One that was made elsewhere may have what the API would not take from us.
        broken = _word_problems("description", template.description, LONGEST_DESCRIPTION, site)
        description = None if broken else template.description
    if description is not None:
        fields["Description"] = description
    if "recording_exception" in order.urls:
        fields["RecordExceptionLevels"] = sorted(LEVELS)
    elif FIELDS["recording_exception"] in fields and template:
        fields["RecordExceptionLevels"] = sorted(template.levels)
    return fields
