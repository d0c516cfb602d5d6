using Mcn.Web.Dashboard.Telemetry;
using Mcn.Web.Shared.Commands;
using Mcn.Web.Shared.Telemetry;
using Microsoft.Data.Sqlite;

namespace Mcn.Web.Dashboard.Commands;

/// <summary>A command and what became of it, or has so far.</summary>
/// <param name="Place">Network address it was given from; null: unknown, or the trainer's own machine.</param>
/// <param name="Previous">What the run was meant to do before; null: not known, or the command wished nothing.</param>
/// <param name="Result">Name of a <see cref="CommandProgress"/>, or `Denied`.</param>
/// <param name="Seconds">From giving to the end; null: it has not ended.</param>
public sealed record AuditRow(
    string Id, DateTimeOffset Time, string Who, string? Place, string Verb, string? Argument, string? Run, string? Previous, string Result, string? Code, string? Text, double? Seconds);

/// <summary>
/// Who asked for what, when, from where, and what became of it. What did not pass here (given over the socket on the trainer's machine)
/// stands in the trainers' records and is read from there.
/// </summary>
public sealed class AuditLog(Database database)
{
    public const string Denied = "Denied";

    public IReadOnlyList<AuditRow> Newest(int most) => database.Read(connection => (IReadOnlyList<AuditRow>)
        [.. Given(connection, most).Concat(GivenElsewhere(connection, most)).OrderByDescending(row => row.Time).Take(most)]);

    /// <summary>The first row of the trail that was changed behind this program's back; null: none.</summary>
    public long? FirstForged() => database.Read(AuditTrail.FirstForged);

    static List<AuditRow> Given(SqliteConnection connection, int most) => connection.Rows(
        """
        SELECT first.command, first.time, first.who, first.place, first.verb, first.argument, first.run, first.previous, last.result, last.code, last.text, last.seconds
        FROM (SELECT min(number) AS first, max(number) AS last FROM audit_trail GROUP BY command ORDER BY first DESC LIMIT $most) AS ends
        JOIN audit_trail AS first ON first.number = ends.first JOIN audit_trail AS last ON last.number = ends.last
        """,
        row => new AuditRow(row.GetString(0), row.Time(1), row.GetString(2), Text(row, 3), row.GetString(4), Text(row, 5), Text(row, 6), Text(row, 7), row.GetString(8), Text(row, 9), Text(row, 10),
            row.IsDBNull(11) ? null : row.GetDouble(11)), ("$most", most));

    static IEnumerable<AuditRow> GivenElsewhere(SqliteConnection connection, int most)
    {
        var handled = Events<CommandHandled>(connection, "command", "$.command.command_id", most).ToList();
        // Newest first; the first end counts: daemons of before wrote some again, as ended by a later worker's leaving.
        var ends = Events<CommandEnded>(connection, "command_ended", "$.command_id", most).GroupBy(ended => ended.CommandId).ToDictionary(group => group.Key, group => group.Last());
        return handled.Select(one => Row(one, ends.GetValueOrDefault(one.Command.CommandId)));
    }

    static IEnumerable<T> Events<T>(SqliteConnection connection, string kind, string path, int most) => connection.Rows(
        $"""
        SELECT json FROM events WHERE run IN (SELECT run FROM runs) AND kind = $kind AND json_extract(CAST(json AS TEXT), $path) NOT IN (SELECT command FROM audit_trail)
        ORDER BY time DESC LIMIT $most
        """,
        row => StoredRecord.Read(new RecordId("", 0, "", 0), (byte[])row.GetValue(0)).Record, ("$most", most), ("$kind", kind), ("$path", path)).OfType<T>();

    static AuditRow Row(CommandHandled handled, CommandEnded? ended)
    {
        var (command, answer) = (handled.Command, handled.Answer);
        var progress = !answer.Accepted ? CommandProgress.Refused : ended is null ? CommandProgress.Accepted : TrainerCommands.ProgressOf(ended);
        return new AuditRow(command.CommandId, command.IssuedAt, command.IssuedBy, command.IssuedFrom, command.Verb.ToString(), command.Verb == CommandVerb.Start ? null : command.Argument,
            command.RunId ?? answer.RunId, null, progress.ToString(), ended?.Code ?? answer.Code, ended is { Text.Length: > 0 } ? ended.Text : answer.Text, ended?.DurationSeconds);
    }

    static string? Text(SqliteDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);
}
