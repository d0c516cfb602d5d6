using Mcn.Web.Shared.Configuration;

namespace Mcn.Web.Trainer.Data;

/// <summary>
/// Fills the P rows of one video of a batch: draws the captions, reads the arrays of the video once each, pools and cuts. One
/// per reader thread; nothing is allocated per clip. Its result is a function of (run, epoch, row of the video list), and the same from
/// every source that keeps the values.
/// </summary>
public sealed class VideoReader : IDisposable
{
    /// <summary>Rows a second of the 3d features: 24 frames a second in groups of 16.</summary>
    internal const double RowsPerSecond3d = 24.0 / 16;

    readonly RunConfig config;
    readonly CaptionStore captions;
    readonly IVideoSource source;
    readonly DataCounters counters;
    readonly FeaturePooler pooler;
    readonly SpectrogramCutter cutter;
    readonly Clip[] clips;
    readonly bool[] lacksRows;
    readonly List<int> joined = [];

    /// <summary>Reads the original's layout.</summary>
    public VideoReader(RunConfig config, VideoList videos, CaptionStore captions, DataCounters counters)
        : this(config, captions, counters, new HowToLayout(config.Data, videos, counters.Reads))
    {
    }

    /// <param name="source">Disposed with the reader.</param>
    public VideoReader(RunConfig config, CaptionStore captions, DataCounters counters, IVideoSource source)
    {
        this.config = config;
        this.captions = captions;
        this.source = source;
        this.counters = counters;
        pooler = new FeaturePooler(counters);
        cutter = new SpectrogramCutter(counters, config.Compatibility.NegativeFirstFrame, config.Compatibility.PadWithLoudest);
        clips = new Clip[config.Data.NPair];
        lacksRows = new bool[config.Data.NPair];
    }

    /// <summary>Draws and fills the clips of video <paramref name="slot"/> of the batch, whose Epoch and Videos are set.</summary>
    public void Fill(Batch batch, int slot)
    {
        var video = batch.Videos[slot];
        ClipSampler.Draw(config.Seed, batch.Epoch, video, captions.CountOf(video), RowsOf(batch.CaptionIndices, slot, 1));
        FillDrawn(batch, slot);
    }

    public void Dispose() => source.Dispose();

    /// <summary>Fills the clips whose CaptionIndices are set.</summary>
    internal void FillDrawn(Batch batch, int slot)
    {
        var video = batch.Videos[slot];
        var shape = batch.Shape;
        var drawn = RowsOf(batch.CaptionIndices, slot, 1);
        Sample(video, drawn, RowsOf(batch.Tokens, slot, shape.Words), shape.Words);

        var rows = RowsOf(batch.Video, slot, shape.VideoWidth);
        if (source.IsPooled) Pooled(video, drawn, rows, shape.VideoWidth);
        else Pool(video, rows, shape.VideoWidth);

        var array = source.Read(video, VideoPart.Spectrogram, out var file);
        VideoShapes.RequireMatrix(array, file, VideoPart.Spectrogram);
        VideoShapes.RequireBands(array, file, shape.MelBands);
        var audio = RowsOf(batch.Audio, slot, shape.MelBands * shape.Frames);
        cutter.Cut(array, file, clips, audio, shape.Frames, RowsOf(batch.FrameCounts, slot, 1));
    }

    void Pool(int video, Span<float> rows, int videoWidth)
    {
        lacksRows.AsSpan().Clear();
        var array = source.Read(video, VideoPart.Features2d, out var file);
        VideoShapes.RequireMatrix(array, file, VideoPart.Features2d);
        var width2d = VideoShapes.RequireWidth2d(array, file, videoWidth);
        pooler.Pool(array, file, config.Data.FeatureFramerate, clips, rows, videoWidth, 0, lacksRows);

        array = source.Read(video, VideoPart.Features3d, out file);
        VideoShapes.RequireMatrix(array, file, VideoPart.Features3d);
        VideoShapes.RequireWidth3d(array, file, width2d, videoWidth);
        pooler.Pool(array, file, RowsPerSecond3d, clips, rows, videoWidth, width2d, lacksRows);
    }

    /// <summary>Takes the rows as they were pooled when the shards were packed.</summary>
    void Pooled(int video, ReadOnlySpan<int> drawn, Span<float> rows, int videoWidth)
    {
        source.ReadPooled(video, drawn, rows, videoWidth, out var width2d, out var file);
        for (var i = 0; i < clips.Length; i++)
        {
            var row = rows.Slice(i * videoWidth, videoWidth);
            if (!row[..width2d].ContainsAnyExcept(0f) || !row[width2d..].ContainsAnyExcept(0f)) counters.AddWithoutRows(file, clips[i], 0);
        }
    }

    /// <summary>Times and words of the drawn captions.</summary>
    void Sample(int video, ReadOnlySpan<int> indices, Span<int> tokens, int maxWords)
    {
        var starts = captions.StartsOf(video);
        var ends = captions.EndsOf(video);
        for (var i = 0; i < clips.Length; i++)
        {
            clips[i] = ClipSampler.Grow(starts, ends, indices[i], config.Data.MinTime, joined);
            var row = tokens.Slice(i * maxWords, maxWords);
            foreach (var caption in joined)
            {
                var said = captions.TokensOf(video, caption);
                said = said[..Math.Min(said.Length, row.Length)];
                said.CopyTo(row);
                row = row[said.Length..];
            }

            row.Clear();
        }
    }

    Span<T> RowsOf<T>(T[] array, int slot, int width) => array.AsSpan(slot * clips.Length * width, clips.Length * width);
}
