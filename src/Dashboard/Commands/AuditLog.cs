using Mcn.Web.Dashboard.Telemetry;
using Mcn.Web.Shared.Commands;

namespace Mcn.Web.Dashboard.Commands;

/// <param name="Result">Name of a <see cref="CommandProgress"/>, or `Denied`.</param>
public sealed record AuditRow(string Id, DateTimeOffset Time, string Who, string Verb, string? Run, string Result, string? Text, DateTimeOffset? Finished);

/// <summary>Who asked for what, when, and what became of it; rows are added and completed, never removed.</summary>
public sealed class AuditLog(Database database, TimeProvider time)
{
    public const string Denied = "Denied";

    public IReadOnlyList<AuditRow> Newest(int most) => database.Read(connection => connection.Rows(
        "SELECT id, time, who, verb, run, result, text, finished FROM audit ORDER BY time DESC LIMIT $most",
        row => new AuditRow(row.GetString(0), row.Time(1), row.GetString(2), row.GetString(3), row.IsDBNull(4) ? null : row.GetString(4),
            row.GetString(5), row.IsDBNull(6) ? null : row.GetString(6), row.IsDBNull(7) ? null : row.Time(7)), ("$most", most)));

    public Task AddAsync(RunCommand command, string result, string? text = null) => database.WriteAsync(connection =>
    {
        connection.Run("INSERT INTO audit VALUES($id, $time, $who, $verb, $run, $result, $text, NULL)",
            ("$id", command.CommandId), ("$time", command.IssuedAt.Seconds()), ("$who", command.IssuedBy), ("$verb", command.Verb.ToString()),
            ("$run", command.RunId), ("$result", result), ("$text", text));
    });

    public Task UpdateAsync(PendingCommand pending) => database.WriteAsync(connection =>
    {
        connection.Run("UPDATE audit SET result = $result, text = $text, finished = $finished WHERE id = $id",
            ("$id", pending.Command.CommandId), ("$result", pending.Progress.ToString()), ("$text", pending.Text),
            ("$finished", pending.IsOpen ? null : time.GetUtcNow().Seconds()));
    });
}
