"""The command ``css-exporter template apply``."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

import click

from exporter.tencent.applying import (
    MOST_TEMPLATES,
    Change,
    Order,
    differences,
    kept,
    request_of,
    urls_below,
)
from exporter.tencent.desk import OF_A_CHANGE, Desk, at_desk, options, rules_of
from exporter.tencent.errors import ApiError, TencentError
from exporter.tencent.templates import UNREADABLE, Rule, Template, settable
from exporter.tencent.words import joined, shown_url


def _names(
    _context: click.Context, _parameter: click.Parameter, text: str | None
) -> tuple[str, ...] | None:
    if text is None:
        return None
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


EVENTS_OPTION: Final = options(
    click.option(
        "--events",
        callback=_names,
        help="Event names, separated by commas.  [default: all that can be set]",
    )
)
_ORDER: Final = options(
    click.option("--name", required=True, help="Name of the template."),
    click.option("--url", required=True, help="The exporter's public callback URL."),
    EVENTS_OPTION,
    click.option("--description", help="Description of the template.  [default: as it is]"),
    click.option("--domain", help="Push domain whose key to use, of callback_keys_by_domain."),
    click.option("--id", "template_id", type=int, help="Id, if several have the name."),
    click.option("--again", is_flag=True, help="Send all fields even if nothing differs."),
)


@click.command()
@_ORDER
@OF_A_CHANGE
@at_desk
def apply(
    desk: Desk,
    name: str,
    url: str,
    events: tuple[str, ...] | None,
    description: str | None,
    domain: str | None,
    template_id: int | None,
    again: bool,
    yes: bool,
    dry_run: bool,
) -> bool:
    """Make a template what it should be, or make it.

    It gets the exporter's first callback key, and below the callback URL a path of its own for
    each event. URLs of events that are not named stay as they are. What would change is shown
    first; then it is done and read back. Status 1 if what was read back differs.
    """
    site = desk.setup.account.tencent_site
    names = settable(site) if events is None else events
    order = Order(name, urls_below(url, names), description, _keys(desk, domain))
    problems = order.problems(site)
    if problems:
        raise TencentError(f"this cannot be applied: {'; '.join(problems)}")
    templates = desk.client.templates()
    template = _present(desk, templates, name, template_id)
    if template is None and len(templates) >= MOST_TEMPLATES:
        raise TencentError(
            f"the account has {len(templates)} templates, and {MOST_TEMPLATES} are the most:"
            " delete one that is not used"
        )
    changes = differences(order, template)
    plan = _Plan(desk, order, template, changes, is_again=again)
    plan.show(desk.client.rules() if template else [])
    is_agreed = plan.action != "nothing" and desk.agreed(yes=yes, dry_run=dry_run)
    left = plan.carry_out() if is_agreed else []
    differ = [asdict(change) for change in left]
    desk.answer(plan.document | {"applied": is_agreed, "differences": differ})
    return not left


def _keys(desk: Desk, domain: str | None) -> tuple[str, ...]:
    keys = desk.setup.keys_for(domain)
    if keys or "all" in desk.setup.accept_unsigned:
        return keys
    if desk.setup.keyring:
        raise TencentError("all callback keys belong to push domains: give --domain to choose one")
    raise TencentError(
        "the exporter has no callback key: start css-exporter serve once, which makes one in"
        " data_dir, or set callback_keys"
    )


def _present(
    desk: Desk, templates: Sequence[Template], name: str, template_id: int | None
) -> Template | None:
    if template_id is not None:
        return desk.pick(templates, None, template_id)
    if any(one.name == name for one in templates):
        return desk.pick(templates, name, None)
    return None


class _Plan:
    """What an apply would do; it can be shown and carried out."""

    def __init__(
        self,
        desk: Desk,
        order: Order,
        template: Template | None,
        changes: list[Change],
        *,
        is_again: bool,
    ) -> None:
        self._desk = desk
        self._order = order
        self._template = template
        self._changes = changes
        self.action = "create" if template is None else "change"
        if template and not changes and not is_again:
            self.action = "nothing"

    @property
    def document(self) -> dict[str, Any]:
        """Return the plan for a program."""
        return {
            "action": self.action,
            "template_id": self._template.template_id if self._template else None,
            "changes": [asdict(change) for change in self._changes],
            "kept": {name: shown_url(url) for name, url in self._kept.items()},
        }

    @property
    def _kept(self) -> dict[str, str]:
        return kept(self._order, self._template) if self._template else {}

    def show(self, rules: Sequence[Rule]) -> None:
        """Show the plan field by field."""
        say = self._desk.say
        title = self._template.title if self._template else self._order.name
        verbs = {"create": "Create", "change": "Change", "nothing": "Nothing to change in"}
        say(f"{verbs[self.action]} template {title}")
        for change in self._changes:
            say(f"  {change}")
        for name, url in self._kept.items():
            say(f"  {name}: stays {shown_url(url)}")
        for sentence in self._notes(rules):
            say(sentence)

    def _notes(self, rules: Sequence[Rule]) -> list[str]:
        notes = []
        bound = rules_of(self._template, rules) if self._template else []
        if bound:
            notes.append(f"It is bound to {joined([rule.title for rule in bound])}.")
        if self._template and UNREADABLE in self._order.urls:
            notes.append(
                f"The URL of {UNREADABLE} cannot be read back, so it was not compared;"
                " --again sends all fields."
            )
        if self._template and any(change.field == "key" for change in self._changes):
            notes.append(
                "Callbacks may be signed with the former key for 10 more minutes: keep it in"
                " callback_keys so long."
            )
        own = self._desk.setup.callback_path
        if f"{own}/" not in next(iter(self._order.urls.values())):
            notes.append(
                f"The exporter takes callbacks at {own} and below: what stands before it must"
                " translate the path of this URL."
            )
        if not self._order.key:
            notes.append("The template will have no key: callbacks are not signed.")
        return notes

    def carry_out(self) -> list[Change]:
        """Make the change and read it back; return what differs."""
        desk = self._desk
        fields = request_of(self._order, self._template, desk.setup.account.tencent_site)
        ids = [self._template.template_id] if self._template else []
        if self._template:
            desk.write(lambda: desk.client.modify(fields))
        else:
            desk.write(lambda: ids.append(desk.client.create(fields)))
        try:
            template = desk.client.template(ids[0]) if ids else self._newest()
        except ApiError as error:
            raise TencentError(f"The change was sent, but was not read back. {error}") from None
        left = differences(self._order, template)
        desk.say(f"Template {template.title} differs from what was sent:" if left else "Done.")
        for change in left:
            desk.say(f"  {change}")
        if not left and self.action == "create":
            desk.say(f"Bind it: css-exporter template bind --id {template.template_id} --domain …")
        return left

    def _newest(self) -> Template:
        """Return the template whose creation was not answered."""
        found = [one for one in self._desk.client.templates() if one.name == self._order.name]
        if not found:
            raise TencentError("the template was not made: apply again")
        return max(found, key=lambda one: one.template_id)
