"""The commands of ``css-exporter template``, but for ``apply``."""

import time
from dataclasses import asdict
from itertools import groupby
from typing import Final

import click

from exporter.tencent.checks import EFFECT_WORDS, Remark, Wanted, remarks_on
from exporter.tencent.command_apply import EVENTS_OPTION, apply
from exporter.tencent.desk import OF_A_CHANGE, OF_A_TEMPLATE, Desk, at_desk, rules_of
from exporter.tencent.errors import ApiError, TencentError
from exporter.tencent.templates import FIELDS, Rule
from exporter.tencent.words import joined, plain


@click.command("list")
@at_desk
def list_templates(desk: Desk) -> bool:
    """List the callback templates of the account, and where they are bound."""
    rules = desk.client.rules()
    documents = [desk.described(one, rules) for one in desk.client.templates()]
    desk.answer({"templates": documents})
    for one in documents:
        events = joined(list(one["urls"])) or "none"
        domains = joined([f"{rule['push_domain']}/{rule['app_name']}" for rule in one["rules"]])
        desk.say(f"{one['template_id']}  {one['name']}")
        desk.say(f"    key: {one['key']}; bound to: {domains or 'nothing'}")
        desk.say(f"    events: {events}")
    if not documents:
        desk.say("There are no templates.")
    return True


@click.command()
@OF_A_TEMPLATE
@at_desk
def show(desk: Desk, name: str | None, template_id: int | None) -> bool:
    """Show one template: its URLs, whose key it has, where it is bound."""
    template = desk.pick(desk.client.templates(), name, template_id)
    document = desk.described(template, desk.client.rules())
    desk.answer(document)
    for field in ("template_id", "name", "description", "key"):
        desk.say(f"{field:20} {document[field]}")
    for event, url in document["urls"].items():
        desk.say(f"{event:20} {url}")
    for rule in document["rules"]:
        desk.say(f"{'bound to':20} {rule['push_domain']}/{rule['app_name']}")
    return True


@click.command()
@click.option("--domain", required=True, help="Push domain.")
@click.option(
    "--app-name",
    default="live",
    show_default=True,
    help="App name (push path). The empty one may mean all of the domain; no document says so.",
)
@OF_A_TEMPLATE
@OF_A_CHANGE
@at_desk
def bind(
    desk: Desk,
    domain: str,
    app_name: str,
    name: str | None,
    template_id: int | None,
    yes: bool,
    dry_run: bool,
) -> bool:
    """Bind a template to a push domain and an app name; it must not have another."""
    template = desk.pick(desk.client.templates(), name, template_id)
    wanted = Rule(domain.lower(), app_name, template.template_id)
    present = _rules_of_domain(desk, domain)
    there = next((rule for rule in present if rule.app_name == app_name), None)
    if there and there.template_id == template.template_id:
        desk.answer({"action": "nothing", "applied": False})
        desk.say(f"{there.title} is bound to template {template.title} already.")
        return True
    if there:
        raise TencentError(
            f"{there.title} is bound to template {there.template_id}, which calls somebody else"
            " or is older. Unbind it first; callbacks stop until the new rule takes effect, 5 to"
            " 10 minutes. To keep both, put the exporter in front (docs/coexistence.md)"
        )
    desk.say(f"Bind {wanted.title} to template {template.title}. {EFFECT_WORDS}")
    for rule in present:
        desk.say(
            f"The domain has another rule, {rule.title} to template {rule.template_id}: which of"
            " them counts for a stream is not documented."
        )
    return desk.change(
        "bind",
        lambda: desk.client.bind(wanted),
        lambda: any(
            (rule.app_name, rule.template_id) == (app_name, template.template_id)
            for rule in _rules_of_domain(desk, domain)
        ),
        yes=yes,
        dry_run=dry_run,
    )


