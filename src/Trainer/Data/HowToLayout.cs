using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Data;

/// <summary>The original's folders (mcn-spec §3.3, §3.4): three npz a video, each read whole. One per reader thread.</summary>
public sealed class HowToLayout(RunConfig config, VideoList videos, DataCounters counters) : IVideoSource
{
    readonly NpzReader npz = new(counters.Reads);
    readonly FeaturePooler pooler = new(counters);
    readonly SpectrogramCutter cutter = new(counters, config.Compatibility.NegativeFirstFrame, config.Compatibility.PadWithLoudest);
    readonly bool[] lacksRows = new bool[config.Data.NPair];

    /// <summary>Refuses a configuration over packed shards, for what works on the original's layout alone.</summary>
    public static void Require(RunConfig config)
    {
        if (config.Data.Shards.Length == 0) return;
        throw new UserError("data.shards", $"the pack {config.Data.Shards}", "the original's layout (train_csv, features_path, caption_path)",
            "Use the configuration that the pack was made from; the same `data pack` again verifies a finished pack", ExitCodes.Usage);
    }

    public int VisitOf(Batch batch, int slot) => 0;

    public void Fill(Batch batch, int slot, ReadOnlySpan<Clip> clips)
    {
        var (video, shape) = (batch.Videos[slot], batch.Shape);
        var rows = batch.RowsOf(batch.Video, slot);
        lacksRows.AsSpan().Clear();
        var array = Read(video, VideoPart.Features2d, out var file);
        var width2d = VideoShapes.RequireWidth2d(array, file, shape.VideoWidth);
        pooler.Pool(array, file, config.Data.FeatureFramerate, clips, rows, shape.VideoWidth, 0, lacksRows);

        array = Read(video, VideoPart.Features3d, out file);
        VideoShapes.RequireWidth3d(array, file, width2d, shape.VideoWidth);
        pooler.Pool(array, file, VideoReader.RowsPerSecond3d, clips, rows, shape.VideoWidth, width2d, lacksRows);

        array = Read(video, VideoPart.Spectrogram, out file);
        VideoShapes.RequireBands(array, file, shape.MelBands);
        cutter.Cut(array, file, clips, batch.RowsOf(batch.Audio, slot), shape.Frames, batch.RowsOf(batch.FrameCounts, slot));
    }

    /// <summary>An array of a video: a matrix of floating point; its memory is valid until the next call.</summary>
    /// <param name="video">Row of the video list.</param>
    /// <param name="part">Which array.</param>
    /// <param name="file">Where it comes from, for messages.</param>
    public HostArray Read(int video, VideoPart part, out string file)
    {
        file = FileOf(video, part);
        var array = npz.Read(file, part == VideoPart.Spectrogram ? "arr_0" : "features");
        VideoShapes.RequireMatrix(array, file, part);
        return array;
    }

    public void Dispose() => npz.Dispose();

    string FileOf(int video, VideoPart part)
    {
        var (path, id) = (videos.PathOf(video), videos.IdOf(video));
        return part switch
        {
            VideoPart.Features2d => Path.Combine(config.Data.FeaturesPath, path, id + "_2d.npz"),
            VideoPart.Features3d => Path.Combine(config.Data.FeaturesPath, path, id + "_3d.npz"),
            _ => Path.Combine(config.Data.FeaturesPathAudio, path, id + "_spec.npz"),
        };
    }
}
