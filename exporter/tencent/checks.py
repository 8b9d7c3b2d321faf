"""What is wrong with a push domain: its rules and templates beside what the exporter takes.

Pure: time is an argument.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import urlsplit

from exporter.protocol.signature import Keyring
from exporter.tencent.templates import (
    MAINLAND_ONLY,
    UNREADABLE,
    Rule,
    Site,
    Template,
)
from exporter.tencent.words import joined, plain, shown_url

EFFECT_SECONDS: Final = 600
"""How long a new rule may take to have an effect."""

EFFECT_WORDS: Final = "That takes effect after 5 to 10 minutes."


@dataclass(frozen=True, slots=True)
class Remark:
    """A sentence on a domain, or on one of its rules, and whether it says what is wrong."""

    sentence: str
    is_wrong: bool = True
    where: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a template should say to reach this exporter.

    ``url`` is the callback URL if it is known; without it only ``path``, the path at which
    callbacks are taken, can be compared.  ``accept_unsigned`` as in the settings.
    """

    events: Sequence[str]
    site: Site
    path: str
    url: str | None = None
    keyring: Keyring = field(default_factory=Keyring, repr=False)
    accept_unsigned: Sequence[str] = ()

    def is_ours(self, url: str) -> bool:
        """Return whether a URL is the exporter's, or below it."""
        path = urlsplit(url).path
        if self.url is None:
            return _is_below(path, self.path)
        ours, theirs = urlsplit(self.url), urlsplit(url)
        same_server = (ours.scheme, ours.netloc.lower(), ours.query) == (
            *(theirs.scheme, theirs.netloc.lower(), theirs.query),
        )
        return same_server and _is_below(path, ours.path.rstrip("/"))


def remarks_on(
    push_domain: str,
    rules: Sequence[Rule],
    templates: Mapping[int, Template],
    wanted: Wanted,
    now: float,
) -> list[Remark]:
    """Return what there is to say of a push domain; ``now`` is in Unix seconds."""
    own = [rule for rule in rules if rule.push_domain.lower() == push_domain.lower()]
    if not own:
        return [
            Remark(
                "No rule: nothing of this domain is called back. Bind a template:"
                f" css-exporter template bind --domain {plain(push_domain)} --name NAME"
            )
        ]
    findings: list[Remark] = []
    for rule in own:
        template = templates.get(rule.template_id)
        if template is None:
            found = [Remark("There is no such template: unbind it.")]
        else:
            found = [*_of_rule(rule, now), *_of_template(template, push_domain, wanted)]
        title = template.title if template else str(rule.template_id)
        where = f"{rule.title} -> template {title}"
        findings += [replace(one, where=where) for one in found]
    return findings


def _of_rule(rule: Rule, now: float) -> Iterator[Remark]:
    age = now - (rule.made_at or 0)
    if 0 <= age < EFFECT_SECONDS:
        yield Remark(f"The rule is fresh. {EFFECT_WORDS}", is_wrong=False)


def _of_template(template: Template, push_domain: str, wanted: Wanted) -> Iterator[Remark]:
    here = []
    elsewhere: dict[str, list[str]] = {}
    for name in wanted.events:
        url = template.urls.get(name)
        if url and wanted.is_ours(url):
            here.append(url)
        elif url:
            elsewhere.setdefault(_server_and_path(url, name), []).append(name)
    for url, names in elsewhere.items():
        yield Remark(
            f"This domain calls somebody else for {joined(names)}: {url}. A template has one URL"
            " for each event: put the exporter in front of that consumer (docs/coexistence.md),"
            " then apply the exporter's URL."
        )
    if elsewhere and not here:
        return  # what else it lacks is not ours to mend
    yield from _of_urls(here, wanted)
    yield from _of_missing(template, wanted)
    yield from _of_key(template, push_domain, wanted)


def _of_urls(here: Sequence[str], wanted: Wanted) -> Iterator[Remark]:
    if any(urlsplit(url).scheme == "http" for url in here):
        yield Remark(
            "It calls without TLS: whoever sees one callback can forge others for ten minutes."
            " Apply an https URL.",
            is_wrong=False,
        )
    if here and wanted.url is None:
        servers = sorted({plain(urlsplit(url).hostname) for url in here})
        yield Remark(
            f"It calls {joined(servers)}, at a path that is the exporter's. Give --url to have the"
            " whole URL compared.",
            is_wrong=False,
        )


def _server_and_path(url: str, name: str) -> str:
    """Return a URL as it is shown, without the event's own word at its end."""
    return shown_url(url).removesuffix(f"/{name}")


def _of_missing(template: Template, wanted: Wanted) -> Iterator[Remark]:
    missing = [name for name in wanted.events if name not in template.urls]
    if UNREADABLE in missing:
        missing.remove(UNREADABLE)
        yield Remark(
            f"{UNREADABLE} cannot be verified: the API does not say its URL. Look in the console.",
            is_wrong=False,
        )
    if wanted.site == "international":
        abroad = [name for name in missing if name in MAINLAND_ONLY]
        missing = [name for name in missing if name not in abroad]
        if abroad:
            yield Remark(
                f"Not subscribed: {joined(abroad)}. The international site's API cannot set"
                " these. Look in the console.",
                is_wrong=False,
            )
    if missing:
        yield Remark(
            f"Not subscribed: {joined(missing)}. Apply the template with these events, or check"
            " only those that you want, with --events."
        )


def _of_key(template: Template, push_domain: str, wanted: Wanted) -> Iterator[Remark]:
    candidates = [key.decode() for key in wanted.keyring.candidates(push_domain.lower())]
    if not template.key:
        unsigned_ok = push_domain.lower() not in wanted.keyring.by_domain and (
            "all" in wanted.accept_unsigned or set(template.urls) <= set(wanted.accept_unsigned)
        )
        if not unsigned_ok:
            yield Remark(
                "The template has no key: its callbacks are not signed and are refused. Apply it,"
                " which gives it the exporter's key."
            )
    elif not wanted.keyring and "all" not in wanted.accept_unsigned:
        yield Remark(
            "The key cannot be compared: no callback key is configured here. Check with the"
            " exporter's own settings and data_dir.",
            is_wrong=False,
        )
    elif wanted.keyring and template.key not in candidates:
        yield Remark(
            "The template's key differs from the exporter's: its callbacks are refused"
            " (bad_signature). Apply the template, or add its key to callback_keys."
        )


def _is_below(path: str, base: str) -> bool:
    return path.rstrip("/") == base or path.startswith(f"{base}/")
