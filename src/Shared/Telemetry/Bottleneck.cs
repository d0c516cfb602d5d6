namespace Mcn.Web.Shared.Telemetry;

/// <summary>What training waits for; the numbers are the values of the metric and frozen.</summary>
public enum Bottleneck
{
    /// <summary>Not known yet.</summary>
    Unknown = 0,

    /// <summary>Readers wait for files.</summary>
    Disk = 1,

    /// <summary>Readers inflate, pool and cut.</summary>
    Cpu = 2,

    /// <summary>Batches on their way to the device.</summary>
    Transfer = 3,

    /// <summary>The network's own arithmetic.</summary>
    Device = 4,

    /// <summary>Gradients and weights between the replicas.</summary>
    Exchange = 5,
}
