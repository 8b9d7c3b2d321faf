"""The pages against what senders write and strangers ask."""

import base64
import re
from html import unescape
from urllib.parse import quote

import pytest
from support.daemon import Start
from support.packets import KEY
from support.pages import PAGES, deliveries_of, push

HOSTILE = (
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>'",
    "{{ 7 * 7 }}{% raw %}",
    "line\u2028\u202eturned",
    "é" * 5000,
    "&lt;b&gt;",
    "javascript:alert(1)",
)


@pytest.mark.parametrize("key", [KEY, "wrong"], ids=["authentic", "forged"])
def test_hostile_names_stay_text(daemon: Start, key: str) -> None:
    """Markup is escaped, what is not printable is replaced, what is too long is cut."""
    exporter = daemon()
    for number, name in enumerate(HOSTILE):
        exporter.post(push(number, stream_id=name, app=name[:200], appname=name[:500]), key=key)
        exporter.post({"event_type": name, "stream_id": name, "app": [name]}, key=key)
    deliveries = deliveries_of(exporter)
    assert len(deliveries) == 2 * len(HOSTILE)
    for one in deliveries:
        for field in ("stream_id", "push_domain", "app_name", "detail", "event"):
            assert one[field] is None or (len(one[field]) <= 200 and one[field].isprintable())
    page = exporter.get("/deliveries").body.decode()
    assert unescape(page).count("<script>alert(1)</script>") >= 3
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "49" not in re.findall(r"<bdi>(.*?)</bdi>", page)
    assert "\u202e" not in page


def test_browsers_run_only_our_own_files(daemon: Start) -> None:
    """A strict policy, nothing inline, nothing from elsewhere, nothing stored, no frames."""
    exporter = daemon()
    exporter.post(push(1))
    for path in (*PAGES, "/deliveries?outcome=<b>&event='onclick=x&stream=\"style=y"):
        answer = exporter.get(quote(path, "/?=&"))
        policy = dict(
            directive.strip().split(" ", 1)
            for directive in answer.headers["Content-Security-Policy"].split(";")
        )
        assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"
        page = answer.body.decode()
        assert not re.findall(r"<script(?! src=\"/static/)|<style|\sstyle=|\son[a-z]+=", page)
        assert not re.findall(r"(?:src|<link[^>]* href)=\"(?!/static/)", page)


def test_static_files_are_typed_and_checked_again(daemon: Start) -> None:
    """A new version of a file is seen at once."""
    exporter = daemon()
    for name, kind in (("pages.css", "text/css"), ("pages.js", "text/javascript")):
        answer = exporter.get(f"/static/{name}")
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith(kind)
        assert answer.headers["Cache-Control"] == "no-cache"
        again = exporter.get(f"/static/{name}", **{"If-None-Match": answer.headers["ETag"]})
        assert again.status == 304
    assert exporter.get("/static/../pages.py").status == 404
    assert exporter.get("/static/%2e%2e/pages.py").status == 404


def test_metrics_token_protects_the_pages_too(daemon: Start) -> None:
    """As a bearer token, or as a browser gives it: the password of any user name."""
    exporter = daemon(metrics_token="s3cret:=tøken")

    def basic(user: str, password: str) -> dict[str, str]:
        word = base64.b64encode(f"{user}:{password}".encode()).decode()
        return {"Authorization": f"Basic {word}"}

    as_sent = "s3cret:=tøken".encode().decode("latin-1")  # what http.client takes
    for path in (*PAGES, "/metrics", "/static/pages.css"):
        refused = exporter.get(path)
        assert refused.status == 401
        assert refused.headers["Www-Authenticate"] == "Bearer"  # the first; browsers test Basic
        assert exporter.get(path, Authorization=f"Bearer {as_sent}").status == 200
        assert exporter.get(path, **basic("", "s3cret:=tøken")).status == 200
        assert exporter.get(path, **basic("anybody", "s3cret:=tøken")).status == 200
        assert exporter.get(path, **basic("s3cret:=tøken", "")).status == 401
        assert exporter.get(path, **basic("anybody", "s3cret")).status == 401
        for broken in ("Basic", "Basic !", "Basic " + "QQ" * 999, "Bearer", "Digest a=b", "x"):
            assert exporter.get(path, Authorization=broken).status == 401
    assert exporter.get("/-/healthy").status == 200
