-- Small values that are changed by who has read them last; `revision` counts the changes.
CREATE TABLE note (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (kind, key)
) STRICT;
