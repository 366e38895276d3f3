"""A browser without pictures and scripts: it opens pages, reads them, fills in forms and sends them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from iew.models import User
from tests.world import PASSWORD

OWN_PAGE = {"Sec-Fetch-Site": "same-origin"}


@dataclass
class Element:
    """One start tag, with the text that follows up to its end."""

    tag: str
    attributes: dict[str, str]
    text: str = ""


@dataclass
class HtmlForm:
    """A form as it stands in the page; `fields` is what would be sent."""

    action: str
    method: str
    fields: "MultiDict[str, str]" = field(default_factory=MultiDict)
    options: dict[str, list[str]] = field(default_factory=dict)
    buttons: list[str] = field(default_factory=list)


class _Reader(HTMLParser):
    """Collects elements and forms."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self.open: list[Element] = []
        self.forms: list[HtmlForm] = []
        self.form: HtmlForm | None = None
        self.area: str | None = None
        self.select: tuple[str, bool] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.elements.append(element)
        if tag not in ("input", "meta", "link", "br", "img", "hr"):
            self.open.append(element)
        if tag == "form":
            self.form = HtmlForm(element.attributes.get("action", ""), element.attributes.get("method", "get"))
            self.forms.append(self.form)
        elif self.form is not None:
            self._field(element)

    def _field(self, element: Element) -> None:
        assert self.form is not None
        name, kind = element.attributes.get("name", ""), element.attributes.get("type", "text")
        if element.tag == "button":
            self.form.buttons.append(name)
        elif element.tag == "textarea":
            self.area = name
            self.form.fields.add(name, "")
        elif element.tag == "select":
            self.select = (name, False)
            self.form.options[name] = []
        elif element.tag == "option" and self.select is not None:
            self._option(element)
        elif element.tag == "input" and name:
            if kind not in ("checkbox", "radio") or "checked" in element.attributes:
                self.form.fields.add(name, element.attributes.get("value", ""))
            if kind in ("checkbox", "radio"):
                self.form.options.setdefault(name, []).append(element.attributes.get("value", ""))

    def _option(self, element: Element) -> None:
        assert self.form is not None and self.select is not None
        name, chosen = self.select
        self.form.options[name].append(element.attributes.get("value", ""))
        if "selected" in element.attributes or (not chosen and name not in self.form.fields):
            self.form.fields[name] = element.attributes.get("value", "")
            self.select = (name, True)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.form = None
        elif tag == "textarea":
            self.area = None
        elif tag == "select":
            self.select = None
        if any(element.tag == tag for element in self.open):
            while self.open.pop().tag != tag:
                pass

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data
        if self.area is not None and self.form is not None:
            self.form.fields[self.area] += data.removeprefix("\n") if not self.form.fields[self.area] else data


class HtmlPage:
    """A page that came back."""

    def __init__(self, reply: TestResponse) -> None:
        self.reply = reply
        self.status = reply.status_code
        self.text = reply.get_data(as_text=True)
        reader = _Reader()
        reader.feed(self.text)
        self.elements, self.forms = reader.elements, reader.forms

    def all(self, tag: str, **attributes: str) -> Iterator[Element]:
        for element in self.elements:
            if element.tag == tag and all(element.attributes.get(name) == value for name, value in attributes.items()):
                yield element

    @property
    def heading(self) -> str:
        return next(self.all("h1")).text.strip()

    @property
    def words(self) -> str:
        """The words of the main part, spaces folded."""
        return " ".join(next(self.all("main")).text.split())

    def form_to(self, ending: str) -> HtmlForm:
        """The form whose action ends so, whatever its query."""
        return next(form for form in self.forms if urlsplit(form.action).path.endswith(ending))

    def fault_at(self, path: str, form: str = "") -> str:
        """What is said to be wrong at a field; empty where nothing is. form: its name, where a page has several."""
        name = f"f-{form}-" if form else "f-"
        name += path.replace(".", "-") + "-fault"
        return next((element.text.strip() for element in self.elements if element.attributes.get("id") == name), "")

    def links(self) -> list[str]:
        return [element.attributes.get("href", "") for element in self.all("a")]


class Browser:
    """Keeps cookies, follows nothing by itself."""

    def __init__(self, app: Flask, language: str = "en") -> None:
        self.client = app.test_client()
        self.language = language

    def open(self, path: str, **headers: str) -> HtmlPage:
        """A page by its path; without a slash at the start it is below the language."""
        whole = path if path.startswith("/") else f"/{self.language}/{path}"
        return HtmlPage(self.client.get(whole, headers={"Accept-Language": "en", **headers}, buffered=True))

    def send(self, form: HtmlForm, headers: dict[str, str] | None = None, **changes: Any) -> HtmlPage:
        """Send a form with some fields changed; `__` in a name stands for a dot, a list sets several values."""
        fields = MultiDict(form.fields.items(multi=True))
        for name, value in changes.items():
            fields.setlist(name.replace("__", "."), value if isinstance(value, list) else [value])
        if form.method == "get":
            return HtmlPage(self.client.get(form.action, query_string=fields))
        return HtmlPage(self.client.post(form.action, data=fields, headers=OWN_PAGE if headers is None else headers))

    def sign_in(self, user: User) -> "Browser":
        page = self.send(self.open("sign-in").form_to("/sign-in"), email=user.email, password=PASSWORD)
        assert page.status == 302, page.words
        return self

    def follow(self, page: HtmlPage) -> HtmlPage:
        """Where a redirect leads."""
        assert page.status in (302, 303, 308), (page.status, page.words)
        return self.open(page.reply.headers["Location"])
