using System.Globalization;
using System.Text;
using Mcn.Web.Dashboard.Accounts;
using Mcn.Web.Dashboard.Commands;

namespace Mcn.Web.Dashboard.Settings;

/// <summary>The audit trail as a file: RFC 4180, UTF-8 with a mark so that spreadsheets read it, times in UTC.</summary>
static class AuditEndpoints
{
    /// <summary>More than a lab gives in years; a larger trail is cut, newest first, and says so in its last line.</summary>
    const int Most = 100_000;

    static readonly string[] Heads = ["time", "command_id", "who", "from", "verb", "argument", "run", "wish_before", "result", "code", "text", "seconds"];

    public static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/api/commands.csv", (AuditLog audit) =>
        Results.File(Encoding.UTF8.GetPreamble().Concat(Encoding.UTF8.GetBytes(Csv(audit.Newest(Most + 1)))).ToArray(), "text/csv; charset=utf-8", "commands.csv"))
        .RequireAuthorization(Policies.Viewer);

    internal static string Csv(IReadOnlyList<AuditRow> rows)
    {
        var text = new StringBuilder().AppendJoin(',', Heads).Append("\r\n");
        foreach (var row in rows.Take(Most))
        {
            string?[] cells =
            [
                row.Time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture), row.Id, row.Who, row.Place, row.Verb, row.Argument, row.Run, row.Previous,
                row.Result, row.Code, row.Text, row.Seconds?.ToString("0.###", CultureInfo.InvariantCulture),
            ];
            text.AppendJoin(',', cells.Select(Cell)).Append("\r\n");
        }

        if (rows.Count > Most) text.Append("# older rows are not in this file\r\n");
        return text.ToString();
    }

    /// <summary>A text that a spreadsheet would take for a formula is made one that it does not.</summary>
    static string Cell(string? value)
    {
        var text = value is { Length: > 0 } && "=+-@\t\r".Contains(value[0], StringComparison.Ordinal) ? "'" + value : value ?? "";
        return text.AsSpan().IndexOfAny(",\"\r\n") < 0 ? text : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
    }
}
