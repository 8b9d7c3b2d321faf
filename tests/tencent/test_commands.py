"""The commands of ``css-exporter template``, on the official package and a real server."""

from pathlib import Path

import pytest
from support.packets import KEY
from support.tencent.desk import URL, document, template
from support.tencent.server import Double

APPLY = ("apply", "--name", "css", "--url", URL)
BIND = ("bind", "--domain", "push.example.com", "--name", "css", "--yes")


def test_a_template_is_made_bound_checked_unbound_and_deleted(double: Double) -> None:
    """The whole life of a template, each step read back."""
    assert template(double, *APPLY, "--yes").exit_code == 0
    assert template(double, *BIND).exit_code == 0
    checked = template(double, "check", "--url", URL)
    assert checked.exit_code == 0, checked.output
    assert template(double, "unbind", "--domain", "push.example.com", "--yes").exit_code == 0
    assert template(double, "delete", "--name", "css", "--yes").exit_code == 0
    assert double.world.templates == {}
    assert double.world.rules == []


def test_each_event_has_its_own_path_and_the_exporters_key(double: Double) -> None:
    """What is created says so, in the API's fields."""
    template(double, *APPLY, "--events", "push,recording_exception", "--yes")
    (made,) = double.world.templates.values()
    del made["TemplateId"]
    assert made == {
        "TemplateName": "css",
        "CallbackKey": KEY,
        "StreamBeginNotifyUrl": f"{URL}/push",
        "RecordExceptionNotifyUrl": f"{URL}/recording_exception",
        "RecordExceptionLevels": ["error", "warning"],
    }


def test_apply_twice_changes_once(double: Double) -> None:
    """The second time there is nothing to do, and nothing is written."""
    assert document(double, *APPLY, "--yes")["action"] == "create"
    double.calls.clear()
    second = document(double, *APPLY, "--yes")
    assert (second["action"], second["changes"], second["applied"]) == ("nothing", [], False)
    assert all(action.startswith("Describe") for action in double.actions())


def test_a_change_is_shown_field_by_field_and_asked_for(double: Double) -> None:
    """The plan comes first; a no leaves everything as it was."""
    number = double.world.template(
        TemplateName="css", CallbackKey="somebody", StreamBeginNotifyUrl="https://a.example/x"
    )
    double.world.rule(number)
    before = dict(double.world.templates[number])
    refused = template(double, *APPLY, "--events", "push,interruption", stdin="n\n")
    assert "  push: https://a.example/x -> https://css.example.com/callback/push" in refused.stdout
    assert "  interruption: none -> https://css.example.com/callback/interruption" in (
        refused.stdout
    )
    assert "  key: another key -> the exporter's key" in refused.stdout
    assert "bound to push.example.com/live" in refused.stdout
    assert double.world.templates[number] == before
    agreed = template(double, *APPLY, "--events", "push,interruption", stdin="y\n")
    assert agreed.exit_code == 0
    assert double.world.templates[number]["CallbackKey"] == KEY


def test_a_program_must_say_what_it_wants(double: Double) -> None:
    """JSON shows no plan to agree to."""
    result = template(double, *APPLY, "--json")
    assert (result.exit_code, "--yes or --dry-run" in result.stderr) == (2, True)
    assert document(double, *APPLY, "--dry-run")["applied"] is False
    assert double.world.templates == {}


def test_dry_run_writes_nothing(double: Double) -> None:
    """Every command that changes something can be tried."""
    number = double.world.template(TemplateName="old", StreamBeginNotifyUrl="https://a.example/x")
    double.world.rule(number)
    free = double.world.template(TemplateName="free", StreamBeginNotifyUrl="https://a.example/x")
    for arguments in (
        APPLY,
        ("bind", "--domain", "push.example.com", "--app-name", "show", "--id", free),
        ("unbind", "--domain", "push.example.com"),
        ("delete", "--id", free),
    ):
        result = template(double, *arguments, "--dry-run")
        assert (result.exit_code, "--dry-run" in result.stdout) == (0, True), arguments
    assert all(action.startswith("Describe") for action in double.actions())


def test_events_that_are_not_named_stay(double: Double) -> None:
    """Whether the API keeps or clears what a change leaves out, the result is the same."""
    for omitted_clears in (False, True):
        double.world.omitted_clears = omitted_clears
        number = double.world.template(
            TemplateName="css",
            Description="by hand",
            CallbackKey=KEY,
            SnapshotNotifyUrl="https://a.example/x",
        )
        result = template(double, *APPLY, "--id", number, "--events", "push", "--yes")
        assert result.exit_code == 0
        assert "screencapture: stays https://a.example/x" in result.stdout
        kept = double.world.templates[number]
        assert kept["SnapshotNotifyUrl"] == "https://a.example/x"
        assert kept["StreamBeginNotifyUrl"] == f"{URL}/push"


