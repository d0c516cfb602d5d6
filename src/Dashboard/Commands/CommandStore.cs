using System.Text.Json;
using Mcn.Web.Dashboard.Telemetry;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Commands;
using Mcn.Web.Shared.Telemetry;

namespace Mcn.Web.Dashboard.Commands;

/// <summary>
/// Commands and wishes on disk: a command that was given is carried on with by the next process of this program. Each change and its line
/// of the audit trail are one transaction.
/// </summary>
public sealed class CommandStore(Database database, TimeProvider time)
{
    /// <summary>Takes a new command: a wish gets the next generation of its run.</summary>
    /// <param name="observed">Newest generation that the trainer has told of.</param>
    public Task<PendingCommand> AddAsync(PendingCommand pending, long observed) => database.WriteAsync(connection =>
    {
        var command = pending.Command;
        string? previous = null;
        if (command.RunId is { } run && command.Verb.Wish() is { } target)
        {
            var before = Desired(connection, run);
            previous = before?.Target.ToString();
            command = command with { Generation = Math.Max(before?.Generation ?? 0, observed) + 1 };
            connection.Run(
                """
                INSERT INTO desired VALUES($run, $generation, $target, $command, $by, $at)
                ON CONFLICT(run) DO UPDATE SET generation = $generation, target = $target, command = $command, set_by = $by, set_at = $at
                """,
                ("$run", run), ("$generation", command.Generation), ("$target", target.ToString()), ("$command", command.CommandId), ("$by", command.IssuedBy), ("$at", command.IssuedAt.Seconds()));
        }

        var stored = pending with { Command = command };
        connection.Run("INSERT INTO commands VALUES($id, $run, $trainer, $json, $notAfter, $progress, $code, $text, $changed)",
            ("$id", command.CommandId), ("$run", command.RunId), ("$trainer", pending.Trainer), ("$json", JsonSerializer.SerializeToUtf8Bytes(command, McnJson.Default.RunCommand)),
            ("$notAfter", pending.NotAfter.Seconds()), ("$progress", pending.Progress.ToString()), ("$code", pending.Code), ("$text", pending.Text), ("$changed", pending.Changed.Seconds()));
        AuditTrail.Append(connection, stored, pending.Progress.ToString(), previous, null, time.GetUtcNow());
        return stored;
    });

    /// <summary>It got further. What is final stays as it is.</summary>
    public Task ChangeAsync(PendingCommand pending) => database.WriteAsync(connection =>
    {
        connection.Run("UPDATE commands SET progress = $progress, code = $code, text = $text, changed = $changed WHERE id = $id",
            ("$id", pending.Command.CommandId), ("$progress", pending.Progress.ToString()), ("$code", pending.Code), ("$text", pending.Text), ("$changed", pending.Changed.Seconds()));
        double? seconds = pending.IsOpen ? null : Math.Max(0, (pending.Changed - pending.Command.IssuedAt).TotalSeconds);
        AuditTrail.Append(connection, pending, pending.Progress.ToString(), null, seconds, time.GetUtcNow());
    });

    /// <summary>Somebody asked for what his role does not allow.</summary>
    public Task DenyAsync(PendingCommand pending) => database.WriteAsync(connection => AuditTrail.Append(connection, pending, AuditLog.Denied, null, null, time.GetUtcNow()));

    /// <summary>What was open when this program ended, and how those ended that their runs have told of meanwhile.</summary>
    public IReadOnlyList<PendingCommand> Open() => database.Read(connection => (IReadOnlyList<PendingCommand>)
        [.. connection.Rows("SELECT json, trainer, progress, code, text, not_after, changed FROM commands WHERE progress IN ('Waiting', 'Sent', 'NoAnswer', 'Accepted')",
            row => new PendingCommand(JsonSerializer.Deserialize((byte[])row.GetValue(0), McnJson.Default.RunCommand)!, row.IsDBNull(1) ? null : row.GetString(1),
                Enum.Parse<CommandProgress>(row.GetString(2)), row.IsDBNull(3) ? null : row.GetString(3), row.IsDBNull(4) ? null : row.GetString(4), row.Time(5), row.Time(6)))]);

    /// <summary>How it ended, as its run has told; null: not yet.</summary>
    public CommandEnded? End(RunCommand command) => database.Read(connection => connection.Rows(
        "SELECT json FROM events WHERE run = $run AND kind = 'command_ended' AND json_extract(CAST(json AS TEXT), '$.command_id') = $id LIMIT 1",
        row => StoredRecord.Read(new RecordId("", 0, "", 0), (byte[])row.GetValue(0)).Record as CommandEnded, ("$run", command.RunId), ("$id", command.CommandId)).FirstOrDefault());

    public DesiredState? Desired(string run) => database.Read(connection => Desired(connection, run));

    static DesiredState? Desired(Microsoft.Data.Sqlite.SqliteConnection connection, string run) => connection.Rows(
        "SELECT generation, target, command, set_by, set_at FROM desired WHERE run = $run",
        row => new DesiredState(run, row.GetInt64(0), Enum.Parse<RunTarget>(row.GetString(1)), row.GetString(2), row.GetString(3), row.Time(4)), ("$run", run)).FirstOrDefault();
}
