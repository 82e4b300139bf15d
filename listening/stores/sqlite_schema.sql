-- Every combination of dimensions that occurs, so that a row, a filter and a count carry one number.
-- '' stands for a dimension that has no value: UNIQUE takes NULLs for different.
CREATE TABLE series (
    code INTEGER PRIMARY KEY,
    brand TEXT NOT NULL,
    source TEXT NOT NULL,
    kind TEXT NOT NULL,
    language TEXT NOT NULL,
    country TEXT NOT NULL,
    touchpoint TEXT NOT NULL,
    segment TEXT NOT NULL,
    service TEXT NOT NULL,
    campaign TEXT NOT NULL,
    question TEXT NOT NULL,
    UNIQUE (brand, source, kind, language, country, touchpoint, segment, service, campaign, question)
) STRICT;

CREATE TABLE model (code INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;

-- `at` is the second of creation * 2^20 + its microseconds, or the next free number: reading by it
-- backwards is newest first, in this table as in the full-text index.
-- `created` is in microseconds since 1970, UTC. Labels are numbered in sqlite_rows.py.
CREATE TABLE feedback (
    at INTEGER PRIMARY KEY,
    series INTEGER NOT NULL REFERENCES series,
    label INTEGER NOT NULL,
    model INTEGER REFERENCES model,
    stars INTEGER,
    nps INTEGER,
    csat INTEGER,
    ces INTEGER,
    smiley INTEGER,
    created INTEGER NOT NULL,
    version INTEGER NOT NULL,
    negative REAL,
    neutral REAL,
    positive REAL,
    threshold REAL,
    engagement INTEGER,
    id TEXT NOT NULL UNIQUE,
    native_id TEXT NOT NULL,
    url TEXT,
    author TEXT,
    text TEXT NOT NULL
) STRICT;

-- A narrow copy in order of time, for filters and counts that need no text.
CREATE INDEX facts ON feedback (at, series, label, model, stars, nps, csat, ces, smiley);
CREATE INDEX authors ON feedback (author) WHERE author IS NOT NULL;

-- Terms are made by analysis.py and are separated by single spaces; word n of one column is word n
-- of the other. Every printable ASCII sign belongs to a term, as everything beyond ASCII does.
CREATE VIRTUAL TABLE terms USING fts5 (
    surface,
    stem,
    columnsize = 0,
    tokenize = 'ascii tokenchars ''!"#$%&''''()*+,-./:;<=>?@[\]^_`{|}~'''
);

-- Columns of `feedback` packed for counting: one row of bytes for each 2^37 of `at` (36 hours).
-- `stale` names the chunks that no longer say what `feedback` says.
CREATE TABLE chunk (number INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;
CREATE TABLE stale (number INTEGER PRIMARY KEY) STRICT;
CREATE TABLE chunk_version (version INTEGER NOT NULL) STRICT;
INSERT INTO chunk_version VALUES (0);
CREATE TRIGGER feedback_added AFTER INSERT ON feedback BEGIN
    INSERT OR IGNORE INTO stale VALUES (new.at >> 37);
END;
CREATE TRIGGER feedback_removed AFTER DELETE ON feedback BEGIN
    INSERT OR IGNORE INTO stale VALUES (old.at >> 37);
END;
CREATE TRIGGER feedback_changed AFTER UPDATE OF at, series, label, stars, nps, csat, ces, smiley
ON feedback BEGIN
    INSERT OR IGNORE INTO stale VALUES (old.at >> 37), (new.at >> 37);
END;

-- What was erased: a digest of the id, enough to keep a late write out.
CREATE TABLE tombstone (digest BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;

CREATE TABLE cursor (stream TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

CREATE TABLE quarantine (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    stream TEXT NOT NULL,
    origin TEXT NOT NULL,
    reason TEXT NOT NULL,
    raw TEXT NOT NULL,
    line INTEGER,
    field TEXT
) STRICT;