def test_what_the_api_would_not_take_is_said_before_the_call(double: Double) -> None:
    """Name, description, URL, events and key are checked, all at once."""
    result = template(
        double,
        *("apply", "--name", "a b", "--url", "css.example.com", "--description", "x y"),
        *("--events", "push,relay"),
        callback_keys="k" * 33,
    )
    assert result.exit_code == 1
    for word in ("the name may", "the description may", "URL must", "relay", "key is longer"):
        assert word in result.stderr
    assert double.calls == []


def test_events_that_the_international_site_cannot_set(double: Double) -> None:
    """They are left out by default, and refused with a sentence if named."""
    double.world.site = "international"
    abroad = {"tencent_site": "international"}
    named = template(double, *APPLY, "--events", "push,recording_status", **abroad)
    assert named.exit_code == 1
    assert "international site's API takes no URL for recording_status" in named.stderr
    assert template(double, *APPLY, "--yes", **abroad).exit_code == 0
    template(double, *BIND, **abroad)
    checked = template(double, "check", "--url", URL, **abroad)
    assert checked.exit_code == 0, checked.output
    assert "international site's API cannot set" in checked.stdout


def test_fifty_templates_are_the_most(double: Double) -> None:
    """The limit is looked at before anything is asked for."""
    for number in range(50):
        double.world.template(TemplateName=f"t{number}", StreamBeginNotifyUrl="https://a.example")
    result = template(double, *APPLY, "--yes")
    assert (result.exit_code, "50 are the most" in result.stderr) == (1, True)
    assert "CreateLiveCallbackTemplate" not in double.actions()


def test_a_name_that_two_templates_have_needs_an_id(double: Double) -> None:
    """Names are not promised to be unique."""
    ids = [double.world.template(TemplateName="css") for _ in range(2)]
    result = template(double, *APPLY, "--yes")
    assert (result.exit_code, f"--id {ids[0]} or {ids[1]}" in result.stderr) == (1, True)
    assert template(double, *APPLY, "--id", ids[1], "--yes").exit_code == 0
    assert "StreamBeginNotifyUrl" not in double.world.templates[ids[0]]


def test_what_was_sent_and_is_not_there_is_said(double: Double) -> None:
    """After a change the template is read back, and compared with what was wanted."""
    double.world.empty_clears = False
    number = double.world.template(
        TemplateName="css", CallbackKey="somebody", StreamBeginNotifyUrl=f"{URL}/push"
    )
    result = template(
        double,
        *(*APPLY, "--id", number, "--events", "push", "--yes"),
        callback_keys="",
        accept_unsigned="all",
    )
    assert result.exit_code == 1
    assert "differs from what was sent" in result.stdout
    assert "key: another key -> none" in result.stdout


def test_a_url_that_cannot_be_read_back(double: Double) -> None:
    """It is not compared, unless the API shows it after all; --again sends it once more."""
    template(double, *APPLY, "--events", "push", "--yes")
    plan = template(double, *APPLY, "--events", "push,recording_status", "--yes")
    assert "Nothing to change" in plan.stdout
    assert "cannot be read back" in plan.stdout
    template(double, *APPLY, "--events", "push,recording_status", "--again", "--yes")
    (made,) = double.world.templates.values()
    assert made["RecordStatusNotifyUrl"] == f"{URL}/recording_status"
    double.world.shows_recording_status = True
    changed = template(double, *APPLY, "--events", "recording_status", "--dry-run")
    assert "Nothing to change" in changed.stdout
    made["RecordStatusNotifyUrl"] = "https://a.example/x"
    changed = template(double, *APPLY, "--events", "recording_status", "--dry-run")
    assert "recording_status: https://a.example/x -> " in changed.stdout


def test_a_foreign_rule_stops_a_bind(double: Double) -> None:
    """Nobody's callbacks are taken away; the way to have both is named."""
    number = double.world.template(TemplateName="theirs")
    double.world.rule(number)
    template(double, *APPLY, "--yes")
    result = template(double, *BIND)
    assert result.exit_code == 1
    assert f"bound to template {number}" in result.stderr
    assert "docs/coexistence.md" in result.stderr
    assert "CreateLiveCallbackRule" not in double.actions()


