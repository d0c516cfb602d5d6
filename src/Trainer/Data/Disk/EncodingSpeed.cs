namespace Mcn.Web.Trainer.Data.Disk;

/// <summary>How fast an epoch can be read in an encoding on this machine: the slower of what the disk gives and what the readers decode.</summary>
/// <param name="DiskVideosPerSecond">Nothing but reading.</param>
/// <param name="CpuSecondsPerVideo">Of one reader out of memory (<see cref="EncodingCosts"/>); null: not measured.</param>
/// <param name="Readers">That can run at one time: data.num_thread_reader, at most the processors.</param>
public sealed record EncodingSpeed(EncodingSize Size, double DiskVideosPerSecond, double? CpuSecondsPerVideo, int Readers)
{
    /// <summary>Of all readers, if the disk took no time; infinite when not measured.</summary>
    public double CpuVideosPerSecond => CpuSecondsPerVideo is { } seconds ? Readers / seconds : double.PositiveInfinity;

    public double VideosPerSecond => Math.Min(DiskVideosPerSecond, CpuVideosPerSecond);

    /// <summary>`disk` or `cpu`.</summary>
    public string LimitedBy => CpuVideosPerSecond < DiskVideosPerSecond ? "cpu" : "disk";

    public double EpochSeconds(long videos) => videos / VideosPerSecond;
}
