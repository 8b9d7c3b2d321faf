"""The verbs of Tencent Cloud's live API that we need for templates: one function each."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from exporter.tencent.calling import Answer, Caller
from exporter.tencent.errors import BAD_ANSWER, ApiError
from exporter.tencent.pages import Page, Partial, whole
from exporter.tencent.templates import Rule, Template
from exporter.tencent.words import plain

T = TypeVar("T")

_PAGE: Final = 100
"""The most push domains that one page can have."""


class Client:
    """Asks for and changes templates and rules; every verb raises ``TencentError``.

    ``say`` is called with a sentence for whoever waits.
    """

    def __init__(self, caller: Caller, say: Callable[[str], None]) -> None:
        self._caller = caller
        self._say = say

    def templates(self) -> list[Template]:
        """Return all templates of the account."""
        action = "DescribeLiveCallbackTemplates"
        return _items(action, self._caller.read(action, {}), "Templates", Template.of)

    def template(self, template_id: int) -> Template:
        """Return one template."""
        action = "DescribeLiveCallbackTemplate"
        answer = self._caller.read(action, {"TemplateId": template_id})
        return _understood(action, lambda: Template.of(answer.get("Template")))

    def rules(self) -> list[Rule]:
        """Return all rules of the account."""
        action = "DescribeLiveCallbackRules"
        return _items(action, self._caller.read(action, {}), "Rules", Rule.of)

    def push_domains(self) -> list[str]:
        """Return the push domains of the account."""
        return [*self._push_domains(is_delayed=0), *self._push_domains(is_delayed=1)]

    def create(self, fields: Mapping[str, Any]) -> int:
        """Create a template of the API's fields; return its id."""
        action = "CreateLiveCallbackTemplate"
        answer = self._caller.write(action, fields)
        return _understood(action, lambda: int(answer["TemplateId"]))

    def modify(self, fields: Mapping[str, Any]) -> None:
        """Change a template to the API's fields."""
        self._caller.write("ModifyLiveCallbackTemplate", fields)

    def delete(self, template_id: int) -> None:
        """Delete a template."""
        self._caller.write("DeleteLiveCallbackTemplate", {"TemplateId": template_id})

    def bind(self, rule: Rule) -> None:
        """Make a rule."""
        fields = {"DomainName": rule.push_domain, "AppName": rule.app_name}
        self._caller.write("CreateLiveCallbackRule", fields | {"TemplateId": rule.template_id})

    def unbind(self, rule: Rule) -> None:
        """Delete a rule, named exactly as the API named it."""
        fields = {"DomainName": rule.push_domain, "AppName": rule.app_name}
        self._caller.write("DeleteLiveCallbackRule", fields)

    def _push_domains(self, *, is_delayed: int) -> list[str]:
        action = "DescribeLiveDomains"

        def ask(number: int) -> Page[str]:
            fields = {"DomainType": 0, "IsDelayLive": is_delayed}
            pages = {"PageSize": _PAGE, "PageNum": number}
            try:
                answer = self._caller.read(action, fields | pages)
            except ApiError as error:
                if error.code == "ResourceNotFound.EmptyData" and number == 1:
                    return Page([], 0)
                raise
            names = _items(action, answer, "DomainList", lambda item: str(item["Name"]))
            total = _understood(action, lambda: int(answer["AllCount"]))
            if total > _PAGE:
                self._say(f"push domains: page {number} of {-(-total // _PAGE)}")
            return Page(names, total)

        return _understood(action, lambda: whole(ask))


def _items(action: str, answer: Answer, name: str, read: Callable[[Any], T]) -> list[T]:
    """Return the items of an answer's list; a list that is null proves nothing."""
    items = answer.get(name)
    if not isinstance(items, list):
        raise ApiError(action, BAD_ANSWER, f"the answer has no list {name}")
    return _understood(action, lambda: [read(item) for item in items])


def _understood(action: str, read: Callable[[], T]) -> T:
    try:
        return read()
    except (ValueError, KeyError, TypeError, AttributeError, Partial) as error:
        raise ApiError(action, BAD_ANSWER, plain(error)) from None
