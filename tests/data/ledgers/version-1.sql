-- A shared ledger as version 1 left it: an open push, a stream counted as -1, redeliveries.
CREATE SCHEMA css_exporter;
CREATE TABLE css_exporter.ledger (
    id integer PRIMARY KEY CHECK (id = 1),
    version integer NOT NULL,
    -- Written when a commit is to be proven possible.
    committed_at double precision NOT NULL
);

-- What was received, to recognise redeliveries.
CREATE TABLE css_exporter.identity (
    identity bytea PRIMARY KEY,
    seen_at bigint NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.05);
CREATE INDEX identity_by_receipt ON css_exporter.identity (seen_at);

-- Pairs that have labels of their own. source: JSON array of push_domain, app_name.
-- This key, and those below: a digest of a text that may be too long for an index.
CREATE TABLE css_exporter.source (
    key bytea PRIMARY KEY,
    source text NOT NULL
);

-- stream: JSON array of push_domain, app_name, stream_id; source: that of its labels.
CREATE TABLE css_exporter.open_push (
    identity bytea PRIMARY KEY,
    stream_key bytea NOT NULL,
    stream text NOT NULL,
    source text NOT NULL,
    origin text NOT NULL,
    began_at double precision NOT NULL,
    heard_at double precision NOT NULL
);
CREATE INDEX open_push_by_stream ON css_exporter.open_push (stream_key, began_at, identity);
CREATE INDEX open_push_by_beginning ON css_exporter.open_push (began_at);
CREATE INDEX open_push_by_hearing ON css_exporter.open_push (heard_at);

-- Every number that is shown, summed over its stripes. labels: JSON array; value: in units of
-- 1/scale, and of any size: forged amounts must not stop a counter.
CREATE TABLE css_exporter.cell (
    key bytea NOT NULL,
    stripe smallint NOT NULL,
    family text NOT NULL,
    labels text NOT NULL,
    cell text NOT NULL,
    value numeric NOT NULL,
    created_at double precision NOT NULL,
    PRIMARY KEY (key, stripe)
) WITH (fillfactor = 50);

-- The newest deliveries; columns as in Delivery.
CREATE TABLE css_exporter.delivery (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    received_at double precision NOT NULL,
    outcome text NOT NULL,
    reason text,
    detail text,
    event text,
    push_domain text,
    app_name text,
    stream_id text,
    delay_seconds double precision,
    expires_in_seconds double precision,
    identity bytea
);
INSERT INTO css_exporter.ledger VALUES (1, 1, 0);
INSERT INTO css_exporter.identity VALUES ('\x00000000123456780123456789abcdef', 1790000001);
INSERT INTO css_exporter.source VALUES ('\xbfbd670e9c1d1cef2d9fb9ac189b83f9', '["live.test.example","stage"]');
INSERT INTO css_exporter.open_push VALUES (
    '\x00000000123456780123456789abcdef', '\xb3ea1003f197c86623afbbccda8103dd', '["live.test.example","stage","camera-7"]',
    '["live.test.example","stage"]', 'mainland', 1790000000.1234567, 1790000001);
INSERT INTO css_exporter.cell VALUES
    ('\x6b3c790a72e8e291a468ddb29992e7fc', 0, 'tencent_css_pushes_total',
        '["live.test.example","stage","mainland"]', '', 3, 1790000001),
    ('\x6b3c790a72e8e291a468ddb29992e7fc', 1, 'tencent_css_pushes_total',
        '["live.test.example","stage","mainland"]', '', 4, 1790000001),
    ('\x470f50c808be4af78f256d25e8b0af36', 0, 'tencent_css_push_duration_seconds',
        '["live.test.example","stage","mainland"]', 'sum', 0, 1790000001),
    ('\x69e4e303c0431ebbf621bbbd6a432754', 0, 'tencent_css_active_streams',
        '["live.test.example","stage","mainland"]', '', 2, 1790000001),
    ('\x69e4e303c0431ebbf621bbbd6a432754', 1, 'tencent_css_active_streams',
        '["live.test.example","stage","mainland"]', '', -3, 1790000001),
    ('\x74a0617eb9659f03391b41bb5f4fe6e8', 0, 'tencent_css_active_streams',
        '["live.test.example","stage","overseas"]', '', 1, 1790000001),
    ('\x0c48be89ad7803f3dc47f5b7b23bacf8', 0, 'tencent_css_exporter_open_pushes',
        '[]', '', 1, 1790000001),
    ('\x9b451ccba02ddf860021efa435b62599', 0, 'tencent_css_exporter_sources',
        '[]', '', 1, 1790000001),
    ('\xec6c626cd5acfd9772bebc794259fe7f', 0, 'tencent_css_quality_events_total',
        '["unknown","unknown","stream_monitor","other"]', '', 5, 1790000001);
