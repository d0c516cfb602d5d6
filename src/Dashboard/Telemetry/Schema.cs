using Mcn.Web.Shared;
using Microsoft.Data.Sqlite;

namespace Mcn.Web.Dashboard.Telemetry;

/// <summary>
/// Tables of the database, as a list of steps: step n brings version n-1 to n, each in one transaction. Never change a step
/// that was released; add one. A database of a newer program is refused, not guessed at.
/// </summary>
public static class Schema
{
    static readonly string[] Steps =
    [
        // 1: the first layout.
        """
        CREATE TABLE runs(run TEXT PRIMARY KEY, name TEXT NOT NULL, created REAL NOT NULL, config TEXT NOT NULL, environment TEXT, trainer TEXT NOT NULL) WITHOUT ROWID;

        -- How far each stream is committed; a record at or below its cursor has been taken.
        CREATE TABLE cursors(run TEXT NOT NULL, incarnation INTEGER NOT NULL, stream TEXT NOT NULL, sequence INTEGER NOT NULL,
          PRIMARY KEY(run, incarnation, stream)) WITHOUT ROWID;

        -- Everything but numeric points, as it came.
        CREATE TABLE events(run TEXT NOT NULL, time REAL NOT NULL, incarnation INTEGER NOT NULL, stream TEXT NOT NULL, sequence INTEGER NOT NULL,
          kind TEXT NOT NULL, json BLOB NOT NULL, PRIMARY KEY(run, incarnation, stream, sequence)) WITHOUT ROWID;
        CREATE INDEX events_by_time ON events(run, kind, time);

        -- The newest sample of a kind, whole: names, units and flags that points do not carry.
        CREATE TABLE newest(run TEXT NOT NULL, kind TEXT NOT NULL, time REAL NOT NULL, json BLOB NOT NULL, PRIMARY KEY(run, kind)) WITHOUT ROWID;

        -- Where an incarnation began, and the step after which a later one went over its points again (null: never).
        CREATE TABLE incarnations(run TEXT NOT NULL, incarnation INTEGER NOT NULL, from_step INTEGER NOT NULL, overtaken_after INTEGER,
          PRIMARY KEY(run, incarnation)) WITHOUT ROWID;

        -- Points: the newest as rows, blocks of them as one blob (time, step, value; doubles).
        CREATE TABLE series(id INTEGER PRIMARY KEY, run TEXT NOT NULL, incarnation INTEGER NOT NULL, metric TEXT NOT NULL, points INTEGER NOT NULL DEFAULT 0, in_tail INTEGER NOT NULL DEFAULT 0,
          UNIQUE(run, incarnation, metric));
        CREATE TABLE tail(series INTEGER NOT NULL, number INTEGER NOT NULL, time REAL NOT NULL, step REAL, value REAL,
          PRIMARY KEY(series, number)) WITHOUT ROWID;
        CREATE TABLE chunks(series INTEGER NOT NULL, number INTEGER NOT NULL, points BLOB NOT NULL, PRIMARY KEY(series, number)) WITHOUT ROWID;

        CREATE TABLE crash_reports(id TEXT PRIMARY KEY, sha256 TEXT NOT NULL, bytes INTEGER NOT NULL, received REAL NOT NULL) WITHOUT ROWID;

        CREATE TABLE users(name TEXT PRIMARY KEY COLLATE NOCASE, hash TEXT NOT NULL, role TEXT NOT NULL, stamp TEXT NOT NULL, created REAL NOT NULL) WITHOUT ROWID;
        CREATE TABLE api_keys(id TEXT PRIMARY KEY, name TEXT NOT NULL, sha256 BLOB NOT NULL, created REAL NOT NULL, created_by TEXT NOT NULL, revoked REAL) WITHOUT ROWID;

        CREATE TABLE audit(id TEXT PRIMARY KEY, time REAL NOT NULL, who TEXT NOT NULL, verb TEXT NOT NULL, run TEXT, result TEXT NOT NULL, text TEXT, finished REAL) WITHOUT ROWID;
        CREATE INDEX audit_by_time ON audit(time);
        """,

        // 2: commands outlive this program; the wish for each run with its generation; the audit trail is append-only and chained.
        """
        CREATE TABLE commands(id TEXT PRIMARY KEY, run TEXT, trainer TEXT, json BLOB NOT NULL, not_after REAL NOT NULL, progress TEXT NOT NULL,
          code TEXT, text TEXT, changed REAL NOT NULL) WITHOUT ROWID;

        CREATE TABLE desired(run TEXT PRIMARY KEY, generation INTEGER NOT NULL, target TEXT NOT NULL, command TEXT NOT NULL, set_by TEXT NOT NULL, set_at REAL NOT NULL) WITHOUT ROWID;

        -- One row for each thing that happened to a command; `hash` covers the row and the hash before it.
        CREATE TABLE audit_trail(number INTEGER PRIMARY KEY, time REAL NOT NULL, command TEXT NOT NULL, who TEXT NOT NULL, place TEXT, verb TEXT NOT NULL, argument TEXT, run TEXT,
          previous TEXT, result TEXT NOT NULL, code TEXT, text TEXT, seconds REAL, hash TEXT NOT NULL);
        CREATE INDEX audit_trail_by_command ON audit_trail(command, number);
        INSERT INTO audit_trail(time, command, who, verb, run, result, text, hash) SELECT time, id, who, verb, run, result, text, 'before the chain' FROM audit ORDER BY time;
        DROP TABLE audit;
        CREATE TRIGGER audit_trail_is_not_changed BEFORE UPDATE ON audit_trail BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
        CREATE TRIGGER audit_trail_is_not_shortened BEFORE DELETE ON audit_trail BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
        """,

        // 3: a run may have branched off from another.
        """
        ALTER TABLE runs ADD COLUMN parent TEXT;
        ALTER TABLE runs ADD COLUMN parent_step INTEGER;
        """,
    ];

