using System.Text.Json;
using Mcn.Web.Shared;
using Mcn.Web.Shared.Telemetry;

namespace Mcn.Web.Trainer.Recording;

/// <summary>
/// The last minutes of a run's records, kept for a report: bounded by time and by number, so a week of samples is not read again to find
/// the last quarter of an hour. Any thread may add.
/// </summary>
public sealed class RecentRecords(TimeSpan kept, int most)
{
    static readonly TimeSpan Default = TimeSpan.FromMinutes(15);

    readonly object gate = new();
    readonly Queue<TelemetryRecord> records = new();

    public RecentRecords()
        : this(Default, 8192)
    {
    }

    public void Add(TelemetryRecord record)
    {
        lock (gate)
        {
            records.Enqueue(record);
            while (records.Count > most || (records.Count > 1 && record.Time - records.Peek().Time > kept)) records.Dequeue();
        }
    }

    public void Clear()
    {
        lock (gate) records.Clear();
    }

    public IReadOnlyList<TelemetryRecord> ToList()
    {
        lock (gate) return [.. records.OrderBy(record => record.Time)];
    }

    /// <summary>What lies in the files, for a run whose supervisor died as well: the newest file of each stream, up to a torn tail.</summary>
    public static IReadOnlyList<TelemetryRecord> OfDead(RunFolder folder)
    {
        var recent = new RecentRecords();
        foreach (var record in Newest(folder, "worker").Concat(Newest(folder, SupervisorJournal.Stream)).OrderBy(record => record.Time)) recent.Add(record);
        return recent.ToList();
    }

    /// <summary>Every end of a worker of the run, as the supervisor's stream tells it.</summary>
    public static IEnumerable<WorkerExited> Exits(RunFolder folder) =>
        Files(folder, SupervisorJournal.Stream).SelectMany(path => Payloads(path).Where(IsExit)).Select(Parse).OfType<WorkerExited>();

    /// <summary>Every command to the run and what became of it, oldest first.</summary>
    public static IEnumerable<TelemetryRecord> Commands(RunFolder folder) =>
        Files(folder, SupervisorJournal.Stream).SelectMany(path => Payloads(path).Where(IsOfCommand)).Select(Parse);

    static bool IsOfCommand(byte[] payload) =>
        payload.AsSpan().StartsWith("{\"kind\":\"command\""u8) || payload.AsSpan().StartsWith("{\"kind\":\"command_ended\""u8);

    // A week of samples lies in the same files: only what is asked for is parsed.
    static bool IsExit(byte[] payload) => payload.AsSpan().StartsWith("{\"kind\":\"worker_exited\""u8);

    static IEnumerable<TelemetryRecord> Newest(RunFolder folder, string stream) =>
        Files(folder, stream).TakeLast(1).SelectMany(Payloads).TakeLast(8192).Select(Parse);

    static TelemetryRecord Parse(byte[] payload) => JsonSerializer.Deserialize(payload, McnJson.Default.TelemetryRecord)!;

    static IEnumerable<string> Files(RunFolder folder, string stream)
    {
        var files = Directory.Exists(folder.Journal) ? Directory.GetFiles(folder.Journal, $"{stream}-*.journal") : [];
        return files.Order(StringComparer.Ordinal);
    }

    static IEnumerable<byte[]> Payloads(string path)
    {
        const int most = 1024;
        var follower = new JournalFollower(path);
        while (follower.Read(most, JournalFrame.MaxPayloadBytes) is { Count: > 0 } payloads)
            foreach (var payload in payloads) yield return payload;
    }
}
