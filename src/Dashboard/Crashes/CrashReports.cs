using System.Security.Cryptography;
using Mcn.Web.Dashboard.Configuration;
using Mcn.Web.Dashboard.Telemetry;

namespace Mcn.Web.Dashboard.Crashes;

/// <summary>What became of an upload.</summary>
public enum CrashUpload
{
    Taken,

    /// <summary>The same bytes are here already.</summary>
    Known,

    /// <summary>Another report has this id.</summary>
    Conflict,

    /// <summary>The bytes are not those of the hash: torn on the way.</summary>
    WrongHash,
    TooLarge,
}

public sealed record CrashReport(string Id, long Bytes, DateTimeOffset Received, string Sha256);

/// <summary>Crash reports on disk: there whole or not at all. Found by id, never by path.</summary>
public sealed class CrashReports(DataFolder folder, Database database, TimeProvider time)
{
    public const long LargestBytes = 100L << 20;

    public Viewers Viewers { get; } = new(time);

    /// <summary>Letters, digits, dash and underscore: an id is a file name here.</summary>
    public static bool IsId(string id) => id.Length is > 0 and <= 120 && id.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_');

    public CrashReport? Find(string id) => !IsId(id) ? null : database.Read(connection => connection.Rows(
        "SELECT id, bytes, received, sha256 FROM crash_reports WHERE id = $id",
        row => new CrashReport(row.GetString(0), row.GetInt64(1), row.Time(2), row.GetString(3)), ("$id", id))).FirstOrDefault();

    public string FileOf(CrashReport report) => Path.Combine(folder.Crashes, $"{report.Id}.zip");

    public async Task<CrashUpload> TakeAsync(string id, string sha256, Stream body, CancellationToken cancellation)
    {
        if (Find(id) is { } known) return string.Equals(known.Sha256, sha256, StringComparison.OrdinalIgnoreCase) ? CrashUpload.Known : CrashUpload.Conflict;
        var temporary = Path.Combine(folder.Crashes, $".{id}.{Guid.NewGuid():N}.tmp");
        try
        {
            var (bytes, hash) = await ReceiveAsync(body, temporary, cancellation);
            if (bytes > LargestBytes) return CrashUpload.TooLarge;
            if (!string.Equals(hash, sha256, StringComparison.OrdinalIgnoreCase)) return CrashUpload.WrongHash;
            var report = new CrashReport(id, bytes, time.GetUtcNow(), hash);
            File.Move(temporary, FileOf(report), overwrite: true);
            await database.WriteAsync(connection => connection.Run(
                "INSERT OR REPLACE INTO crash_reports VALUES($id, $sha256, $bytes, $received)",
                ("$id", id), ("$sha256", hash), ("$bytes", bytes), ("$received", report.Received.Seconds())));
            Viewers.Poke();
            return CrashUpload.Taken;
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    static async Task<(long Bytes, string Hash)> ReceiveAsync(Stream body, string file, CancellationToken cancellation)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        await using var stream = new FileStream(file, FileMode.CreateNew, FileAccess.Write);
        var buffer = new byte[1 << 16];
        long total = 0;
        int read;
        while ((read = await body.ReadAsync(buffer, cancellation)) > 0 && (total += read) <= LargestBytes)
        {
            hash.AppendData(buffer, 0, read);
            await stream.WriteAsync(buffer.AsMemory(0, read), cancellation);
        }

        stream.Flush(flushToDisk: true);
        return (total, Convert.ToHexStringLower(hash.GetHashAndReset()));
    }
}
