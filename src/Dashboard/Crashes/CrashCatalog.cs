using Mcn.Web.Dashboard.Telemetry;
using Mcn.Web.Shared.Crashes;
using Mcn.Web.Shared.Telemetry;

namespace Mcn.Web.Dashboard.Crashes;

/// <summary>Crashes of all runs as their supervisors told them, newest first; reports may still be on their way.</summary>
public sealed class CrashCatalog(Database database)
{
    const int Shown = 200;

    public IReadOnlyList<CrashSummary> Newest() => Read("", []);

    public CrashSummary? Find(string id) => Read("AND json_extract(CAST(json AS TEXT), '$.crash.crash_id') = $id", [("$id", id)]).FirstOrDefault();

    List<CrashSummary> Read(string condition, (string, object?)[] values) => [.. database.Read(connection => connection.Rows(
        $"SELECT json FROM events WHERE kind = 'worker_exited' AND json_extract(CAST(json AS TEXT), '$.crash') IS NOT NULL {condition} ORDER BY time DESC LIMIT {Shown}",
        row => (StoredRecord.Read(new RecordId("", 0, "", 0), (byte[])row.GetValue(0)).Record as WorkerExited)?.Crash, values)).OfType<CrashSummary>()];
}
