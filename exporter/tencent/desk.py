"""What every command of ``template`` has at hand: the API, our settings, a way to answer."""

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

import click

from exporter.protocol.api_errors import Again
from exporter.protocol.signature import Keyring
from exporter.tencent.applying import key_in_words
from exporter.tencent.calling import Account, Caller
from exporter.tencent.client import Client
from exporter.tencent.errors import ApiError, TencentError
from exporter.tencent.output import CommandOutput
from exporter.tencent.templates import Rule, Template
from exporter.tencent.words import plain, shown_url


@dataclass(frozen=True, slots=True)
class Setup:
    """What the commands need to know of the exporter's settings, under their names."""

    account: Account
    keyring: Keyring = field(repr=False)
    callback_path: str
    accept_unsigned: tuple[str, ...]

    def keys_for(self, push_domain: str | None) -> tuple[str, ...]:
        """Return the keys that may sign for a push domain; None for those of any."""
        keys = (
            self.keyring.candidates(push_domain.lower()) if push_domain else self.keyring.general
        )
        return tuple(key.decode() for key in keys)


class Desk(CommandOutput):
    """Talks with the API on one side and with people, or with a program, on the other."""

    def __init__(self, setup: Setup, *, as_json: bool) -> None:
        super().__init__(as_json=as_json)
        self.setup = setup
        self.client = Client(Caller(setup.account, self.wait), self.wait)

    def write(self, change: Callable[[], object]) -> None:
        """Make a change whose result must be read back afterwards.

        What is gone already, and an answer that was lost, are no errors yet.
        """
        try:
            change()
        except ApiError as error:
            if error.again is not Again.IF_READING and not error.is_gone:
                raise
            self.wait(f"{error}\nLooking whether it is done all the same.")

    def change(
        self,
        action: str,
        change: Callable[[], object],
        is_done: Callable[[], bool],
        *,
        yes: bool,
        dry_run: bool,
    ) -> bool:
        """Make a change if that is agreed, and read back; return whether all is well."""
        is_agreed = self.agreed(yes=yes, dry_run=dry_run)
        is_well = True
        if is_agreed:
            self.write(change)
            is_well = is_done()
            self.say("Done." if is_well else "The API does not show that it is done.")
        self.answer({"action": action, "applied": is_agreed and is_well})
        return is_well

    def agreed(self, *, yes: bool, dry_run: bool) -> bool:
        """Return whether what was shown shall be done."""
        if self.as_json and not yes and not dry_run:
            raise click.UsageError("--json shows nothing to agree to: add --yes or --dry-run")
        if dry_run:
            self.say("Nothing was changed: --dry-run.")
            return False
        if yes or click.confirm("Do it?", err=True):
            return True
        self.say("Nothing was changed.")
        return False

    def pick(
        self, templates: Iterable[Template], name: str | None, template_id: int | None
    ) -> Template:
        """Return the template of an id or a name.  Raises ``TencentError`` unless it is one."""
        if (name is None) == (template_id is None):
            raise click.UsageError("give --name or --id")
        if template_id is not None:
            found = [one for one in templates if one.template_id == template_id]
        else:
            found = [one for one in templates if one.name == name]
        if len(found) == 1:
            return found[0]
        what = f"name {name}" if template_id is None else f"id {template_id}"
        if not found:
            raise TencentError(f"no template has the {what}; css-exporter template list shows all")
        ids = " or ".join(str(one.template_id) for one in found)
        raise TencentError(f"several templates have the {what}: give --id {ids}")

    def described(self, template: Template, rules: Iterable[Rule]) -> dict[str, Any]:
        """Return a template as a document; its key in words."""
        keys = self.setup.keyring.candidates(None)
        return {
            "template_id": template.template_id,
            "name": plain(template.name),
            "description": plain(template.description),
            "key": key_in_words(template.key, [key.decode() for key in keys]) or "none",
            "urls": {name: shown_url(url) for name, url in template.urls.items()},
            "recording_exception_levels": sorted(map(plain, template.levels)),
            "rules": [
                {"push_domain": plain(rule.push_domain), "app_name": plain(rule.app_name)}
                for rule in rules_of(template, rules)
            ],
        }


def rules_of(template: Template, rules: Iterable[Rule]) -> list[Rule]:
    """Return the rules that bind a template."""
    return [rule for rule in rules if rule.template_id == template.template_id]


def at_desk(work: Callable[..., bool]) -> Callable[..., None]:
    """Make a command's function of one that works at a desk and returns whether all is well.

    The command has ``--json``; it ends with status 1 unless all is well.
    """

    @click.option("--json", "as_json", is_flag=True, help="Answer with one JSON object.")
    @click.pass_obj
    @wraps(work)
    def run(setup_of: Callable[[], Setup], /, *, as_json: bool, **given: Any) -> None:
        desk = Desk(setup_of(), as_json=as_json)
        try:
            is_well = work(desk, **given)
        except TencentError as error:
            desk.fail(error)
        sys.exit(0 if is_well else 1)

    return run


def options(*chosen: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a decorator that gives a command several options, in this order."""

    def give(command: Any) -> Any:
        for option in reversed(chosen):
            command = option(command)
        return command

    return give


OF_A_TEMPLATE = options(
    click.option("--name", help="Name of the template."),
    click.option("--id", "template_id", type=int, help="Its id, where names are not unique."),
)
OF_A_CHANGE = options(
    click.option("--yes", is_flag=True, help="Do not ask."),
    click.option("--dry-run", is_flag=True, help="Only show what would be done."),
)
