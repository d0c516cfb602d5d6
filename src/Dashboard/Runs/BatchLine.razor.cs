using Mcn.Web.Dashboard.Layout;
using Mcn.Web.Dashboard.Telemetry;
using Mcn.Web.Shared.Telemetry;
using Microsoft.AspNetCore.Components;

namespace Mcn.Web.Dashboard.Runs;

/// <summary>One line: what a step consists of, how it lies on the devices, and whether one of them holds the others up.</summary>
public sealed partial class BatchLine
{
    [Parameter, EditorRequired]
    public required RunView View { get; set; }

    /// <summary>Clips whose graph a device holds now: fewer than at the start after a shortage of memory.</summary>
    int Held => (int)(View.Value(MetricCatalog.MicroBatch) ?? View.Started!.Batch!.ClipsHeld);

    /// <summary>The rank that waits least is the one that the others wait for, one of them so long; null: not told, or one device.</summary>
    (int Rank, double Most)? WaitedFor => View.Waits is { Count: > 1 } waits ? (Enumerable.Range(0, waits.Count).MinBy(rank => waits[rank]), waits.Max()) : null;

    static string Planned(BatchSplit batch) =>
        string.Join(", ", batch.Planned.GroupBy(memory => memory.Bytes).Select(alike => $"{string.Join(" ", alike.Select(memory => memory.Device))} {Show.GiB(alike.Key)}"));
}
