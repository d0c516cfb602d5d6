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

    /// <summary>Bytes of whole frames.</summary>
    public long Length { get; private set; } = JournalFrame.HeaderBytes;

    /// <exception cref="IOException">Nothing of the record stays: half a frame would end the journal for every reader.</exception>
    public void Append(TelemetryRecord record)
    {
        var payload = JsonSerializer.SerializeToUtf8Bytes(record, McnJson.Default.TelemetryRecord);
        var length = JournalFrame.FrameBytes + payload.Length;
        if (frame.Length < length) frame = new byte[length * 2];
        JournalFrame.Frame(payload, frame);
        payload.CopyTo(frame, JournalFrame.FrameBytes);
        try
        {
            file.Write(frame, 0, length);
            Length += length;
        }
        catch (IOException)
        {
            file.SetLength(Length);
            file.Position = Length;
            throw;
        }
    }

    /// <summary>To the disk.</summary>
    /// <exception cref="IOException">The disk refused: what it holds of the records is unknown.</exception>
    public void Flush() => DurableFile.ToDisk(file);

    public void Dispose() => file.Dispose();
}