    public static int Version => Steps.Length;

    /// <summary>Brings an empty or older database to this program's version.</summary>
    /// <exception cref="UserError">It is of a newer program.</exception>
    public static void Bring(SqliteConnection connection, string file)
    {
        var version = connection.Number("PRAGMA user_version");
        if (version > Version)
            throw new UserError(file, $"database version {version}", $"at most {Version}", "A newer program wrote it: update this one, or give another --data");
        for (var step = (int)version; step < Version; step++)
            connection.Run($"BEGIN IMMEDIATE; {Steps[step]} PRAGMA user_version={step + 1}; COMMIT;");
    }
}

/// <summary>The few shapes of a statement that the store uses. Values are always parameters.</summary>
static class Sql
{
    internal static int Run(this SqliteConnection connection, string sql, params (string Name, object? Value)[] values)
    {
        using var command = connection.With(sql, values);
        return command.ExecuteNonQuery();
    }

    internal static long Number(this SqliteConnection connection, string sql, params (string Name, object? Value)[] values)
    {
        using var command = connection.With(sql, values);
        return command.ExecuteScalar() is long number ? number : 0;
    }

    internal static List<T> Rows<T>(this SqliteConnection connection, string sql, Func<SqliteDataReader, T> read, params (string Name, object? Value)[] values)
    {
        using var command = connection.With(sql, values);
        using var reader = command.ExecuteReader();
        var rows = new List<T>();
        while (reader.Read()) rows.Add(read(reader));
        return rows;
    }

    /// <summary>Unix seconds: what every time column holds.</summary>
    internal static double Seconds(this DateTimeOffset time) => time.ToUnixTimeMilliseconds() / 1000.0;

    internal static DateTimeOffset Time(this SqliteDataReader reader, int column) =>
        DateTimeOffset.FromUnixTimeMilliseconds((long)Math.Round(reader.GetDouble(column) * 1000));

    static SqliteCommand With(this SqliteConnection connection, string sql, (string Name, object? Value)[] values)
    {
        var command = connection.CreateCommand();
        command.CommandText = sql;
        foreach (var (name, value) in values) command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        return command;
    }
}
