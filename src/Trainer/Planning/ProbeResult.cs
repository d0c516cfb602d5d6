namespace Mcn.Web.Trainer.Planning;

/// <summary>What a measured figure is.</summary>
public enum PeakSource
{
    /// <summary>Largest resident memory of the process, from the kernel.</summary>
    Resident,

    /// <summary>What NVML says that the process holds of the board.</summary>
    Process,

    /// <summary>What was used of the board beyond what was used before.</summary>
    Board,
}

/// <summary>The most that a run took.</summary>
/// <param name="Device">Of which; with several boards the fullest.</param>
public sealed record ProbePeak(long Bytes, string Device, PeakSource Source);

/// <param name="SmallClips">Of a BatchNorm group, in the first run.</param>
/// <param name="LargeClips">The same of the second, larger one.</param>
/// <param name="PredictedBytes">The formula at the configuration's own size, put right by what both runs took.</param>
public sealed record ProbeResult(long SmallClips, ProbePeak Small, long LargeClips, ProbePeak Large, long PredictedBytes);
