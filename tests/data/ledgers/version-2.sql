-- A shared ledger as version 2 left it: an open push, one that ended, a redelivery.
CREATE SCHEMA css_exporter;
CREATE TABLE css_exporter.cell (
    key bytea NOT NULL,
    stripe smallint NOT NULL,
    family text NOT NULL,
    labels text NOT NULL,
    cell text NOT NULL,
    value numeric NOT NULL,
    created_at double precision NOT NULL
)
WITH (fillfactor='50');
CREATE TABLE css_exporter.delivery (
    id bigint NOT NULL,
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
ALTER TABLE css_exporter.delivery ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME css_exporter.delivery_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE css_exporter.identity (
    identity bytea NOT NULL,
    seen_at bigint NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0.05', autovacuum_vacuum_insert_scale_factor='0.05');
CREATE TABLE css_exporter.ledger (
    id integer NOT NULL,
    version integer NOT NULL,
    committed_at double precision NOT NULL,
    read_at double precision,
    doubted_for double precision DEFAULT 0 NOT NULL,
    CONSTRAINT ledger_id_check CHECK ((id = 1))
);
CREATE TABLE css_exporter.open_push (
    identity bytea NOT NULL,
    stream_key bytea NOT NULL,
    stream text NOT NULL,
    source text NOT NULL,
    origin text NOT NULL,
    began_at_ms bigint NOT NULL,
    heard_at_ms bigint NOT NULL
);
CREATE TABLE css_exporter.source (
    key bytea NOT NULL,
    source text NOT NULL
);
INSERT INTO css_exporter.cell VALUES ('\x9b451ccba02ddf860021efa435b62599', 0, 'tencent_css_exporter_sources', '[]', '', 1, 1795588603.39198);
INSERT INTO css_exporter.cell VALUES ('\x1c2fbaabbb771beb7f77989d7114db5e', 0, 'tencent_css_recorded_bytes_total', '["live.test.example","stage","hls"]', '', 277941079, 1795588603.406411);
INSERT INTO css_exporter.cell VALUES ('\x42f9d4f5bf97cf47c61e90df8afd1348', 0, 'tencent_css_callback_delay_seconds', '["recording"]', 'sum', 47000, 1795588603.406411);
INSERT INTO css_exporter.cell VALUES ('\x5f31f7da7e7fe326003dc527285622c1', 0, 'tencent_css_recorded_seconds_total', '["live.test.example","stage","hls"]', '', 154, 1795588603.406411);
INSERT INTO css_exporter.cell VALUES ('\x6599abe88a72fb6d7d369c4824e26b95', 0, 'tencent_css_callback_delay_seconds', '["recording"]', '60', 1, 1795588603.406411);
INSERT INTO css_exporter.cell VALUES ('\xbd5e5adcafd226faa2330f921569b5bb', 0, 'tencent_css_callbacks_total', '["recording"]', '', 1, 1795588603.406411);
INSERT INTO css_exporter.cell VALUES ('\xd62cb033b00a0ab3353d0ae0f52205dd', 0, 'tencent_css_recordings_total', '["live.test.example","stage","hls"]', '', 1, 1795588603.406411);
INSERT INTO css_exporter.cell VALUES ('\xc7da9b557a8a8027a1f9c4c23518cb08', 0, 'tencent_css_last_callback_timestamp_seconds', '["recording"]', '', 1790000200000, 1795588603.406411);
INSERT INTO css_exporter.cell VALUES ('\x4e94d4699a0fb9c55a3d0db6ea317ded', 0, 'tencent_css_exporter_ledger_commit_seconds', '[]', '0.005', 2, 1795588603.410533);
INSERT INTO css_exporter.cell VALUES ('\x500eeae68994c0f79d48d9e0d953e82c', 0, 'tencent_css_callback_duplicates_total', '["recording"]', '', 1, 1795588603.410533);
INSERT INTO css_exporter.cell VALUES ('\x03cce534bfb97060f2d81f9af1dbf99f', 0, 'tencent_css_callbacks_total', '["push"]', '', 2, 1795588603.39198);
INSERT INTO css_exporter.cell VALUES ('\x69e4e303c0431ebbf621bbbd6a432754', 0, 'tencent_css_active_streams', '["live.test.example","stage","mainland"]', '', 1, 1795588603.39198);
INSERT INTO css_exporter.cell VALUES ('\x6b3c790a72e8e291a468ddb29992e7fc', 0, 'tencent_css_pushes_total', '["live.test.example","stage","mainland"]', '', 2, 1795588603.39198);
INSERT INTO css_exporter.cell VALUES ('\x6ba7590c696f0e13c7c322c0b53a1c45', 0, 'tencent_css_callback_delay_seconds', '["push"]', '300', 2, 1795588603.39198);
INSERT INTO css_exporter.cell VALUES ('\xa40ea71b2b9f21c9db90c4d59212799d', 0, 'tencent_css_callback_delay_seconds', '["push"]', 'sum', 400000, 1795588603.39198);
INSERT INTO css_exporter.cell VALUES ('\xa6033a01844c47cf091e2f695a20ee98', 0, 'tencent_css_exporter_ledger_commit_seconds', '[]', '0.0025', 1, 1795588603.412867);
INSERT INTO css_exporter.cell VALUES ('\x005e8b9aac1037de7203a78c3cf77b91', 0, 'tencent_css_last_callback_timestamp_seconds', '["push"]', '', 1790000200000, 1795588603.39198);
INSERT INTO css_exporter.cell VALUES ('\x0c48be89ad7803f3dc47f5b7b23bacf8', 0, 'tencent_css_exporter_open_pushes', '[]', '', 1, 1795588603.39198);
INSERT INTO css_exporter.cell VALUES ('\x14d4dee3cfef20d2092f0878904d4624', 0, 'tencent_css_exporter_series', '[]', '', 7, 1795588603.39198);
INSERT INTO css_exporter.cell VALUES ('\x181205115ee185b37573515beac9266c', 0, 'tencent_css_push_duration_seconds', '["live.test.example","stage","mainland"]', '300', 1, 1795588603.417288);
INSERT INTO css_exporter.cell VALUES ('\x21b47253c1fe1823a53adee67d745656', 0, 'tencent_css_exporter_ledger_commit_seconds', '[]', 'sum', 21308, 1795588603.406411);
INSERT INTO css_exporter.cell VALUES ('\xa9bd2942cf8116dcfa2b44f7b2e6318a', 0, 'tencent_css_exporter_ledger_commit_seconds', '[]', '0.01', 2, 1795588603.406411);
INSERT INTO css_exporter.cell VALUES ('\x470f50c808be4af78f256d25e8b0af36', 0, 'tencent_css_push_duration_seconds', '["live.test.example","stage","mainland"]', 'sum', 128581, 1795588603.417288);
INSERT INTO css_exporter.cell VALUES ('\x535ec8b92b335deb7886271a02c4c724', 0, 'tencent_css_callbacks_total', '["interruption"]', '', 1, 1795588603.417288);
INSERT INTO css_exporter.cell VALUES ('\x824facb10ce09b3f95ed79b9d4605866', 0, 'tencent_css_interruptions_total', '["live.test.example","stage","mainland","1","client_stop"]', '', 1, 1795588603.417288);
INSERT INTO css_exporter.cell VALUES ('\xaa389eb3643b6a56c75ffbe3e0d52206', 0, 'tencent_css_callback_delay_seconds', '["interruption"]', '120', 1, 1795588603.417288);
INSERT INTO css_exporter.cell VALUES ('\xf122b2908b387df7318c9c201253ffc3', 0, 'tencent_css_callback_delay_seconds', '["interruption"]', 'sum', 72000, 1795588603.417288);
INSERT INTO css_exporter.cell VALUES ('\x3eb2c237f483bd30c7e4baeb0a3b9b2c', 0, 'tencent_css_last_callback_timestamp_seconds', '["interruption"]', '', 1790000200000, 1795588603.417288);
INSERT INTO css_exporter.identity VALUES ('\x00000000352e6199619f19350a81080d', 1795588604);
INSERT INTO css_exporter.identity VALUES ('\x6ab13c19d4ac43d7e3ac86bc5e966881', 1795588604);
INSERT INTO css_exporter.identity VALUES ('\x0000000085402a3ac0f6bef5819ac4bf', 1795588604);
INSERT INTO css_exporter.identity VALUES ('\x00000000dd991ec3aa796bc9878ed4a0', 1795588604);
INSERT INTO css_exporter.ledger VALUES (1, 2, 0, 1795588603.399893, 0);
INSERT INTO css_exporter.open_push VALUES ('\x00000000352e6199619f19350a81080d', '\xb3ea1003f197c86623afbbccda8103dd', '["live.test.example","stage","camera-7"]', '["live.test.example","stage"]', 'mainland', 1790000000000, 1795588603391);
INSERT INTO css_exporter.source VALUES ('\xbfbd670e9c1d1cef2d9fb9ac189b83f9', '["live.test.example","stage"]');
SELECT pg_catalog.setval('css_exporter.delivery_id_seq', 1, false);
ALTER TABLE ONLY css_exporter.cell
    ADD CONSTRAINT cell_pkey PRIMARY KEY (key, stripe);
ALTER TABLE ONLY css_exporter.delivery
    ADD CONSTRAINT delivery_pkey PRIMARY KEY (id);
ALTER TABLE ONLY css_exporter.identity
    ADD CONSTRAINT identity_pkey PRIMARY KEY (identity);
ALTER TABLE ONLY css_exporter.ledger
    ADD CONSTRAINT ledger_pkey PRIMARY KEY (id);
ALTER TABLE ONLY css_exporter.open_push
    ADD CONSTRAINT open_push_pkey PRIMARY KEY (identity);
ALTER TABLE ONLY css_exporter.source
    ADD CONSTRAINT source_pkey PRIMARY KEY (key);
CREATE INDEX identity_by_receipt ON css_exporter.identity USING btree (seen_at);
CREATE INDEX open_push_by_beginning ON css_exporter.open_push USING btree (began_at_ms);
CREATE INDEX open_push_by_hearing ON css_exporter.open_push USING btree (heard_at_ms);
CREATE INDEX open_push_by_stream ON css_exporter.open_push USING btree (stream_key, began_at_ms, identity);
