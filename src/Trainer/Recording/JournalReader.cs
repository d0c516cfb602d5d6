using System.IO.Hashing;
using System.Text.Json;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Telemetry;

namespace Mcn.Web.Trainer.Recording;

/// <summary>Reads a journal file up to its end or to the first torn frame.</summary>
public static class JournalReader
{
    /// <exception cref="UserError">The file is not a journal, or of a newer version.</exception>
    public static IEnumerable<TelemetryRecord> Read(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 1 << 16);
        var header = new byte[JournalFrame.HeaderBytes];
        if (file.ReadAtLeast(header, header.Length, throwOnEndOfStream: false) < header.Length) yield break; // its writer died at once, or is just beginning
        var version = JournalFrame.Version(header);
        if (version is null or > ProtocolVersion.Journal)
        {
            throw new UserError(path, version is null ? "not a journal" : $"journal version {version}", $"version {ProtocolVersion.Journal} or older",
                "Read it with the program that wrote it");
        }

        var frame = new byte[JournalFrame.FrameBytes];
        while (file.ReadAtLeast(frame, frame.Length, throwOnEndOfStream: false) == frame.Length)
        {
            var (length, checksum) = JournalFrame.Parse(frame);
            if (length > JournalFrame.MaxPayloadBytes) yield break;
            var payload = new byte[length];
            if (file.ReadAtLeast(payload, length, throwOnEndOfStream: false) < length || Crc32.HashToUInt32(payload) != checksum) yield break;
            yield return JsonSerializer.Deserialize(payload, McnJson.Default.TelemetryRecord)!;
        }
    }
}
