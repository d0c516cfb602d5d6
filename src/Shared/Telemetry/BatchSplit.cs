namespace Mcn.Web.Shared.Telemetry;

/// <summary>How the clips of a step lie on the replicas, and what that needs of each memory by the plan.</summary>
/// <param name="Videos">B: batch_size.</param>
/// <param name="ClipsPerVideo">P: n_pair.</param>
/// <param name="Replicas">Devices that share a step.</param>
/// <param name="ClipsPerReplica">Of the fullest one.</param>
/// <param name="GroupClips">Clips of a BatchNorm group.</param>
/// <param name="ClipsHeld">Clips whose graph a replica holds at a time when the run begins; fewer after a shortage of memory (<see cref="MetricCatalog.MicroBatch"/>).</param>
/// <param name="Planned">In the order of the devices.</param>
public sealed record BatchSplit(int Videos, int ClipsPerVideo, int Replicas, int ClipsPerReplica, int GroupClips, int ClipsHeld, IReadOnlyList<PlannedMemory> Planned)
{
    /// <summary>N: every clip of a step is compared with every other.</summary>
    public int ClipsPerStep => Videos * ClipsPerVideo;

    /// <summary>Clips that a replica encodes twice because their graphs are not held: the gradient cache. 0: every graph is held.</summary>
    /// <param name="held">Clips whose graph is held now.</param>
    public int EncodedTwice(int held) => Math.Max(0, ClipsPerReplica - held);
}

/// <param name="Device">`cuda:0`, or `cpu` for the memory of the machine.</param>
/// <param name="Bytes">All replicas there, and what the host keeps for them.</param>
public sealed record PlannedMemory(string Device, long Bytes);
