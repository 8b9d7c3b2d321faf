"""The landing page and the deliveries over HTTP, from a real daemon."""

import json
import re
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from support.daemon import Start
from support.packets import KEY, all_packets, body_of, packet, signed
from support.pages import PAGES, deliveries_of, push, raw, text_of
from support.programs import until


def test_landing_page_says_what_to_enter(daemon: Start) -> None:
    """Before any callback it shows the URL and how many keys there are, never their values."""
    config = {"callback_path": "/callback/guess-me", "accept_unsigned": "relay"}
    exporter = daemon(callback_keys=f"{KEY},another0key", **config)
    answer = exporter.get("/")
    text = text_of(answer)
    assert answer.status == 200
    assert "No callback has arrived yet" in text
    assert f":{exporter.public_port}/callback/guess-me" in text
    assert "2 keys are set" in text
    assert "Taken unsigned relay" in text
    assert KEY not in text
    assert "another0key" not in text
    for link in ("/metrics", "/deliveries", "/deliveries.json", "/-/healthy", "/-/ready"):
        assert f'href="{link}"' in answer.body.decode()
        assert exporter.get(link).status == 200


def test_the_place_of_a_generated_key_is_shown(daemon: Start) -> None:
    """The page says where a generated key stands, and does not show it."""
    exporter = daemon(callback_keys=None)
    text = text_of(exporter.get("/"))
    key_file = exporter.data_dir / "callback-key"
    assert f"It stands in {key_file}" in text
    assert key_file.read_text().strip() not in text


def test_keys_of_domains_are_counted(daemon: Start) -> None:
    """Who has keys by push domain sees of each domain how many, and no value."""
    keys = {"Live.Test.Example": ["first0key", "second0key"], "other.example": ["third0key"]}
    exporter = daemon(callback_keys=None, callback_keys_by_domain=json.dumps(keys))
    text = text_of(exporter.get("/"))
    domains = "live.test.example has 2 of its own. other.example has 1 of its own."
    assert f"Callback key {domains} Elsewhere" in text
    assert "0key" not in text


def test_landing_page_says_that_it_works(daemon: Start) -> None:
    """Callbacks, their ages, streams by origin and refusals are all there."""
    exporter = daemon()
    for number, set_id in enumerate((1, 2, 3, 20, 21, 999)):
        exporter.post(push(number, set_id=set_id))
    exporter.post(push(0, set_id=1))
    exporter.post(packet("recording"))
    exporter.post(push(7), key="wrong")
    until(lambda: "bad_signature 1" in text_of(exporter.get("/")), "the refusal is committed")
    text = text_of(exporter.get("/"))
    assert "Callbacks arrive and are counted" in text
    assert re.search(r"The last one came [\d.]+ s ago", text)
    assert "Active streams 6" in text
    assert "Callbacks counted 7 Refused 1 Ledger commits" in text
    assert re.search(r"\bpush [\d.]+ s 6 1\b", text)
    assert re.search(r"\brecording [\d.]+ s 1 0\b", text)
    assert "mainland 3 overseas 2 unknown 1" in text
    assert "State can commit Open pushes 6 Labelled sources 1 of 500" in text


def test_landing_page_says_that_all_is_refused(daemon: Start) -> None:
    """A wrong key is not taken for silence."""
    exporter = daemon()
    exporter.post(push(1), key="wrong")
    until(
        lambda: "Callbacks arrive, but none was taken" in text_of(exporter.get("/")),
        "the refusal is committed",
    )


