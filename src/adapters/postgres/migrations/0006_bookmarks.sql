-- How far the log was published, and which process does so until when.
CREATE TABLE bookmarks (
    name text PRIMARY KEY,
    position bigint NOT NULL,
    holder text NOT NULL,
    held_until bigint NOT NULL
);
