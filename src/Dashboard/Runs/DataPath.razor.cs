using Mcn.Web.Dashboard.Telemetry;
using Mcn.Web.Shared.Telemetry;
using Microsoft.AspNetCore.Components;

namespace Mcn.Web.Dashboard.Runs;

/// <summary>One line: which of disk, CPU, transfer, device and exchange between replicas limits now, and what each could do alone. Nothing before it is known.</summary>
public sealed partial class DataPath
{
    static readonly (Bottleneck Part, string Metric)[] Parts =
    [
        (Bottleneck.Disk, MetricCatalog.LimitDisk),
        (Bottleneck.Cpu, MetricCatalog.LimitCpu),
        (Bottleneck.Transfer, MetricCatalog.LimitTransfer),
        (Bottleneck.Device, MetricCatalog.LimitDevice),
        (Bottleneck.Exchange, MetricCatalog.LimitExchange),
    ];

    [Parameter, EditorRequired]
    public required RunView View { get; set; }

    Bottleneck Limit => (Bottleneck)(View.Value(MetricCatalog.Bottleneck) ?? 0);

    static string NameOf(Bottleneck part) => "Feed" + part;
}
