using Mcn.Web.Dashboard.Telemetry;
using Mcn.Web.Shared.Commands;
using Mcn.Web.Shared.Telemetry;
using Microsoft.Data.Sqlite;

namespace Mcn.Web.Dashboard.Commands;

/// <param name="Result">Name of a <see cref="CommandProgress"/>, or `Denied`.</param>
public sealed record AuditRow(string Id, DateTimeOffset Time, string Who, string Verb, string? Run, string Result, string? Text, DateTimeOffset? Finished);

/// <summary>
/// Who asked for what, when, and what became of it; rows are added and completed, never removed. What did not pass here (given over
/// the socket on the trainer's machine) stands in the trainers' records and is read from there.
/// </summary>
public sealed class AuditLog(Database database, TimeProvider time)
{
    public const string Denied = "Denied";

    public IReadOnlyList<AuditRow> Newest(int most) => database.Read(connection => (IReadOnlyList<AuditRow>)
        [.. Given(connection, most).Concat(GivenElsewhere(connection, most)).OrderByDescending(row => row.Time).Take(most)]);

    static List<AuditRow> Given(SqliteConnection connection, int most) => connection.Rows(
        "SELECT id, time, who, verb, run, result, text, finished FROM audit ORDER BY time DESC LIMIT $most",
        row => new AuditRow(row.GetString(0), row.Time(1), row.GetString(2), row.GetString(3), row.IsDBNull(4) ? null : row.GetString(4),
            row.GetString(5), row.IsDBNull(6) ? null : row.GetString(6), row.IsDBNull(7) ? null : row.Time(7)), ("$most", most));

    static IEnumerable<AuditRow> GivenElsewhere(SqliteConnection connection, int most) => connection.Rows(
        "SELECT json FROM events WHERE run IN (SELECT run FROM runs) AND kind = 'command' AND json_extract(CAST(json AS TEXT), '$.command.command_id') NOT IN (SELECT id FROM audit) ORDER BY time DESC LIMIT $most",
        row => StoredRecord.Read(new RecordId("", 0, "", 0), (byte[])row.GetValue(0)).Record, ("$most", most))
        .OfType<CommandHandled>().Select(handled => new AuditRow(handled.Command.CommandId, handled.Command.IssuedAt, handled.Command.IssuedBy, handled.Command.Verb.ToString(),
            handled.Command.RunId ?? handled.Answer.RunId, (handled.Answer.Accepted ? CommandProgress.Accepted : CommandProgress.Refused).ToString(), handled.Answer.Text, handled.Time));

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
