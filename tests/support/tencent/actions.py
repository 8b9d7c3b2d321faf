"""What the API answers: one function an action, of a world and the request's fields."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from tencentcloud.live.v20180801 import models

from support.tencent import streams
from support.tencent.paging import needed, paged
from support.tencent.signing import ApiFault
from support.tencent.world import World

Fields = dict[str, Any]

URLS = (
    *("StreamBeginNotifyUrl", "StreamEndNotifyUrl", "RecordNotifyUrl", "SnapshotNotifyUrl"),
    *("PornCensorshipNotifyUrl", "PushExceptionNotifyUrl", "AudioAuditNotifyUrl"),
    *("RecordStatusNotifyUrl", "RecordExceptionNotifyUrl"),
)
NOT_ABROAD = {
    *("AudioAuditNotifyUrl", "RecordStatusNotifyUrl"),
    *("RecordExceptionNotifyUrl", "RecordExceptionLevels"),
}


def perform(action: str, world: World, fields: Fields) -> Fields:
    """Return what an action answers.  Raises ``ApiFault``."""
    if action not in ACTIONS or (world.site == "international" and action in MAINLAND_ACTIONS):
        raise ApiFault("InvalidAction")
    unknown = fields.keys() - _names(f"{action}Request")
    if world.site == "international":
        unknown |= fields.keys() & NOT_ABROAD
    if unknown:
        raise ApiFault("UnknownParameter", f"The parameter {min(unknown)!r} is not recognized.")
    return ACTIONS[action](world, fields)


def _names(model: str) -> set[str]:
    """Return the field names of one of the package's models."""
    names = (name.lstrip("_") for name in vars(getattr(models, model)()))
    return {name[0].upper() + name[1:] for name in names}


def _check(world: World, fields: Fields) -> None:
    letters = r"[\w-]*" if world.site == "mainland" else r"[A-Za-z0-9_-]*"
    name, description = fields.get("TemplateName", ""), fields.get("Description", "")
    if not re.fullmatch(letters, name) or len(name.encode()) > 255:
        raise ApiFault("InvalidParameter.ArgsNotMatch")
    if not re.fullmatch(letters, description) or len(description.encode()) > 1024:
        raise ApiFault("InvalidParameterValue")
    for url in (fields.get(name) for name in URLS):
        if url and urlsplit(url).hostname in world.unsafe_hosts:
            raise ApiFault("InvalidParameter.UrlNotSafe")


def create_template(world: World, fields: Fields) -> Fields:
    needed(fields, "TemplateName")
    _check(world, fields)
    if not any(fields.get(name) for name in URLS):
        raise ApiFault("InvalidParameter", "at least one URL")
    if len(world.templates) >= 50:
        raise ApiFault("InternalError.ConfOutLimit")
    return {"TemplateId": world.template(**fields)}


def modify_template(world: World, fields: Fields) -> Fields:
    _check(world, fields)
    old = _template(world, fields)
    new = {"TemplateId": old["TemplateId"], "TemplateName": old["TemplateName"]}
    if not world.omitted_clears:
        new |= old
    new |= {name: value for name, value in fields.items() if value or world.empty_clears}
    world.templates[old["TemplateId"]] = new
    return {}


def delete_template(world: World, fields: Fields) -> Fields:
    number = _template(world, fields)["TemplateId"]
    if any(rule["TemplateId"] == number for rule in world.rules):
        raise ApiFault("InternalError.RuleInUsing")
    del world.templates[number]
    return {}


def describe_template(world: World, fields: Fields) -> Fields:
    return {"Template": _shown(world, _template(world, fields))}


def describe_templates(world: World, fields: Fields) -> Fields:
    return {"Templates": [_shown(world, one) for one in world.templates.values()]}


def _template(world: World, fields: Fields) -> Fields:
    (number,) = needed(fields, "TemplateId")
    if number not in world.templates:
        raise ApiFault("InternalError.ConfNotFound")
    return world.templates[number]


def _shown(world: World, template: Fields) -> Fields:
    known = _names("CallBackTemplateInfo")
    hidden = set() if world.shows_recording_status else {"RecordStatusNotifyUrl"}
    if world.site == "international":
        known = known - NOT_ABROAD | {"AudioAuditNotifyUrl"}
        hidden = set()
    shown: Fields = {name: None if name.endswith("Url") else "" for name in known}
    shown["RecordExceptionLevels"] = None
    shown |= {name: value for name, value in template.items() if name not in hidden}
    if shown["RecordExceptionLevels"]:  # requests and answers differ in a word
        levels = shown["RecordExceptionLevels"]
        shown["RecordExceptionLevels"] = [
            "alarm" if level == "warning" else level for level in levels
        ]
    return shown


def create_rule(world: World, fields: Fields) -> Fields:
    domain, app_name, number = needed(fields, "DomainName", "AppName", "TemplateId")
    if number not in world.templates:
        raise ApiFault("InvalidParameter.ConfNotFound")
    if domain not in (*world.domains, *world.delayed_domains):
        raise ApiFault("InvalidParameter")
    same = [
        one for one in world.rules if (one["DomainName"], one["AppName"]) == (domain, app_name)
    ]
    if same and not world.rule_replaces:
        raise ApiFault("InternalError.RuleAlreadyExist")
    world.rules = [one for one in world.rules if one not in same]
    world.rule(number, domain, app_name)
    return {}


def delete_rule(world: World, fields: Fields) -> Fields:
    pair = tuple(needed(fields, "DomainName", "AppName"))
    left = [one for one in world.rules if (one["DomainName"], one["AppName"]) != pair]
    if len(left) == len(world.rules):
        raise ApiFault("FailedOperation.NotFound")
    world.rules = left
    return {}


def describe_rules(world: World, fields: Fields) -> Fields:
    return {"Rules": list(world.rules)}


def describe_domains(world: World, fields: Fields) -> Fields:
    names = world.delayed_domains if fields.get("IsDelayLive") else world.domains
    if fields.get("DomainType") == 1:
        names = []
    shown = [{"Name": name, "Type": 0, "Status": 1} for name in names]
    page, _ = paged(shown, fields, sizes=(10, 100))
    return {"AllCount": len(names), "DomainList": page}


ACTIONS: dict[str, Callable[[World, Fields], Fields]] = {
    "CreateLiveCallbackTemplate": create_template,
    "ModifyLiveCallbackTemplate": modify_template,
    "DeleteLiveCallbackTemplate": delete_template,
    "DescribeLiveCallbackTemplate": describe_template,
    "DescribeLiveCallbackTemplates": describe_templates,
    "CreateLiveCallbackRule": create_rule,
    "DeleteLiveCallbackRule": delete_rule,
    "DescribeLiveCallbackRules": describe_rules,
    "DescribeLiveDomains": describe_domains,
    "DescribeLiveStreamOnlineList": streams.online_list,
    "DescribeLiveStreamState": streams.state,
    "DescribeLiveStreamEventList": streams.event_list,
    "DescribeCallbackRecordsList": streams.callback_records,
}
MAINLAND_ACTIONS = {"DescribeCallbackRecordsList"}