def test_bind_and_unbind_twice(double: Double) -> None:
    """What is so already needs no call."""
    template(double, *APPLY, "--yes")
    assert document(double, *BIND)["applied"] is True
    assert document(double, *BIND) == {"action": "nothing", "applied": False}
    unbind = ("unbind", "--domain", "PUSH.example.com", "--yes")
    assert document(double, *unbind)["applied"] is True
    assert document(double, *unbind) == {"action": "nothing", "applied": False}


def test_unbind_names_the_rule_as_the_api_does(double: Double) -> None:
    """An empty app name, and letters of any case; several rules need a choice."""
    number = double.world.template(TemplateName="css")
    double.world.rule(number, "Push.Example.com", "")
    double.world.rule(number, "Push.Example.com", "Show")
    many = template(double, "unbind", "--domain", "push.example.com", "--yes")
    assert (many.exit_code, "'', 'Show'" in many.stderr) == (1, True)
    one = template(double, "unbind", "--domain", "push.example.com", "--app-name", "", "--yes")
    assert one.exit_code == 0
    assert [rule["AppName"] for rule in double.world.rules] == ["Show"]


def test_a_bound_template_is_not_deleted(double: Double) -> None:
    """The domains that use it are named."""
    double.world.rule(double.world.template(TemplateName="css"))
    result = template(double, "delete", "--name", "css", "--yes")
    assert (result.exit_code, "push.example.com/live" in result.stderr) == (1, True)


def test_list_and_show_say_whose_key_it_is(double: Double) -> None:
    """Ours, another's, none; never the key."""
    for name, key in (("ours", KEY), ("theirs", "their-secret"), ("none", "")):
        double.world.template(
            TemplateName=name, CallbackKey=key, StreamBeginNotifyUrl=f"{URL}/push"
        )
    listed = document(double, "list")["templates"]
    assert [one["key"] for one in listed] == ["the exporter's key", "another key", "none"]
    outputs = [template(double, "list").output]
    outputs += [template(double, "show", "--name", name).output for name in ("ours", "theirs")]
    assert not any(secret in text for text in outputs for secret in (KEY, "their-secret"))
    assert f"{'push':20} {URL}/push" in outputs[1]


def test_text_of_others_cannot_steer_a_terminal(double: Double) -> None:
    """Names, descriptions and URLs are printed without control characters or passwords."""
    double.world.template(
        TemplateName="\x1b[31mred\n",
        Description="\x07" * 3,
        StreamBeginNotifyUrl="https://user:pass@a.example/x?token=1",
    )
    shown = template(double, "show", "--id", 1001).stdout
    assert not any(part in shown for part in ("\x1b", "\x07", "pass", "token"))
    assert "https://…@a.example/x?…" in shown


def test_a_domain_has_a_key_of_its_own(double: Double, tmp_path: Path) -> None:
    """callback_keys_by_domain: apply asks for which, and check compares with that one."""
    config = tmp_path / "config.toml"
    config.write_text('[callback_keys_by_domain]\n"push.example.com" = ["own-key"]\n')
    settings = {"callback_keys": "", "config": str(config)}
    asked = template(double, *APPLY, "--yes", **settings)
    assert (asked.exit_code, "give --domain" in asked.stderr) == (1, True)
    assert (
        template(double, *APPLY, "--domain", "push.example.com", "--yes", **settings).exit_code
        == 0
    )
    assert double.world.templates[1001]["CallbackKey"] == "own-key"
    template(double, *BIND, **settings)
    assert template(double, "check", "--url", URL, **settings).exit_code == 0


def test_the_generated_key_is_used_and_none_is_made(double: Double, tmp_path: Path) -> None:
    """The key that serve made is the exporter's; without one nothing is invented."""
    settings = {"callback_keys": "", "data_dir": str(tmp_path)}
    none = template(double, *APPLY, "--yes", **settings)
    assert (none.exit_code, "no callback key" in none.stderr) == (1, True)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "callback-key").write_text("made-at-first-start\n")
    assert template(double, *APPLY, "--yes", **settings).exit_code == 0
    assert double.world.templates[1001]["CallbackKey"] == "made-at-first-start"


def test_a_wrong_setting_is_said_as_serve_does(double: Double) -> None:
    """The settings of serve are the settings of template."""
    result = template(double, "list", tencent_site="elsewhere")
    assert (result.exit_code, "tencent_site" in result.stderr) == (1, True)


@pytest.mark.parametrize("arguments", [("show",), ("show", "--name", "a", "--id", "1")])
def test_a_template_is_chosen_by_name_or_id(double: Double, arguments: tuple[str, ...]) -> None:
    """One of the two, not none and not both."""
    result = template(double, *arguments)
    assert (result.exit_code, "--name or --id" in result.stderr) == (2, True)
