using System.Text.Json;

namespace Mcn.Web.Trainer.Data.Sample;

/// <summary>What a sample set is, as its manifest.json says it; written last, so that a folder with one was complete.</summary>
/// <param name="FormatVersion">Version of the generator: another version makes other files.</param>
/// <param name="Seed">What they were made from.</param>
/// <param name="ShuffledCaptions">The control: training texts permuted.</param>
/// <param name="Videos">Training videos.</param>
/// <param name="Captions">Training captions.</param>
/// <param name="HeldOut">Held-out clips.</param>
/// <param name="Files">All files but the manifest.</param>
/// <param name="Bytes">Their size together.</param>
public sealed record SampleManifest(int FormatVersion, long Seed, bool ShuffledCaptions, int Videos, int Captions, int HeldOut, int Files, long Bytes)
{
    const string Name = "manifest.json";
    const string Kind = "Mcn.Web sample set";

    /// <summary>The manifest of a folder; null when it has none that we wrote.</summary>
    public static SampleManifest? Find(string folder)
    {
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, Name)));
            var root = json.RootElement;
            if (root.GetProperty("kind").GetString() != Kind) return null;
            return new SampleManifest(
                root.GetProperty("format_version").GetInt32(),
                root.GetProperty("seed").GetInt64(),
                root.GetProperty("shuffled_captions").GetBoolean(),
                root.GetProperty("videos").GetInt32(),
                root.GetProperty("captions").GetInt32(),
                root.GetProperty("held_out").GetInt32(),
                root.GetProperty("files").GetInt32(),
                root.GetProperty("bytes").GetInt64());
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or JsonException or KeyNotFoundException
            or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    public void Write(string folder)
    {
        using var stream = new FileStream(Path.Combine(folder, Name), FileMode.CreateNew);
        using var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true, NewLine = "\n" });
        json.WriteStartObject();
        json.WriteString("kind", Kind);
        json.WriteNumber("format_version", FormatVersion);
        json.WriteNumber("seed", Seed);
        json.WriteBoolean("shuffled_captions", ShuffledCaptions);
        json.WriteNumber("videos", Videos);
        json.WriteNumber("captions", Captions);
        json.WriteNumber("held_out", HeldOut);
        json.WriteNumber("files", Files);
        json.WriteNumber("bytes", Bytes);
        json.WriteEndObject();
    }

    /// <summary>Whether the folder still holds as many files and bytes as it was made with.</summary>
    public bool IsWhole(string folder) => Measure(folder) == (Files, Bytes);

    /// <summary>Number of files and their size, without the manifest.</summary>
    public static (int Files, long Bytes) Measure(string folder)
    {
        var (files, bytes) = (0, 0L);
        foreach (var file in new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories))
        {
            if (file.Name == Name && file.DirectoryName == Path.GetFullPath(folder)) continue;
            files++;
            bytes += file.Length;
        }

        return (files, bytes);
    }
}
