using System.Text.Json.Nodes;
using Mcn.Web.Trainer.Host;

namespace Mcn.Web.Trainer.Verbs;

/// <summary>What the doctor found, for people and for programs.</summary>
sealed class DoctorReport(IReadOnlyList<(string Group, Check Check)> found)
{
    public bool Fails => found.Any(one => one.Check.State == CheckState.Fail);

    public JsonObject ToJson() => new()
    {
        ["checks"] = new JsonArray([.. found.Select(one => (JsonNode)new JsonObject
        {
            ["id"] = one.Check.Id,
            ["state"] = Word(one.Check.State),
            ["found"] = one.Check.Found,
            ["expected"] = one.Check.Expected,
            ["remedy"] = one.Check.Remedy,
        })]),
    };

    public void Show(TextWriter output)
    {
        var width = found.Max(one => one.Check.Id.Length);
        foreach (var group in found.GroupBy(one => one.Group))
        {
            output.WriteLine(group.Key);
            foreach (var (_, check) in group) Show(output, check, width);
            output.WriteLine();
        }

        int Count(CheckState state) => found.Count(one => one.Check.State == state);
        output.WriteLine($"{found.Count} checks: {Count(CheckState.Ok)} ok, {Count(CheckState.Warning)} warning, {Count(CheckState.Fail)} fail, {Count(CheckState.Unknown)} unknown");
    }

    static void Show(TextWriter output, Check check, int width)
    {
        // What is not ok stands out by itself, also without colours.
        var word = check.State switch { CheckState.Ok => "ok", CheckState.Unknown => "unknown", _ => Word(check.State).ToUpperInvariant() };
        output.WriteLine($"  {word,-7}  {check.Id.PadRight(width)}  {check.Found}");
        if (check.State == CheckState.Ok) return;
        var margin = new string(' ', width + 13);
        output.WriteLine($"{margin}expected: {check.Expected}");
        output.WriteLine($"{margin}-> {check.Remedy}");
    }

    static string Word(CheckState state) => state switch { CheckState.Ok => "ok", CheckState.Warning => "warning", CheckState.Fail => "fail", _ => "unknown" };
}
