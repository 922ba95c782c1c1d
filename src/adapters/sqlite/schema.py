"""The tables, and how a file comes to have them."""

import sqlite3
from typing import Final

from profilecore.errors import Unavailable

APPLICATION_ID: Final = 0x50726643  # "PrfC", where `file` and others look for it

# Numbered steps, never changed once released: a file at step n is brought on from n + 1.
# Times are microseconds since 1970. With a rowid, because a long bio would fill the pages of a tree
# that is sorted by id: measured, that halves the speed of reads.
STEPS: Final = (
    (
        """
        CREATE TABLE profiles (
            id BLOB NOT NULL PRIMARY KEY,
            name TEXT NOT NULL,
            name_key TEXT NOT NULL,
            email TEXT NOT NULL,
            email_key TEXT NOT NULL,
            bio TEXT NOT NULL,
            image_urls TEXT NOT NULL,
            owner TEXT,
            version INTEGER NOT NULL,
            created_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL,
            deleted_at INTEGER
        )
        """,
        "CREATE UNIQUE INDEX profiles_email ON profiles (email_key) WHERE deleted_at IS NULL",
        "CREATE INDEX profiles_created ON profiles (created_at, id) WHERE deleted_at IS NULL",
        "CREATE INDEX profiles_updated ON profiles (updated_at, id) WHERE deleted_at IS NULL",
        "CREATE INDEX profiles_name ON profiles (name_key, id) WHERE deleted_at IS NULL",
        "CREATE INDEX tombstones ON profiles (deleted_at) WHERE deleted_at IS NOT NULL",
        # A rowid is one more than the greatest; the newest event is never removed.
        """
        CREATE TABLE events (
            position INTEGER PRIMARY KEY,
            profile_id BLOB NOT NULL,
            type TEXT NOT NULL,
            version INTEGER NOT NULL,
            data TEXT NOT NULL,
            at INTEGER NOT NULL,
            actor TEXT
        )
        """,
        "CREATE INDEX events_of_profile ON events (profile_id)",
        "CREATE TABLE log (trimmed INTEGER NOT NULL)",
        "INSERT INTO log VALUES (0)",
    ),
    (
        # A task that has no due_at has ended.
        """
        CREATE TABLE tasks (
            id BLOB NOT NULL PRIMARY KEY,
            type TEXT NOT NULL,
            payload TEXT NOT NULL,
            status TEXT NOT NULL,
            priority INTEGER NOT NULL,
            run_at INTEGER NOT NULL,
            due_at INTEGER,
            attempt INTEGER NOT NULL,
            max_attempts INTEGER NOT NULL,
            unique_key TEXT,
            progress REAL,
            result TEXT NOT NULL,
            errors TEXT NOT NULL,
            started_at INTEGER,
            fence INTEGER NOT NULL,
            cancelling INTEGER NOT NULL,
            trace TEXT NOT NULL,
            revision INTEGER NOT NULL,
            created_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL
        )
        """,
        "CREATE INDEX tasks_due ON tasks (priority, due_at, id) WHERE due_at IS NOT NULL",
        "CREATE INDEX tasks_of_status ON tasks (status, id)",
        "CREATE INDEX tasks_of_type ON tasks (type, id)",
        "CREATE INDEX tasks_ended ON tasks (updated_at) WHERE due_at IS NULL",
        """
        CREATE UNIQUE INDEX tasks_key ON tasks (type, unique_key)
        WHERE unique_key IS NOT NULL AND due_at IS NOT NULL
        """,
        # How far the log was published, and which process does so until when.
        """
        CREATE TABLE bookmarks (
            name TEXT NOT NULL PRIMARY KEY,
            position INTEGER NOT NULL,
            holder TEXT NOT NULL,
            held_until REAL NOT NULL
        )
        """,
    ),
    (
        "ALTER TABLE profiles ADD COLUMN images TEXT NOT NULL DEFAULT '[]'",
        # Which profile uses which image, as their rows say.
        """
        CREATE TABLE image_uses (
            image_id TEXT NOT NULL,
            profile_id BLOB NOT NULL,
            PRIMARY KEY (image_id, profile_id)
        ) WITHOUT ROWID
        """,
        "CREATE INDEX image_uses_of_profile ON image_uses (profile_id)",
        """
        CREATE TRIGGER images_of_new AFTER INSERT ON profiles WHEN NEW.images <> '[]' BEGIN
            INSERT INTO image_uses
            SELECT json_extract(value, '$[0]'), NEW.id FROM json_each(NEW.images);
        END
        """,
        """
        CREATE TRIGGER images_of_changed AFTER UPDATE OF images ON profiles
        WHEN OLD.images <> NEW.images BEGIN
            DELETE FROM image_uses WHERE profile_id = NEW.id;
            INSERT INTO image_uses
            SELECT json_extract(value, '$[0]'), NEW.id FROM json_each(NEW.images);
        END
        """,
        """
        CREATE TRIGGER images_of_gone AFTER DELETE ON profiles WHEN OLD.images <> '[]' BEGIN
            DELETE FROM image_uses WHERE profile_id = OLD.id;
        END
        """,
        # Whose files stay until then, used or not; or are being removed, where the holder is empty.
        """
        CREATE TABLE image_holds (
            image_id TEXT NOT NULL,
            holder TEXT NOT NULL,
            until INTEGER NOT NULL,
            PRIMARY KEY (image_id, holder)
        ) WITHOUT ROWID
        """,
    ),
    (
        # The profiles of one owner, the newest first, without a look at those of others.
        """
        CREATE INDEX profiles_of_owner ON profiles (owner, created_at, id)
        WHERE owner IS NOT NULL AND deleted_at IS NULL
        """,
    ),
    (
        # Of the secret only its SHA-256; the scopes with spaces between them.
        """
        CREATE TABLE tokens (
            id BLOB NOT NULL PRIMARY KEY,
            name TEXT NOT NULL,
            subject TEXT NOT NULL,
            scopes TEXT NOT NULL,
            digest BLOB NOT NULL,
            created_at INTEGER NOT NULL,
            expires_at INTEGER,
            revoked_at INTEGER,
            used_at INTEGER
        )
        """,
    ),
    # With either of the others all of that status or type are read until enough are of both.
    ("CREATE INDEX tasks_of_status_and_type ON tasks (status, type, id)",),
    (
        # What is kept of writes, and what became of each change: positions of the log and codes.
        """
        CREATE TABLE receipts (
            key BLOB NOT NULL PRIMARY KEY,
            fingerprint BLOB NOT NULL,
            until INTEGER NOT NULL,
            note TEXT NOT NULL,
            marks TEXT NOT NULL
        )
        """,
        "CREATE INDEX receipts_until ON receipts (until)",
    ),
    (
        # How tasks ended; as that of events, its newest row is never removed.
        """
        CREATE TABLE endings (
            position INTEGER PRIMARY KEY,
            task_id BLOB NOT NULL,
            type TEXT NOT NULL,
            status TEXT NOT NULL,
            at INTEGER NOT NULL
        )
        """,
        "ALTER TABLE log ADD COLUMN endings_trimmed INTEGER NOT NULL DEFAULT 0",
    ),
)


def check(connection: sqlite3.Connection) -> None:
    """Refuse a file that belongs to something else, or to a later release. Writes nothing."""
    application, step, objects = connection.execute(
        "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_master)"
        " FROM pragma_application_id, pragma_user_version"
    ).fetchone()
    if application != APPLICATION_ID and (application or step or objects):
        raise Unavailable("it belongs to another program; use another path")
    if step > len(STEPS):
        raise Unavailable(
            f"it was written by a later release (step {step}, this one knows {len(STEPS)});"
            " update this one, or restore a backup from before"
        )


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the file to the last step, in one transaction; safe where several processes do.

    Where it raises, the connection has to be closed, which undoes what was done.
    """
    connection.execute("BEGIN IMMEDIATE")
    check(connection)
    (done,) = connection.execute("PRAGMA user_version").fetchone()
    for statements in STEPS[done:]:
        for statement in statements:
            connection.execute(statement)
    if done < len(STEPS):
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(STEPS)}")
    connection.execute("COMMIT")
