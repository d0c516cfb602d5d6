using System.Buffers.Binary;
using System.Text.Json.Nodes;

namespace Mcn.Web.EndToEnd.Tests;

/// <summary>What the trainer wrote about the only run of a data folder: the truth that pages are compared with.</summary>
public static class Journal
{
    public static string Run(string data) => Directory.GetDirectories(Path.Combine(data, "runs")).Single();

    /// <summary>Records in the order of incarnations; "kind" tells what each is.</summary>
    public static IReadOnlyList<JsonNode> Read(string data, string stream = "worker") => Directory.Exists(Path.Combine(data, "runs")) && Directory.GetDirectories(Path.Combine(data, "runs")) is [var run] && Directory.Exists(Path.Combine(run, "journal"))
        ? [.. Directory.GetFiles(Path.Combine(run, "journal"), $"{stream}-*.journal").Order(StringComparer.Ordinal).SelectMany(Frames)]
        : [];

    /// <summary>The loss of every step as it was trained last.</summary>
    public static SortedDictionary<long, double> Losses(string data)
    {
        SortedDictionary<long, double> losses = [];
        foreach (var record in Read(data).Where(record => (string?)record["kind"] == "step")) losses[(long)record["step"]!] = (double)record["values"]!["train.loss"]!;
        return losses;
    }

    public static long Steps(string data) => Losses(data).Keys.LastOrDefault();

    public static int Incarnations(string data) => Read(data).Select(record => (int)record["id"]!["incarnation"]!).DefaultIfEmpty().Max();

    /// <summary>The evaluation's table at the end, as text to compare.</summary>
    public static string Table(string data) => Read(data).Last(record => (string?)record["kind"] == "evaluation")["rows"]!.ToJsonString();

    static List<JsonNode> Frames(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        List<JsonNode> records = [];
        if (bytes.Length < 8) return records;
        Assert.True(bytes.AsSpan().StartsWith("MCNJ"u8), file);
        // Header: magic and version. Frame: length, checksum, JSON. What is torn at the end is not there.
        for (var at = 8; at + 8 <= bytes.Length;)
        {
            var length = (int)BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at));
            if (at + 8 + length > bytes.Length) break;
            records.Add(JsonNode.Parse(bytes.AsSpan(at + 8, length))!);
            at += 8 + length;
        }

        return records;
    }
}
