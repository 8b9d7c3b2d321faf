"""The smallest CAM policy of each command, as docs/tencent-cloud.md has it."""

import re

import pytest
from support.packets import KEY
from support.repository import ROOT
from support.tencent.desk import URL, rounds, template
from support.tencent.ledger import ReadLedger
from support.tencent.server import Double

COMMANDS = {
    "list": ("list",),
    "show": ("show", "--name", "css"),
    "check": ("check",),
    "check --domain": ("check", "--domain", "push.example.com"),
    "apply, a new template": ("apply", "--name", "new", "--url", URL, "--yes"),
    "apply, a present one": ("apply", "--name", "css", "--url", URL, "--yes"),
    "bind": ("bind", "--name", "css", "--domain", "push.example.com", "--app-name", "x", "--yes"),
    "unbind": ("unbind", "--domain", "push.example.com", "--yes"),
    "delete": ("delete", "--name", "free", "--yes"),
}


def documented() -> dict[str, set[str]]:
    """Return the actions of each row of the document's table."""
    page = (ROOT / "docs" / "tencent-cloud.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `template ([^`]*)`([^|]*)\| (.*) \|$", page, re.MULTILINE)
    return {
        f"{command}{more.rstrip()}": set(re.findall(r"`(\w+)`", actions))
        for command, more, actions in rows
    }


def test_serve_has_its_policy(double: Double) -> None:
    """It may ask, and can be limited to that."""
    page = (ROOT / "docs" / "tencent-cloud.md").read_text(encoding="utf-8")
    (actions,) = re.findall(
        r"^\| `serve` with `reconcile_seconds` \| (.*) \|$", page, re.MULTILINE
    )
    double.allowed = set(re.findall(r"`(\w+)`", actions))
    ledger = ReadLedger()
    push = double.world.begin()
    ledger.take(push)
    double.world.end(push)
    one = rounds(double, ledger)
    one.make()
    one.make()
    assert not ledger.active
    assert set(double.actions()) == double.allowed


def test_every_command_has_its_policy() -> None:
    """The document forgets none."""
    assert documented().keys() == COMMANDS.keys()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_policy_has_what_is_needed_and_no_more(double: Double, command: str) -> None:
    """With it the command works, and every action of it is called."""
    number = double.world.template(TemplateName="css", CallbackKey=KEY)
    double.world.rule(number)
    double.world.template(TemplateName="free")
    double.allowed = documented()[command]
    result = template(double, *COMMANDS[command])
    assert "Allow live:" not in result.stderr
    assert set(double.actions()) == double.allowed
