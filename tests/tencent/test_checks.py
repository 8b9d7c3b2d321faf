"""What ``check`` says of a push domain, in words."""

from pathlib import Path

import pytest
from support.packets import KEY
from support.tencent.desk import URL, document, template
from support.tencent.server import Double

DOMAIN = "push.example.com"
ONLY_PUSH = ("check", "--domain", DOMAIN, "--events", "push", "--url", URL)
GOOD = {"CallbackKey": KEY, "StreamBeginNotifyUrl": f"{URL}/push"}


def bound(double: Double, app_name: str = "live", **fields: object) -> None:
    """Bind a template that is good but for some fields, an hour ago."""
    number = double.world.template(TemplateName="css", **GOOD | fields)
    double.world.rule(number, DOMAIN, app_name)
    double.world.rules[-1] |= {"CreateTime": "2020-01-01 00:00:00", "UpdateTime": ""}


def findings(double: Double, *arguments: str, **settings: str) -> list[tuple[bool, str]]:
    """Return what is found of the domain, and whether each is wrong."""
    (domain,) = document(double, *(arguments or ONLY_PUSH), **settings)["domains"]
    return [(one["is_wrong"], one["sentence"]) for one in domain["findings"]]


def only(double: Double, *arguments: str, **settings: str) -> tuple[bool, str]:
    """Return the one finding."""
    (finding,) = findings(double, *arguments, **settings)
    return finding


def test_nothing_is_wrong(double: Double) -> None:
    """Status 0, and a word that it was looked at."""
    bound(double)
    result = template(double, *ONLY_PUSH)
    assert (result.exit_code, result.stdout) == (0, f"{DOMAIN}\n    all is well\n")


def test_no_rule(double: Double) -> None:
    """The commonest fault, with the command that mends it."""
    result = template(double, *ONLY_PUSH)
    assert result.exit_code == 1
    assert "WRONG No rule: nothing of this domain is called back." in result.stdout
    assert f"template bind --domain {DOMAIN}" in result.stdout


def test_a_template_that_does_not_exist(double: Double) -> None:
    """A rule can outlive its template."""
    double.world.rule(7)
    assert only(double)[1].startswith("There is no such template")


@pytest.mark.parametrize(
    "url",
    [
        "https://other.example.com/callback/push",
        "https://css.example.com/callbacks",
        "https://css.example.com/",
        "http://css.example.com/callback/push",
        "https://css.example.com:8443/callback/push",
        "https://css.example.com/callback/push?x=1",
    ],
)
def test_another_url(double: Double, url: str) -> None:
    """The domain calls somebody else: how to have both is named, and nothing else of theirs."""
    bound(double, StreamBeginNotifyUrl=url, CallbackKey="theirs")
    is_wrong, sentence = only(double)
    assert is_wrong
    assert sentence.startswith("This domain calls somebody else for push: ")
    assert "docs/coexistence.md" in sentence


@pytest.mark.parametrize(
    "url", [URL, f"{URL}/", f"{URL}/push", "https://CSS.example.com/callback"]
)
def test_urls_that_reach_the_exporter(double: Double, url: str) -> None:
    """The callback URL itself, and whatever is below it."""
    bound(double, StreamBeginNotifyUrl=url)
    assert findings(double) == []


def test_without_a_url_only_paths_are_compared(double: Double) -> None:
    """The exporter does not know its public name, and says what it saw."""
    bound(double)
    arguments = ONLY_PUSH[:-2]
    is_wrong, sentence = only(double, *arguments)
    assert (is_wrong, "It calls css.example.com" in sentence) == (False, True)
    assert findings(double, *arguments, callback_path="/x")[0][0]


def test_another_key(double: Double) -> None:
    """Its callbacks are refused; the key is not printed."""
    bound(double, CallbackKey="their-secret")
    is_wrong, sentence = only(double)
    assert (is_wrong, "key differs" in sentence, "their-secret" in sentence) == (True, True, False)


def test_a_second_key_is_as_good(double: Double) -> None:
    """Rotation: any of the keys may sign."""
    bound(double, CallbackKey="older")
    assert findings(double, callback_keys=f"{KEY},older") == []


def test_no_key(double: Double) -> None:
    """Unsigned callbacks are refused, unless they are taken unsigned."""
    bound(double, CallbackKey="")
    assert "has no key" in only(double)[1]
    assert findings(double, accept_unsigned="push") == []
    assert findings(double, accept_unsigned="all", callback_keys="") == []


def test_a_key_that_cannot_be_compared(double: Double, tmp_path: Path) -> None:
    """Where check runs without the exporter's settings."""
    bound(double)
    is_wrong, sentence = only(double, callback_keys="", data_dir=str(tmp_path))
    assert (is_wrong, "cannot be compared" in sentence) == (False, True)


def test_missing_events(double: Double) -> None:
    """All events are wanted unless --events says which; one cannot be seen."""
    bound(double)
    wrong: list[str] = []
    notes: list[str] = []
    for is_wrong, sentence in findings(double, "check", "--domain", DOMAIN, "--url", URL):
        (wrong if is_wrong else notes).append(sentence)
    assert len(wrong) == 1
    assert wrong[0].startswith("Not subscribed: interruption, recording, screencapture")
    assert "recording_status" not in wrong[0]
    assert [note.split(":")[0] for note in notes] == ["recording_status cannot be verified"]


def test_a_fresh_rule(double: Double) -> None:
    """Within the first minutes nothing may come yet; a note, no fault."""
    double.world.rule(double.world.template(TemplateName="css", **GOOD), DOMAIN)
    is_wrong, sentence = only(double)
    assert (is_wrong, "5 to 10 minutes" in sentence) == (False, True)


def test_plain_http(double: Double) -> None:
    """Callbacks that anybody can read."""
    url = URL.replace("https", "http")
    bound(double, StreamBeginNotifyUrl=url)
    assert "without TLS" in only(double, *ONLY_PUSH[:-1], url)[1]


def test_each_rule_of_a_domain(double: Double) -> None:
    """Rules of several app names are looked at each by itself."""
    bound(double)
    bound(double, app_name="show", CallbackKey="theirs")
    (domain,) = document(double, *ONLY_PUSH)["domains"]
    assert [one["where"] for one in domain["findings"]] == [
        f"{DOMAIN}/show -> template 1002 (css)"
    ]


def test_all_domains(double: Double) -> None:
    """Those with a rule and those of the account, whatever their case."""
    double.world.domains = ["Push.Example.com", "bare.example.com"]
    bound(double)
    listed = document(double, "check")["domains"]
    assert [one["push_domain"] for one in listed] == ["bare.example.com", DOMAIN]
