using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Telemetry;
using Mcn.Web.Trainer.Diagnosis;
using Mcn.Web.Trainer.Recording;

namespace Mcn.Web.Trainer.Crashes;

/// <summary>The evidence back out of a report, as the investigator had it: the same program comes to the same verdict.</summary>
static class CrashEvidence
{
    /// <summary>A report is at most 50 MB; a part of it that unpacks to more than this is none of ours.</summary>
    const int MostPartBytes = 16 << 20;

    /// <exception cref="InvalidDataException">It is no report, or damaged.</exception>
    public static Evidence Of(Stream zip)
    {
        using var archive = new ZipArchive(zip, ZipArchiveMode.Read);
        var parts = archive.Entries.ToLookup(entry => entry.FullName[(entry.FullName.IndexOf('/', StringComparison.Ordinal) + 1)..]);
        byte[]? Bytes(string name) => parts[name].FirstOrDefault() is { } entry ? Unpack(entry) : null;
        string? Text(string name) => Bytes(name) is { } bytes ? Encoding.UTF8.GetString(bytes) : null;
        using var exit = JsonDocument.Parse(Text("process/exit.json") ?? throw new InvalidDataException("a zip without process/exit.json"));
        var kernel = Text("host/kernel.txt");
        var texts = new List<TextSource>();
        if (Text("process/last_words.txt") is { } words) texts.Add(new TextSource("last_words", words.Split('\n')));
        texts.Add(new TextSource("stderr", Text("logs/stderr.txt")?.Split('\n') ?? []));
        if (kernel is not null) texts.Add(new TextSource("kernel", kernel.Split('\n')));
        return new Evidence
        {
            ExitCode = (int?)Number(exit, "exit_code"),
            Signal = (int?)Number(exit, "signal"),
            Hang = exit.RootElement.TryGetProperty("hang", out var hang) ? hang.GetString() : null,
            OutOfMemoryKills = Number(exit, "oom_kills_meanwhile"),
            Recorder = Bytes("ring/recorder.bin") is { } ring ? RecorderReader.Parse(ring) : null,
            Texts = texts,
            Host = [.. Records<HostSample>(Text("host/samples.jsonl")), .. Records<HostSample>(Text("host/at_death.jsonl"))],
            Gpu = [.. Records<GpuSample>(Text("gpu/samples.jsonl")), .. Records<GpuSample>(Text("gpu/at_death.jsonl"))],
            KernelLogRead = kernel is not null || !Missing(Bytes("manifest.json")).Contains("host/kernel.txt"),
        };
    }

    /// <summary>A log that was read and held nothing of interest is no file either; one that could not be read is named here.</summary>
    static IReadOnlyList<string> Missing(byte[]? manifest) =>
        manifest is null ? ["host/kernel.txt"] : [.. JsonSerializer.Deserialize(manifest, McnJson.Default.CrashManifest)!.Missing.Select(gap => gap.Name)];

    static long? Number(JsonDocument json, string name) =>
        json.RootElement.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetInt64() : null;

    /// <summary>The first line of a part that was cut is none.</summary>
    static IEnumerable<T> Records<T>(string? lines) where T : TelemetryRecord
    {
        foreach (var line in lines?.Split('\n') ?? [])
        {
            TelemetryRecord? record;
            try
            {
                record = line.StartsWith('{') ? JsonSerializer.Deserialize(line, McnJson.Default.TelemetryRecord) : null;
            }
            catch (JsonException)
            {
                continue;
            }

            if (record is T one) yield return one;
        }
    }

    static byte[] Unpack(ZipArchiveEntry entry)
    {
        using var stream = entry.Open();
        var bytes = new byte[MostPartBytes + 1];
        var length = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        return length <= MostPartBytes ? bytes[..length] : throw new InvalidDataException($"{entry.FullName} of more than {MostPartBytes} bytes");
    }
}
