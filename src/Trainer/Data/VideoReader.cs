using Mcn.Web.Shared;
using Mcn.Web.Shared.Configuration;
using Mcn.Web.Trainer.Import;

namespace Mcn.Web.Trainer.Data;

/// <summary>
/// Fills the P rows of one video of a batch: draws the captions, reads the three files of the video once each, pools and cuts. One
/// per reader thread; nothing is allocated per clip. Its result is a function of (run, epoch, row of the video list).
/// </summary>
public sealed class VideoReader : IDisposable
{
    /// <summary>Rows a second of the 3d features: 24 frames a second in groups of 16.</summary>
    const double RowsPerSecond3d = 24.0 / 16;

    readonly RunConfig config;
    readonly VideoList videos;
    readonly CaptionStore captions;
    readonly NpzReader npz;
    readonly FeaturePooler pooler;
    readonly SpectrogramCutter cutter;
    readonly Clip[] clips;
    readonly bool[] lacksRows;
    readonly List<int> joined = [];

    public VideoReader(RunConfig config, VideoList videos, CaptionStore captions, DataCounters counters)
    {
        this.config = config;
        this.videos = videos;
        this.captions = captions;
        npz = new NpzReader(counters.Reads);
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

    public void Dispose() => npz.Dispose();

    /// <summary>Fills the clips whose CaptionIndices are set.</summary>
    internal void FillDrawn(Batch batch, int slot)
    {
        var video = batch.Videos[slot];
        var shape = batch.Shape;
        Sample(video, RowsOf(batch.CaptionIndices, slot, 1), RowsOf(batch.Tokens, slot, shape.Words), shape.Words);

        var (path, id) = (videos.PathOf(video), videos.IdOf(video));
        var rows = RowsOf(batch.Video, slot, shape.VideoWidth);
        lacksRows.AsSpan().Clear();

        var file = Path.Combine(config.Data.FeaturesPath, path, id + "_2d.npz");
        var array = Matrix(file, "features");
        var width2d = checked((int)array.Shape[1]);
        if (width2d >= shape.VideoWidth)
            throw WrongWidth(file, $"2d features of width {width2d}", $"less than model.feature_dim = {shape.VideoWidth}");
        pooler.Pool(array, file, config.Data.FeatureFramerate, clips, rows, shape.VideoWidth, 0, lacksRows);

        file = Path.Combine(config.Data.FeaturesPath, path, id + "_3d.npz");
        array = Matrix(file, "features");
        if (width2d + array.Shape[1] != shape.VideoWidth)
        {
            throw WrongWidth(file, $"3d features of width {array.Shape[1]} beside 2d features of width {width2d}",
                $"model.feature_dim = {shape.VideoWidth} together");
        }

        pooler.Pool(array, file, RowsPerSecond3d, clips, rows, shape.VideoWidth, width2d, lacksRows);

        file = Path.Combine(config.Data.FeaturesPathAudio, path, id + "_spec.npz");
        array = Matrix(file, "arr_0");
        if (array.Shape[0] != shape.MelBands)
        {
            throw new UserError(file, $"a spectrogram of {array.Shape[0]} rows", $"model.mel_bands = {shape.MelBands}",
                "Compute it again, or set model.mel_bands");
        }

        var audio = RowsOf(batch.Audio, slot, shape.MelBands * shape.Frames);
        cutter.Cut(array, file, clips, audio, shape.Frames, RowsOf(batch.FrameCounts, slot, 1));
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

    // Memory of the result is the reader's: valid until the next file.
    HostArray Matrix(string file, string key)
    {
        var array = npz.Read(file, key);
        if (array.Shape.Length == 2 && array.IsFloat) return array;
        throw new UserError(file, $"array `{key}` is {array.Type} of shape ({string.Join(", ", array.Shape)})",
            "a matrix of half, single or double precision", "Extract this video again or take it off data.train_csv");
    }

    Span<T> RowsOf<T>(T[] array, int slot, int width) => array.AsSpan(slot * clips.Length * width, clips.Length * width);

    static UserError WrongWidth(string file, string found, string expected) =>
        new(file, found, expected, "Set model.feature_dim to the width of the 2d and 3d features together");
}
