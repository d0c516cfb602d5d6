using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Mcn.Web.Bench;

/// <summary>
/// What one bench found: rows (in named tables, because their columns differ), ratios from this one run, and the machine. Printed as
/// markdown for people and docs/results.md, or as one JSON object: bench, machine, rows, ratios (and notes).
/// </summary>
sealed class BenchReport(string bench)
{
    readonly List<(string Table, JsonObject Row)> rows = [];
    readonly List<(string Name, double Value, string Target)> ratios = [];
    readonly List<string> notes = [];

    /// <summary>Adds a row; a column's name carries its unit. Rows of one table have the same columns.</summary>
    public void Add(string table, params ReadOnlySpan<(string Column, JsonNode? Value)> cells)
    {
        var row = new JsonObject { ["table"] = table };
        foreach (var (column, value) in cells) row[column] = value;
        rows.Add((table, row));
    }

    /// <summary>A ratio of two figures of this run, and what it should be (`>= 5`), if anything.</summary>
    public void Ratio(string name, double value, string target = "") => ratios.Add((name, value, target));

    /// <summary>What a reader must know to read the figures rightly.</summary>
    public void Note(string text) => notes.Add(text);

    public void Print(bool asJson)
    {
        if (asJson) Console.WriteLine(ToJson().ToJsonString());
        else Console.Write(ToMarkdown());
    }

    JsonObject ToJson() => new()
    {
        ["bench"] = bench,
        ["machine"] = Machine.Describe(),
        ["rows"] = new JsonArray([.. rows.Select(row => row.Row.DeepClone())]),
        ["ratios"] = new JsonObject(ratios.Select(ratio => KeyValuePair.Create(ratio.Name, (JsonNode?)ratio.Value))),
        ["notes"] = new JsonArray([.. notes.Select(note => (JsonNode)note)]),
    };

    string ToMarkdown()
    {
        var text = new StringWriter(CultureInfo.InvariantCulture);
        text.WriteLine($"Machine: {Machine.Describe()}");
        foreach (var table in rows.GroupBy(row => row.Table))
        {
            var columns = table.First().Row.Select(cell => cell.Key).Where(column => column != "table").ToArray();
            text.WriteLine();
            if (table.Key.Length > 0) text.WriteLine($"{table.Key}:");
            if (table.Key.Length > 0) text.WriteLine();
            text.WriteLine($"| {string.Join(" | ", columns)} |");
            text.WriteLine($"|{string.Concat(Enumerable.Repeat("---|", columns.Length))}");
            foreach (var (_, row) in table) text.WriteLine($"| {string.Join(" | ", columns.Select(column => Cell(row[column])))} |");
        }

        if (ratios.Count > 0)
        {
            text.WriteLine();
            text.WriteLine("| ratio, from this run | value | target |");
            text.WriteLine("|---|---|---|");
            foreach (var (name, value, target) in ratios) text.WriteLine($"| {name} | {Figure(value)} | {target} |");
        }

        if (notes.Count > 0) text.WriteLine();
        foreach (var note in notes) text.WriteLine(note);
        return text.ToString();
    }

    static string Cell(JsonNode? value) => value switch
    {
        null => "-",
        JsonValue number when number.GetValueKind() == JsonValueKind.Number => Figure(double.Parse(number.ToJsonString(), CultureInfo.InvariantCulture)), // GetValue<double> refuses an int
        _ => value.ToString(),
    };

    // Four digits are more than a measurement on a shared machine is good for.
    static string Figure(double value)
    {
        if (value == 0 || !double.IsFinite(value)) return value.ToString(CultureInfo.InvariantCulture);
        var decimals = Math.Clamp(3 - (int)Math.Floor(Math.Log10(Math.Abs(value))), 0, 9);
        return value.ToString(Math.Abs(value) >= 1000 ? "N0" : "0." + new string('#', decimals), CultureInfo.InvariantCulture);
    }
}
