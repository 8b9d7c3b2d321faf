"""Killed at any moment, the daemon loses nothing acknowledged and counts nothing twice."""

import random
import socket
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from support import raw
from support.daemon import Start
from support.packets import Packet, all_packets, body_of, packet
from support.programs import until
from support.sender import Sender

SOURCE = 'app_name="stage",'
DOMAIN = 'push_domain="live.test.example"'
PUSHES = f'tencent_css_pushes_total{{{SOURCE}origin="mainland",{DOMAIN}}}'


def packets(number: int) -> list[Packet]:
    """Return different packets of several families, a third of the pushes interrupted."""
    fields: dict[str, Any] = {"sequence": f"s{number}", "stream_id": f"camera-{number % 50}"}
    found = [
        packet("push", **fields),
        packet("recording", record_file_id=f"r{number}"),
        packet("screencapture", pic_full_url=f"http://x.example/{number}"),
    ]
    if number % 3 == 0:
        found.append(packet("interruption", **fields, errcode=12))
    return found


def test_kill_at_any_moment(daemon: Start) -> None:
    """Two workers under load are killed again and again; at the end every count is exact."""
    exporter = daemon(workers=2)
    total = 900
    work = [one for number in range(total) for one in packets(number)]
    random.Random(1).shuffle(work)
    sender = Sender(exporter, work)
    kills = 0
    with ThreadPoolExecutor(12) as pool:
        running = [pool.submit(sender.run, seed) for seed in range(12)]
        try:
            while kills < 6 and sender.work:
                seen = sender.acknowledged
                until(
                    lambda seen=seen: sender.acknowledged >= seen + 250 or not sender.work,
                    "callbacks are acknowledged",
                )
                exporter.kill()
                kills += 1
                exporter.start()
            for future in running:
                future.result(120)
        finally:
            sender.stop.set()
    assert kills >= 3
    shown = exporter.metrics()
    interrupted = len(range(0, total, 3))
    assert shown[PUSHES] == total
    labels = f'{SOURCE}cause="client_network",errcode="12",origin="mainland",{DOMAIN}'
    assert shown[f"tencent_css_interruptions_total{{{labels}}}"] == interrupted
    origin = f'{{{SOURCE}origin="mainland",{DOMAIN}}}'
    assert shown[f"tencent_css_push_duration_seconds_count{origin}"] == interrupted
    formats = f'{SOURCE}file_format="hls",{DOMAIN}'
    assert shown[f"tencent_css_recordings_total{{{formats}}}"] == total
    assert shown[f"tencent_css_recorded_seconds_total{{{formats}}}"] == 154 * total
    assert shown[f"tencent_css_screencaptures_total{{{SOURCE}{DOMAIN}}}"] == total
    assert shown["tencent_css_exporter_open_pushes"] == total - interrupted
    still_open = {number % 50 for number in range(total) if number % 3}
    assert shown[f"tencent_css_active_streams{origin}"] == len(still_open)
    for event, count in (("push", total), ("interruption", interrupted), ("recording", total)):
        assert shown[f'tencent_css_callbacks_total{{event="{event}"}}'] == count
        assert shown[f'tencent_css_callback_delay_seconds_count{{event="{event}"}}'] == count
    assert exporter.terminate() == 0


def test_the_figures_survive_a_crash(daemon: Start) -> None:
    """After SIGKILL and a new start every number of the ledger is what it was."""

    def numbers() -> dict[str, float]:
        shown = exporter.metrics("/metrics?collect[]=ledger")
        own = ("tencent_css_exporter_scrape", "tencent_css_exporter_ledger_commit")
        return {name: value for name, value in shown.items() if not name.startswith(own)}

    exporter = daemon()
    for sample in all_packets().values():
        exporter.post(sample)
    before = numbers()
    exporter.kill()
    exporter.start()
    assert numbers() == before
    for sample in all_packets().values():
        assert exporter.post(sample).status == 200
    duplicates = Counter(name for name, value in numbers().items() if before[name] != value)
    assert all(name.startswith("tencent_css_callback_duplicates") for name in duplicates)


def test_sigterm_under_load(daemon: Start) -> None:
    """On SIGTERM what is in flight is answered, idle connections do not delay the end, exit 0."""
    exporter = daemon(workers=2)
    work = [one for number in range(1500) for one in packets(number)[:1]]
    sender = Sender(exporter, list(work))
    idle = [socket.create_connection(("127.0.0.1", exporter.public_port)) for _ in range(4)]
    for connection in idle[:2]:  # two that were used, two that never sent a byte
        connection.sendall(raw.post("/callback", body_of(work[0])))
        assert b"200 OK" in connection.recv(65536)
    slow = socket.create_connection(("127.0.0.1", exporter.public_port), 20)
    body = body_of(packet("push", sequence="slow"))
    slow.sendall(raw.post("/callback", body)[:-10])  # in flight: the rest comes after SIGTERM
    with ThreadPoolExecutor(8) as pool:
        for seed in range(8):
            pool.submit(sender.run, seed)
        until(lambda: sender.acknowledged > 200, "callbacks are acknowledged")
        assert exporter.process
        exporter.process.terminate()
        time.sleep(0.3)
        slow.sendall(body[-10:])
        assert b"200 OK" in slow.recv(65536)
        began = time.monotonic()
        assert exporter.process.wait(30) == 0
        assert time.monotonic() - began < 19  # less than the graceful time: nothing hung
        sender.stop.set()
    for connection in (*idle, slow):
        connection.close()
    exporter.start()
    counted = exporter.metrics()[PUSHES]
    assert sender.distinct <= counted <= len(work) + 1
    sender = Sender(exporter, list(work))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(sender.run, range(8)))
    assert exporter.metrics()[PUSHES] == len(work) + 1
    levels = {line["level"] for line in exporter.lines()}
    assert "error" not in levels


def test_sigterm_while_workers_start(daemon: Start) -> None:
    """A worker that was just made does not miss the signal, and keep the others waiting."""
    for number in range(3):
        exporter = daemon(f"data{number}", workers=6)  # the first answers, others still start
        began = time.monotonic()
        assert exporter.terminate() == 0
        assert time.monotonic() - began < 19  # less than the graceful time
