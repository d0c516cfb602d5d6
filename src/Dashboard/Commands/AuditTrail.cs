using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Mcn.Web.Dashboard.Telemetry;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Commands;
using Microsoft.Data.Sqlite;

namespace Mcn.Web.Dashboard.Commands;

/// <summary>
/// The append-only table behind the audit log: a trigger refuses to change or remove a row, and each row's hash covers the one before it, so
/// that a row changed behind the program's back is found. On the database's writer thread.
/// </summary>
static class AuditTrail
{
    const string Columns = "time, command, who, place, verb, argument, run, previous, result, code, text, seconds";

    /// <param name="previous">What the run was meant to do before.</param>
    /// <param name="seconds">From giving to the end, when this is the end.</param>
    public static void Append(SqliteConnection connection, PendingCommand pending, string result, string? previous, double? seconds, DateTimeOffset now)
    {
        var command = pending.Command;
        (string Name, object? Value)[] row =
        [
            ("$time", now.Seconds()), ("$command", command.CommandId), ("$who", command.IssuedBy), ("$place", command.IssuedFrom), ("$verb", command.Verb.ToString()),
            ("$argument", Argument(command)), ("$run", command.RunId), ("$previous", previous), ("$result", result), ("$code", pending.Code), ("$text", pending.Text), ("$seconds", seconds),
        ];
        var before = connection.Rows("SELECT hash FROM audit_trail ORDER BY number DESC LIMIT 1", last => last.GetString(0)).FirstOrDefault() ?? "";
        connection.Run($"INSERT INTO audit_trail({Columns}, hash) VALUES({string.Join(", ", row.Select(value => value.Name))}, $hash)", [.. row, ("$hash", Hash(before, row.Select(value => value.Value)))]);
    }

    /// <summary>The first row that is not as it was written; null: all are.</summary>
    public static long? FirstForged(SqliteConnection connection)
    {
        var before = "";
        foreach (var (number, hash, values) in connection.Rows($"SELECT number, hash, {Columns} FROM audit_trail ORDER BY number", row => (
            row.GetInt64(0), row.GetString(1), (object?[])[.. Enumerable.Range(2, row.FieldCount - 2).Select(column => row.IsDBNull(column) ? null : row.GetValue(column))])))
        {
            if (hash != BeforeTheChain && hash != Hash(before, values)) return number;
            before = hash;
        }

        return null;
    }

    /// <summary>Rows that were moved here from before version 2.</summary>
    const string BeforeTheChain = "before the chain";

    /// <summary>A whole configuration is not repeated here: its hash names it.</summary>
    static string? Argument(RunCommand command) => command switch
    {
        { Verb: CommandVerb.Start, Argument: { } text } => Named(text),
        { Verb: CommandVerb.Branch, Argument: { } text } when JsonSerializer.Deserialize(text, McnJson.Default.BranchPoint) is { } point =>
            point.Configuration is { } changed ? $"step {point.Step}, {Named(changed)}" : $"step {point.Step}",
        _ => command.Argument,
    };

    static string Named(string configuration) => "configuration, SHA-256 " + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(configuration)));

    static string Hash(string before, IEnumerable<object?> values) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(
        before + "\n" + string.Join('\u001f', values.Select(value => value is double number ? number.ToString("R", CultureInfo.InvariantCulture) : value?.ToString() ?? "\u0000")))));
}
