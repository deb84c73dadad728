"""Secrets in the local state file, for development only: they lie there in the clear."""

from backbeat.adapters.sqlite.database import Database


class SqliteSecrets:
    """`ports.secrets.Secrets` as rows of the shared file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, name: str) -> str | None:
        """See `Secrets.get`."""
        with self._database.read() as connection:
            row: tuple[str] | None = connection.execute(
                "SELECT value FROM secret WHERE name = ?", (name,)
            ).fetchone()
        return None if row is None else row[0]

    def put(self, name: str, value: str) -> None:
        """See `Secrets.put`."""
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO secret (name, value) VALUES (?, ?)"
                " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (name, value),
            )

    def delete(self, name: str) -> None:
        """See `Secrets.delete`."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM secret WHERE name = ?", (name,))
