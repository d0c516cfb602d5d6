using System.Text.Json;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Telemetry;

namespace Mcn.Web.Trainer.Recording;

/// <summary>
/// Appends records to one journal file. One writer, one thread. A record is handed to the operating system at once, so it survives
/// the death of the process (not a power cut: that is what <see cref="Flush"/> is for).
/// </summary>
public sealed class JournalWriter : IDisposable
{
    readonly FileStream file;
    byte[] frame = new byte[4096];

    public JournalWriter(string path)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0);
        file.Write(JournalFrame.Header(ProtocolVersion.Journal));
    }

    public void Append(TelemetryRecord record)
    {
        var payload = JsonSerializer.SerializeToUtf8Bytes(record, McnJson.Default.TelemetryRecord);
        var length = JournalFrame.FrameBytes + payload.Length;
        if (frame.Length < length) frame = new byte[length * 2];
        JournalFrame.Frame(payload, frame);
        payload.CopyTo(frame, JournalFrame.FrameBytes);
        file.Write(frame, 0, length);
    }

    /// <summary>To the disk.</summary>
    public void Flush() => file.Flush(flushToDisk: true);

    public void Dispose() => file.Dispose();
}
