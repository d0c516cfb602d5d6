using System.Globalization;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Shared.Telemetry;

namespace Mcn.Web.Trainer.Planning;

/// <summary>
/// The arithmetic between a configuration's batch_size and what a device sees: the paper's 4096 are clips, not videos, and no
/// other figure of the recipe has cost people more weeks.
/// </summary>
/// <param name="Videos">B: batch_size.</param>
/// <param name="ClipsPerVideo">P: n_pair.</param>
/// <param name="Devices">Replicas that share a step.</param>
public sealed record BatchAlgebra(int Videos, int ClipsPerVideo, int Devices)
{
    const int PaperVideos = 128;
    const int PaperClipsPerVideo = 32;
    const int PaperClips = PaperVideos * PaperClipsPerVideo;

    /// <summary>N: every clip of a step is compared with every other.</summary>
    public long ClipsPerStep => (long)Videos * ClipsPerVideo;

    /// <summary>Clips of the fullest device.</summary>
    public long ClipsPerDevice => (ClipsPerStep + Devices - 1) / Devices;

    public static BatchAlgebra Of(RunConfig config) => new(config.Data.BatchSize, config.Data.NPair, config.Devices.Count);

    /// <summary>How a configuration's clips lie on its devices.</summary>
    public static BatchSplit Split(RunConfig config)
    {
        var share = DeviceShare.Of(config);
        return new BatchSplit(config.Data.BatchSize, config.Data.NPair, config.Devices.Count, (int)share.Clips, (int)share.GroupSize, (int)share.HeldClips,
            [.. MemoryPlan.Of(config).Needs.Select(need => new PlannedMemory(need.Device, need.TotalBytes))]);
    }

    /// <summary>"batch_size 128 videos x n_pair 32 clips = 4,096 clips a step, 1,024 a device (4)".</summary>
    public string Sentence() => string.Create(CultureInfo.InvariantCulture,
        $"batch_size {Videos:N0} videos x n_pair {ClipsPerVideo:N0} clips = {ClipsPerStep:N0} clips a step, {ClipsPerDevice:N0} a device ({Devices})");

    /// <summary>
    /// The classic slip, in words: the paper's number of clips written where videos are meant, or a batch beyond all that was
    /// published with so many clips a video. Null when there is nothing to say.
    /// </summary>
    public string? Slip()
    {
        if (ClipsPerVideo == 1 || ClipsPerStep <= PaperClips) return null;
        var meant = string.Create(CultureInfo.InvariantCulture,
            $"the paper's 4096 is batch_size {PaperVideos} videos x n_pair {PaperClipsPerVideo} clips");
        if (Videos == PaperClips)
        {
            return string.Create(CultureInfo.InvariantCulture,
                $"batch_size {Videos} asks for {ClipsPerStep:N0} clips a step: {meant}. Write batch_size {PaperVideos}");
        }

        return ClipsPerStep >= 4L * PaperClips
            ? string.Create(CultureInfo.InvariantCulture, $"{ClipsPerStep:N0} clips a step are {ClipsPerStep / (double)PaperClips:F0} x the paper's: {meant}")
            : null;
    }
}
