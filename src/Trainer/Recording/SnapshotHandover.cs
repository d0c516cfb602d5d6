namespace Mcn.Web.Trainer.Recording;

/// <summary>How a supervisor tells a worker of the memory that outlives it.</summary>
public static class SnapshotHandover
{
    /// <summary>Number of the descriptor in the worker.</summary>
    public const string DescriptorVariable = "MCN_SNAPSHOT_FD";

    /// <summary>What both snapshots together may take, bytes.</summary>
    public const string BudgetVariable = "MCN_SNAPSHOT_BYTES";

    /// <summary>The first after stdin, stdout and stderr.</summary>
    public const int Descriptor = 3;
}
