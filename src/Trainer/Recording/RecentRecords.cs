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

    /// <summary>Every record of the supervisor's stream.</summary>
    public static IEnumerable<TelemetryRecord> Supervisor(RunFolder folder) => Files(folder, SupervisorJournal.Stream).SelectMany(Readable);

    static List<TelemetryRecord> Newest(RunFolder folder, string stream) => Files(folder, stream).TakeLast(1).SelectMany(Readable).TakeLast(8192).ToList();

    static IEnumerable<string> Files(RunFolder folder, string stream) =>
        Directory.Exists(folder.Journal) ? Directory.EnumerateFiles(folder.Journal, $"{stream}-*.journal").Order(StringComparer.Ordinal) : [];

    static IEnumerable<TelemetryRecord> Readable(string path)
    {
        try
        {
            return JournalReader.Read(path).ToList();
        }
        catch (Exception error) when (error is UserError or IOException)
        {
            return []; // a file that died before its header
        }
    }
}