@click.command()
@click.option("--domain", required=True, help="Push domain.")
@click.option("--app-name", help="App name of the rule, if the domain has several.")
@OF_A_CHANGE
@at_desk
def unbind(desk: Desk, domain: str, app_name: str | None, yes: bool, dry_run: bool) -> bool:
    """Remove the rule of a push domain; then nothing of it is called back."""
    rules = _rules_of_domain(desk, domain)
    if app_name is not None:
        rules = [rule for rule in rules if rule.app_name == app_name]
    if not rules:
        desk.answer({"action": "nothing", "applied": False})
        desk.say("There is no such rule.")
        return True
    if len(rules) > 1:
        names = joined([repr(plain(rule.app_name)) for rule in rules])
        raise TencentError(f"{plain(domain)} has several rules: give --app-name, one of {names}")
    rule = rules[0]
    desk.say(f"Remove the rule of {rule.title} to template {rule.template_id}.")
    return desk.change(
        "unbind",
        lambda: desk.client.unbind(rule),
        lambda: all(one.app_name != rule.app_name for one in _rules_of_domain(desk, domain)),
        yes=yes,
        dry_run=dry_run,
    )


@click.command()
@OF_A_TEMPLATE
@OF_A_CHANGE
@at_desk
def delete(
    desk: Desk, name: str | None, template_id: int | None, yes: bool, dry_run: bool
) -> bool:
    """Delete a template that is bound to nothing."""
    template = desk.pick(desk.client.templates(), name, template_id)
    bound = rules_of(template, desk.client.rules())
    if bound:
        where = joined([rule.title for rule in bound])
        raise TencentError(f"template {template.title} is bound to {where}: unbind it first")
    desk.say(f"Delete template {template.title}.")
    return desk.change(
        "delete",
        lambda: desk.client.delete(template.template_id),
        lambda: all(one.template_id != template.template_id for one in desk.client.templates()),
        yes=yes,
        dry_run=dry_run,
    )


@click.command("check")
@click.option(
    "--domain", "domains", multiple=True, help="Push domain; can be repeated.  [default: all]"
)
@click.option("--url", help="The exporter's callback URL; without it only paths are compared.")
@EVENTS_OPTION
@at_desk
def check_domains(
    desk: Desk, domains: tuple[str, ...], url: str | None, events: tuple[str, ...] | None
) -> bool:
    """Say what is wrong with the rules and templates of push domains; status 1 if anything is.

    Lines with WRONG are faults, others are worth knowing.
    """
    site = desk.setup.account.tencent_site
    wanted = Wanted(
        events=events or tuple(FIELDS),
        site=site,
        path=desk.setup.callback_path,
        url=url,
        keyring=desk.setup.keyring,
        accept_unsigned=desk.setup.accept_unsigned,
    )
    rules = desk.client.rules()
    templates = {one.template_id: one for one in desk.client.templates()}
    documents = []
    is_well = True
    for domain in domains or _all_domains(desk, rules):
        findings = remarks_on(domain, rules, templates, wanted, time.time())
        is_well = is_well and not any(one.is_wrong for one in findings)
        documents.append({"push_domain": plain(domain), "findings": list(map(asdict, findings))})
        _say_findings(desk, domain, findings)
    desk.answer({"is_well": is_well, "domains": documents})
    return is_well


def _say_findings(desk: Desk, domain: str, findings: list[Remark]) -> None:
    desk.say(plain(domain))
    for where, group in groupby(findings, key=lambda one: one.where):
        if where:
            desk.say(f"  {where}")
        for one in group:
            desk.say(f"    {'WRONG' if one.is_wrong else 'note '} {one.sentence}")
    if not findings:
        desk.say("    all is well")


def _all_domains(desk: Desk, rules: list[Rule]) -> list[str]:
    """Return the push domains of the account, or, if those cannot be read, those with rules."""
    known = [rule.push_domain for rule in rules]
    try:
        known += desk.client.push_domains()
    except ApiError as error:
        desk.wait(f"{error}\nOnly push domains with a rule are looked at.")
    return sorted({domain.lower() for domain in known})


def _rules_of_domain(desk: Desk, domain: str) -> list[Rule]:
    return [rule for rule in desk.client.rules() if rule.push_domain.lower() == domain.lower()]


COMMANDS: Final = (list_templates, show, apply, bind, unbind, delete, check_domains)
