using System.IO.Compression;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Crashes;
using Mcn.Web.Trainer.Recording;

namespace Mcn.Web.Trainer.Crashes;

/// <param name="Name">Path in the archive.</param>
/// <param name="MostBytes">The tail of so many bytes is kept.</param>
/// <param name="Collect">Null: there is nothing of the kind.</param>
sealed record CrashPart(string Name, int MostBytes, Func<byte[]?> Collect);

/// <summary>
/// Writes `crashes/CRASH-ID.zip`: under another name, flushed, renamed, so that it is there whole or not at all. A collector that fails
/// or takes more than 5 s is a line in the manifest, never the end of the report. Parts come in order of worth: where the bound is
/// reached, the later ones are cut or left out.
/// </summary>
static class CrashArchive
{
    public const long MostBytes = 50 << 20;
    static readonly TimeSpan LongestCollector = TimeSpan.FromSeconds(5);

    public static async Task<string> WriteAsync(CrashCase crash, IReadOnlyList<CrashPart> parts, TimeProvider time, long mostBytes = MostBytes)
    {
        var files = new List<(CrashFile File, byte[] Content)>();
        var missing = new List<CrashGap>();
        var left = mostBytes;
        foreach (var part in parts)
        {
            var (content, gap) = await CollectAsync(part, time).ConfigureAwait(false);
            if (gap is not null) missing.Add(new CrashGap(part.Name, gap));
            if (content is null) continue;
            var kept = Tail(content, Math.Min(part.MostBytes, left));
            if (kept.Length == 0 && content.Length > 0)
            {
                missing.Add(new CrashGap(part.Name, $"left out: the report is bounded to {mostBytes} bytes"));
                continue;
            }

            left -= kept.Length;
            var hash = Convert.ToHexStringLower(SHA256.HashData(kept));
            files.Add((new CrashFile(part.Name, kept.Length, hash, kept.Length < content.Length), kept));
        }

        var manifest = new CrashManifest
        {
            FormatVersion = ProtocolVersion.CrashReport,
            CrashId = crash.Summary.CrashId,
            Time = time.GetUtcNow(),
            Program = typeof(CrashArchive).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown",
            Files = [.. files.Select(entry => entry.File)],
            Missing = missing,
        };
        Directory.CreateDirectory(crash.Scene.Folder.Crashes);
        DurableFile.Replace(crash.Scene.ReportPath, stream => Write(stream, crash.Summary.CrashId, files, manifest));
        return crash.Scene.ReportPath;
    }

    static void Write(Stream stream, string top, List<(CrashFile File, byte[] Content)> files, CrashManifest manifest)
    {
        using var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true);
        foreach (var (file, content) in files) Add(zip, $"{top}/{file.Name}", content);
        Add(zip, $"{top}/manifest.json", JsonSerializer.SerializeToUtf8Bytes(manifest, McnJson.ForFiles.CrashManifest));
    }

    static void Add(ZipArchive zip, string name, byte[] content)
    {
        using var entry = zip.CreateEntry(name, CompressionLevel.Optimal).Open();
        entry.Write(content);
    }

    static async Task<(byte[]? Content, string? Gap)> CollectAsync(CrashPart part, TimeProvider time)
    {
        try
        {
            return (await Task.Run(part.Collect).WaitAsync(LongestCollector, time).ConfigureAwait(false), null);
        }
        catch (TimeoutException)
        {
            return (null, $"took longer than {LongestCollector.TotalSeconds} s");
        }
        catch (Exception error) // whatever a collector meets: the report goes on without it
        {
            return (null, $"{error.GetType().Name}: {Scrubber.Scrub(error.Message)}");
        }
    }

    /// <summary>The end is what matters; the first line says that there was more.</summary>
    static byte[] Tail(byte[] content, long most)
    {
        if (content.Length <= most) return content;
        var note = Encoding.UTF8.GetBytes($"[cut: the last part of {content.Length} bytes]\n");
        return most <= note.Length ? [] : [.. note, .. content.AsSpan(content.Length - (int)(most - note.Length))];
    }
}