def test_every_outcome_is_a_delivery(daemon: Start) -> None:
    """Taken, redelivered, late and refused for each reason: each POST is shown as it was."""
    exporter = daemon(max_body_bytes=4096)
    now = int(time.time())
    assert exporter.post(push(1)).status == 200
    assert exporter.post(push(1)).status == 200
    assert exporter.post(packet("interruption", sequence="55")).status == 200
    assert exporter.post(packet("push", sequence="55")).status == 200
    assert raw(exporter, b"{") == 400
    assert raw(exporter, b"[]") == 400
    assert exporter.post(push(2, sequence=None)).status == 400
    assert exporter.post(push(3, event_time="soon")).status == 400
    assert raw(exporter, json.dumps(push(4)).encode()) == 403
    assert exporter.post(push(5), key="wrong").status == 403
    assert raw(exporter, body_of(push(6), t=now - 900)) == 403
    assert raw(exporter, body_of(push(7), t=now + 1800)) == 403
    assert raw(exporter, b" " * 5000) == 413
    assert raw(exporter, None, "GET") == 405
    assert raw(exporter, b"{}", path="/callbacks") == 404
    found = [
        (one["outcome"], one["reason"], one["detail"], one["event"], one["stream_id"])
        for one in deliveries_of(exporter)[::-1]
    ]
    assert found[:14] == [
        ("accepted", None, None, "push", "camera-1"),
        ("duplicate", None, None, "push", "camera-1"),
        ("accepted", None, None, "interruption", "camera-7"),
        ("late", None, None, "push", "camera-7"),
        ("refused", "malformed_json", None, None, None),
        ("refused", "not_an_object", None, None, None),
        ("refused", "missing_field", "sequence", "push", "camera-2"),
        ("refused", "bad_field", "event_time", "push", "camera-3"),
        ("refused", "unsigned", None, "push", "camera-4"),
        ("refused", "bad_signature", None, "push", "camera-5"),
        ("refused", "expired", found[10][2], "push", "camera-6"),
        ("refused", "not_yet_valid", found[11][2], "push", "camera-7"),
        ("refused", "too_large", None, None, None),
        ("refused", "bad_method", None, None, None),
    ]
    assert found[14:] == [("refused", "not_found", None, None, None)]
    first, second = deliveries_of(exporter)[::-1][:2]
    assert (first["attempts"], second["attempts"]) == (1, 2)
    assert first["identity"] == second["identity"]
    assert (first["push_domain"], first["app_name"]) == ("live.test.example", "stage")
    assert 0 <= first["delay_seconds"] < 60
    assert abs(first["expires_in_seconds"] - 600) < 60
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first["received_at"])


def test_retries_after_a_refusal_are_counted_as_attempts(daemon: Start) -> None:
    """Who mends the key sees how often the sender has tried already."""
    exporter = daemon()
    for key in ("wrong", "wrong", KEY, KEY):
        exporter.post(push(1), key=key)
    assert [(one["outcome"], one["attempts"]) for one in deliveries_of(exporter)] == [
        ("duplicate", 4),
        ("accepted", 3),
        ("refused", 2),
        ("refused", 1),
    ]


def test_who_looks_for_pages_is_no_delivery(daemon: Start) -> None:
    """Requests that are no callbacks, and to other paths, do not crowd out refused ones."""
    exporter = daemon()
    assert raw(exporter, None, "GET", "/wp-login.php") == 404
    assert raw(exporter, None, "GET", "/deliveries") == 404
    assert raw(exporter, None, "GET", "/static/pages.css") == 404
    assert deliveries_of(exporter) == []


def test_hints_say_how_far_the_clock_is_off(daemon: Start) -> None:
    """The offset is computed from t, and stands both on the page and in the data."""
    exporter = daemon()
    now = int(time.time())
    raw(exporter, body_of(push(1), t=now + 600 + 7200))
    (one,) = deliveries_of(exporter)
    assert re.search(r"clock of this machine is off: about (2 h|1 h 59 min) behind", one["hint"])
    page = text_of(exporter.get("/deliveries"))
    assert one["hint"] in page
    assert one["meaning"] in page


FILTERS = [
    ("", {"a", "b", "c", "d"}),
    ("?outcome=accepted", {"a", "b", "c"}),
    ("?outcome=refused", {"d"}),
    ("?outcome=bad_signature", {"d"}),
    ("?outcome=late", set()),
    ("?event=push", {"a", "c", "d"}),
    ("?event=recording", {"b"}),
    ("?event=push&outcome=accepted", {"a", "c"}),
    ("?domain=second", {"c", "d"}),
    ("?domain=LIVE.test.example&event=push", {"a"}),
    ("?stream=stream-A", {"a"}),
    ("?stream=stream&domain=second&outcome=refused", {"d"}),
    ("?stream=%3Cscript%3E", set()),
    ("?outcome=nonsense", set()),
    ("?unknown=parameter&stream=+stream-b+", {"b"}),
]


def test_filters_choose_the_same_on_page_and_as_data(daemon: Start) -> None:
    """Outcome or reason, event, part of domain and of stream, and all of them together."""
    exporter = daemon()
    exporter.post(push(1, stream_id="stream-a"))
    exporter.post(packet("recording", stream_id="stream-b"))
    exporter.post(push(3, stream_id="stream-c", app="second.test.example"))
    exporter.post(push(4, stream_id="stream-d", app="second.test.example"), key="wrong")
    for query, streams in FILTERS:
        assert {one["stream_id"][-1] for one in deliveries_of(exporter, query)} == streams, query
        answer = exporter.get(f"/deliveries{query}")
        assert answer.status == 200
        shown = set(re.findall(r"<bdi>stream-(.)</bdi>", answer.body.decode()))
        assert shown == streams, query
        if query and not streams:
            assert "None of the 4 deliveries kept is like that" in text_of(answer)


