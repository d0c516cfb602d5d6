using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Data;

/// <summary>The original's folders (mcn-spec §3.3, §3.4): three npz a video. One per reader thread.</summary>
public sealed class HowToLayout(DataConfig config, VideoList videos, ReadMeter? meter) : IVideoSource
{
    readonly NpzReader npz = new(meter);

    /// <summary>Refuses a configuration over packed shards, for what works on the original's layout alone.</summary>
    public static void Require(RunConfig config)
    {
        if (config.Data.Shards.Length == 0) return;
        throw new UserError("data.shards", $"the pack {config.Data.Shards}", "the original's layout (train_csv, features_path, caption_path)",
            "Use the configuration that the pack was made from; the same `data pack` again verifies a finished pack", ExitCodes.Usage);
    }

    public bool IsPooled => false;

    public HostArray Read(int video, VideoPart part, out string subject)
    {
        subject = FileOf(video, part);
        return npz.Read(subject, part == VideoPart.Spectrogram ? "arr_0" : "features");
    }

    public void ReadPooled(int video, ReadOnlySpan<int> captions, Span<float> destination, int width, out int width2d, out string subject) =>
        throw new InvalidOperationException("The original's layout has no pooled features");

    public void Dispose() => npz.Dispose();

    string FileOf(int video, VideoPart part)
    {
        var (path, id) = (videos.PathOf(video), videos.IdOf(video));
        return part switch
        {
            VideoPart.Features2d => Path.Combine(config.FeaturesPath, path, id + "_2d.npz"),
            VideoPart.Features3d => Path.Combine(config.FeaturesPath, path, id + "_3d.npz"),
            _ => Path.Combine(config.FeaturesPathAudio, path, id + "_spec.npz"),
        };
    }
}
