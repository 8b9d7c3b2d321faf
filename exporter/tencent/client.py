"""The verbs of Tencent Cloud's live API that we need for templates: one function each."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from exporter.protocol.api_errors import BAD_ANSWER
from exporter.tencent.calling import ApiAnswer, Caller, Fields
from exporter.tencent.errors import ApiError
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
        return self._caller.read(
            "DescribeLiveCallbackTemplates",
            {},
            lambda answer: _list(answer, "Templates", Template.of),
        )

    def template(self, template_id: int) -> Template:
        """Return one template."""
        return self._caller.read(
            "DescribeLiveCallbackTemplate",
            {"TemplateId": template_id},
            lambda answer: Template.of(answer["Template"]),
        )

    def rules(self) -> list[Rule]:
        """Return all rules of the account."""
        return self._caller.read(
            "DescribeLiveCallbackRules", {}, lambda answer: _list(answer, "Rules", Rule.of)
        )

    def push_domains(self) -> list[str]:
        """Return the push domains of the account."""
        return [*self._push_domains(is_delayed=0), *self._push_domains(is_delayed=1)]

    def create(self, fields: Fields) -> int:
        """Create a template of the API's fields; return its id."""
        return self._caller.write(
            "CreateLiveCallbackTemplate", fields, lambda answer: int(answer["TemplateId"])
        )

    def modify(self, fields: Fields) -> None:
        """Change a template to the API's fields."""
        self._caller.write("ModifyLiveCallbackTemplate", fields, _nothing)

    def delete(self, template_id: int) -> None:
        """Delete a template."""
        fields = {"TemplateId": template_id}
        self._caller.write("DeleteLiveCallbackTemplate", fields, _nothing)

    def bind(self, rule: Rule) -> None:
        """Make a rule."""
        fields = _named(rule) | {"TemplateId": rule.template_id}
        self._caller.write("CreateLiveCallbackRule", fields, _nothing)

    def unbind(self, rule: Rule) -> None:
        """Delete a rule, named exactly as the API named it."""
        self._caller.write("DeleteLiveCallbackRule", _named(rule), _nothing)

    def _push_domains(self, *, is_delayed: int) -> list[str]:
        action = "DescribeLiveDomains"

        def understand(answer: ApiAnswer) -> Page[str]:
            names = _list(answer, "DomainList", lambda item: str(item["Name"]))
            return Page(names, int(answer["AllCount"]))

        def ask(number: int) -> Page[str]:
            fields = {"DomainType": 0, "IsDelayLive": is_delayed}
            pages = {"PageSize": _PAGE, "PageNum": number}
            try:
                page = self._caller.read(action, fields | pages, understand)
            except ApiError as error:
                if error.code == "ResourceNotFound.EmptyData" and number == 1:
                    return Page([], 0)
                raise
            if page.total > _PAGE:
                self._say(f"push domains: page {number} of {-(-page.total // _PAGE)}")
            return page

        try:
            return whole(ask)
        except Partial as partial:
            raise ApiError(action, BAD_ANSWER, plain(partial)) from None


def _list(answer: ApiAnswer, name: str, read: Callable[[Any], T]) -> list[T]:
    """Return the items of an answer's list; one that is null proves nothing."""
    items = answer.get(name)
    if not isinstance(items, list):
        raise ValueError(f"the answer has no list {name}")  # noqa: TRY004 - one error for all
    return [read(item) for item in items]


def _named(rule: Rule) -> dict[str, Any]:
    return {"DomainName": rule.push_domain, "AppName": rule.app_name}


def _nothing(_answer: ApiAnswer) -> None:
    """Understand that it was done."""