def test_many_deliveries_are_shown_in_part(daemon: Start) -> None:
    """The page has the newest rows and says of how many; the data has all that are kept."""
    exporter = daemon()
    for number in range(210):
        raw(exporter, b"%d" % number)
    answer = exporter.get("/deliveries")
    assert answer.body.count(b"</time></td>") == 200
    assert "The newest 200 of 210." in text_of(answer)
    assert len(deliveries_of(exporter)) == 210


def test_nothing_secret_or_personal_is_shown(daemon: Start) -> None:
    """No key, signature, URL, address, stream_param or recognised text on any page."""
    exporter = daemon(metrics_token="m3trics-token")
    bearer = {"Authorization": "Bearer m3trics-token"}
    secret = {"stream_param": "txSecret=5ecret&txTime=7F", "user_ip": "203.0.113.7"}
    for sample in all_packets().values():
        body = signed(sample | secret)
        for one in (body, body | {"sign": "0" * 32}):
            raw(exporter, json.dumps(one).encode(), path="/callback/path-secret?token=in-query")
    pages = [exporter.get(path, **bearer).body.decode() for path in PAGES]
    assert len(json.loads(pages[PAGES.index("/deliveries.json")])["deliveries"]) == 2 * len(
        all_packets()
    )
    never = {KEY, "m3trics-token", "5ecret", "txSecret", "203.0.113.7", "path-secret", "in-query"}
    never |= {str(body["sign"]), "0" * 32, "node-ip"}
    for sample in all_packets().values():
        never |= set(re.findall(r"https?://[^\"\\]+", json.dumps(sample)))
        never |= {sample[field] for field in ("node", "user_ip") if sample.get(field)}
    for page in pages:
        assert [word for word in never if word in page] == []


def test_unreadable_ledger_is_explained(daemon: Start) -> None:
    """Without a ledger the pages answer 503 and say why; with it again they are back."""
    exporter = daemon()
    exporter.post(push(1))
    until(lambda: exporter.get("/deliveries").status == 200, "the page is there")
    home = Path(exporter.data_dir)
    (home / "ledger.sqlite").rename(home / "away")
    for path in ("/", "/deliveries"):
        answer = exporter.get(path)
        assert answer.status == 503
        assert "The ledger cannot be read" in text_of(answer)
        assert "is gone" in text_of(answer)
    data = exporter.get("/deliveries.json")
    assert data.status == 503
    assert "is gone" in data.json["error"]
    assert "To be entered in the Tencent console" in text_of(exporter.get("/"))
    (home / "away").rename(home / "ledger.sqlite")
    until(lambda: exporter.get("/").status == 200, "the page is back")
    assert deliveries_of(exporter)[0]["stream_id"] == "camera-1"


def test_ledger_that_cannot_commit_is_explained(daemon: Start) -> None:
    """The refused callback and its reason are shown while the trouble lasts, and afterwards."""
    exporter = daemon()
    assert deliveries_of(exporter) == []
    path = Path(exporter.data_dir) / "ledger.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as foreign:
        foreign.execute("BEGIN IMMEDIATE")
        assert exporter.post(push(1)).status == 503
        landing = exporter.get("/")
        assert landing.status == 200
        assert "The ledger cannot commit" in text_of(landing)
        (one,) = deliveries_of(exporter)
        assert (one["outcome"], one["reason"]) == ("refused", "ledger_unavailable")
        assert "could not commit: " in one["hint"]
        assert "locked" in one["hint"]
        foreign.execute("ROLLBACK")
    until(lambda: exporter.get("/-/ready").status == 200, "the ledger commits again")
    assert exporter.post(push(1)).status == 200
    assert [one["attempts"] for one in deliveries_of(exporter)] == [2, 1]


def test_deliveries_outlive_a_crash(daemon: Start) -> None:
    """What came in a moment before kill -9 is still shown by the next daemon."""
    exporter = daemon()
    exporter.post(push(1))
    exporter.post(push(2), key="wrong")
    path = Path(exporter.data_dir) / "ledger.sqlite"
    until(lambda: _rows(path) == 2, "both are committed")
    exporter.kill()
    exporter.start()
    assert [one["stream_id"] for one in deliveries_of(exporter)] == ["camera-2", "camera-1"]


def _rows(path: Path) -> int:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        (rows,) = connection.execute("SELECT count(*) FROM delivery").fetchone()
    return int(rows)
