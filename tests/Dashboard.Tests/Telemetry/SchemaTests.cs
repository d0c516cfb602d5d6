using Mcn.Web.Dashboard.Commands;
using Mcn.Web.Dashboard.Telemetry;
using Mcn.Web.Shared.Commands;
using Mcn.Web.TestKit;
using Microsoft.Data.Sqlite;

namespace Mcn.Web.Dashboard.Tests.Telemetry;

public sealed class SchemaTests
{
    [Fact]
    public async Task An_audit_log_of_version_1_becomes_the_begin_of_the_trail_and_the_chain_goes_on_behind_it()
    {
        using var folder = new TempFolder();
        var file = folder.File("dashboard.db");
        using (var connection = new SqliteConnection($"Data Source={file};Pooling=False"))
        {
            connection.Open();
            using var old = connection.CreateCommand();
            old.CommandText = """
                CREATE TABLE runs(run TEXT PRIMARY KEY, name TEXT NOT NULL, created REAL NOT NULL, config TEXT NOT NULL, environment TEXT, trainer TEXT NOT NULL) WITHOUT ROWID;
                CREATE TABLE audit(id TEXT PRIMARY KEY, time REAL NOT NULL, who TEXT NOT NULL, verb TEXT NOT NULL, run TEXT, result TEXT NOT NULL, text TEXT, finished REAL) WITHOUT ROWID;
                CREATE INDEX audit_by_time ON audit(time);
                INSERT INTO audit VALUES('b', 2, 'bob', 'Resume', 'run-1', 'Refused', 'not held', 3), ('a', 1, 'ann', 'Hold', 'run-1', 'Done', NULL, 2);
                PRAGMA user_version = 1;
                """;
            old.ExecuteNonQuery();
        }

        using var database = new Database(file);
        var time = TimeProvider.System;
        var command = new RunCommand("c", "run-1", CommandVerb.Hold, null, "ann", time.GetUtcNow(), TimeSpan.FromMinutes(1));
        await new CommandStore(database, time).AddAsync(new PendingCommand(command, null, CommandProgress.Waiting, null, null, time.GetUtcNow(), time.GetUtcNow()), observed: 3);
        var rows = database.Read(connection => connection.Rows("SELECT command, who, verb, result FROM audit_trail ORDER BY number",
            row => (row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3))));
        Assert.Equal([("a", "ann", "Hold", "Done"), ("b", "bob", "Resume", "Refused"), ("c", "ann", "Hold", "Waiting")], rows);
        Assert.Null(new AuditLog(database).FirstForged());
        Assert.Equal(4, new CommandStore(database, time).Desired("run-1")!.Generation);
        Assert.Equal(Schema.Version, database.Read(connection => connection.Number("PRAGMA user_version")));
    }
}
