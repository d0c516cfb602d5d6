using Mcn.Web.Trainer.Data.Shards;

namespace Mcn.Web.Trainer.Data.Disk;

/// <summary>How data should be read from a disk.</summary>
/// <param name="Mode">A value of data.read_mode: one sequential stream, or only the bytes needed from many threads.</param>
/// <param name="Because">What decided it.</param>
public sealed record ReadPlan(string Mode, string Because)
{
    /// <summary>A disk that moves a head does 60 to 200 random reads a second, flash thousands: no real disk is between.</summary>
    const double SeekingReadsPerSecond = 1000;

    /// <summary>Decides by what was measured; the kernel's flag decides only where the cache answered.</summary>
    public static ReadPlan Of(BlockDevice device, DiskRates rates)
    {
        if (rates.LooksCached)
        {
            return device.IsRotational == true
                ? new ReadPlan(ReadModes.Sequential, "the kernel calls the disk rotational (the measurement was answered by a cache)")
                : new ReadPlan(ReadModes.Random, "the kernel does not call the disk rotational (the measurement was answered by a cache)");
        }

        var text = FormattableString.Invariant($"{rates.RandomReadsPerSecond:F0} random reads a second of {DiskProbe.RandomReadBytes >> 10} KiB were measured");
        var seeks = rates.RandomReadsPerSecond < SeekingReadsPerSecond;
        var differs = device.IsRotational is { } rotational && rotational != seeks ? $"; the kernel's flag (rotational: {(rotational ? "yes" : "no")}) says otherwise" : "";
        return new ReadPlan(seeks ? ReadModes.Sequential : ReadModes.Random, text + differs);
    }
}
