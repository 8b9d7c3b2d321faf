"""What a stranger who holds a signed packet may send: Hypothesis strategies."""

import string

from hypothesis import strategies as st

from support.packets import Packet, all_packets

SECRET = "hidden0word"
"""Stands in every field that must not appear in logs, metrics or pages."""

SECRET_FIELDS = (
    *("stream_param", "pic_url", "pic_full_url", "img", "video_url", "callback_url", "cdn_url"),
    *("to_url", "source_urls", "msg", "asr_text", "ocrMsg", "summary", "title", "errmsg"),
    *("callback_ext", "record_detail", "event_msg", "user_ip", "node"),
)

NASTY = (
    *("", " ", "\n", "a\nb", "\r\n", "\x00", "\x1b[2J\x1b[31m", "\x7f", "\x85", "\x9b31m"),
    *('"', "\\", '\\"} 1\n', '{le="+Inf"} 9\n# EOF\n', "'", "`", "%s%n", "{}", "</script>"),
    *('\n{"event":"callback.accepted","level":"info"}', "\n2026-01-01 [info     ] forged"),
    *("\u2028", "\u2029", "\u202e", "\ufeff", "\ufffd", "\U0010ffff", "e\u0301", "İ", "ß", "K"),
    *(
        "other",
        "unknown",
        "NaN",
        "+Inf",
        "-1",
        "0",
        "1e9",
        "0x10",
        "\u0661",
        "\xb2",
        "null",
        "true",
    ),
    *("x" * 300, "x" * 513, "y" * 5000, "é" * 300),
)

_integers = st.one_of(
    st.integers(-(2**63), 2**64 - 1),
    st.sampled_from([0, -1, 1, 2**31, 2**53, 2**53 + 1, 2**63 - 1, 2**64 - 1, 10**12, 1790000000]),
)
_texts = st.one_of(
    st.sampled_from(NASTY),
    st.text(max_size=20),
    _integers.map(str),
    st.text(st.sampled_from(string.printable), max_size=40),
)
_scalars = st.one_of(
    st.none(), st.booleans(), _integers, st.floats(allow_nan=False, allow_infinity=False), _texts
)
values = st.recursive(
    _scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(_texts, inner, max_size=4)
    ),
    max_leaves=8,
)
"""Any JSON value."""

objects = st.dictionaries(
    st.one_of(st.sampled_from(["event_type", "t", "sign", "app", "stream_id"]), _texts), values
)
"""Any JSON object."""

_SAMPLES = all_packets()
_FIELDS = sorted({field for sample in _SAMPLES.values() for field in sample})


@st.composite
def packets(draw: st.DrawFn) -> Packet:
    """Draw a sample packet of which a few fields are replaced, removed, added or nested."""
    packet = dict(_SAMPLES[draw(st.sampled_from(sorted(_SAMPLES)))])
    for field in SECRET_FIELDS:
        if field in packet:
            packet[field] = f"https://user:{SECRET}@x.example/{SECRET}?txSecret={SECRET}"
    for _ in range(draw(st.integers(0, 4))):
        field = draw(st.one_of(st.sampled_from(sorted(packet)), st.sampled_from(_FIELDS)))
        match draw(st.sampled_from(("replace", "remove", "list", "object"))):
            case "replace":
                packet[field] = draw(values)
            case "remove":
                packet.pop(field, None)
            case "list":
                packet[field] = [packet.get(field)] * draw(st.integers(0, 3))
            case "object":
                packet[field] = {field: packet.get(field), "type": draw(_scalars)}
        if not packet:
            break
    return packet
