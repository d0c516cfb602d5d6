using Mcn.Web.Shared.Configuration;

namespace Mcn.Web.Trainer.Data;

/// <summary>
/// Fills the P rows of one video of a batch: draws the captions, grows them to clips with their words, and has the source fill in the
/// features. One per reader thread; nothing is allocated per clip. Its result is a function of (run, epoch, row of the video list), and
/// the same from every source that keeps the values.
/// </summary>
/// <param name="source">Disposed with the reader.</param>
public sealed class VideoReader(RunConfig config, CaptionStore captions, IVideoSource source) : IDisposable
{
    /// <summary>Rows a second of the 3d features: 24 frames a second in groups of 16.</summary>
    internal const double RowsPerSecond3d = 24.0 / 16;

    readonly Clip[] clips = new Clip[config.Data.NPair];
    readonly List<int> joined = [];

    /// <summary>Reads the original's layout.</summary>
    public VideoReader(RunConfig config, VideoList videos, CaptionStore captions, DataCounters counters)
        : this(config, captions, new HowToLayout(config, videos, counters))
    {
    }

    /// <summary>Draws and fills the clips of video <paramref name="slot"/> of the batch, whose position and Videos are set.</summary>
    public void Fill(Batch batch, int slot)
    {
        var video = batch.Videos[slot];
        ClipSampler.Draw(config.Seed, batch.Epoch, video, captions.CountOf(video), batch.RowsOf(batch.CaptionIndices, slot), source.VisitOf(batch, slot));
        FillDrawn(batch, slot);
    }

    public void Dispose() => source.Dispose();

    /// <summary>Fills the clips whose CaptionIndices are set.</summary>
    internal void FillDrawn(Batch batch, int slot)
    {
        Sample(batch.Videos[slot], batch.RowsOf(batch.CaptionIndices, slot), batch.RowsOf(batch.Tokens, slot), batch.Shape.Words);
        source.Fill(batch, slot, clips);
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
}
